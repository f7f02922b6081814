"""What arrived and what became of it: objects, jobs, lots, datasets and their states, in SQLite or PostgreSQL.

The ledger decides order: per key the newest object version wins, and a dataset is in at most one lot at a time.
"""
