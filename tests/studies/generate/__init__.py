"""Made-up recordings whose truth is known: what was planted when, and what is broken where. For tests only."""
