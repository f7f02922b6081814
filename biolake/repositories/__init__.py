"""Repositories of molecular datasets: one YAML document each. What arrives in them is `biolake.arrivals`."""
