"""The side of processing that runs inside a locked runtime, by the runtime's own interpreter.

Nothing here imports the platform: only the standard library and what the runtime's lock holds. The platform's side,
which starts this and reads what it leaves, is the folder above.
"""
