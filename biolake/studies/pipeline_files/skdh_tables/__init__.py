"""One JSON table per version of SciKit-Digital-Health, each made by `record.py` in a runtime with that version."""
