"""Dagster resources: thin, configured from the environment. What they do is in `biolake`."""
