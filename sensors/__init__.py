"""Sensors: what arrives, which lots lost their run, which documents changed. What they find out is in `biolake`."""
