"""The catalog of a study: which files its sources list, what they hold, and the state of each."""
