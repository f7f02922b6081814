"""Running recordings through SKDH so that a broken one harms nobody: checks, plan, processes, outcomes.

`process` in `runner.py` is the door for one recording, `process_all` in `batch.py` for many. What runs inside a locked
runtime is in `worker/`; which recordings are fit to run is the catalog's decision.
"""
