"""Recordings on their way: which are ready, processing one, and what became of it."""
