"""A bucket's events, as hints that a key is worth a look.

Here: the queue, its messages, and which keys they name. What is there, and what it calls for, is decided by looking at
the bucket, in `biolake.arrivals`; how far each key's events were followed is in `biolake.ledger.events`.
"""
