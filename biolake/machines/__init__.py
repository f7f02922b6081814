"""Sizes of the machines that runs ask a cluster for: the one table, and which work gets which size."""
