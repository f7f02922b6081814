"""Recordings as files: which device wrote them, what their headers say, what is broken. Never imports SKDH.

`scan` is the one door; the types are in `models.py`, a module per format beside it.
"""

from biolake.studies.devices.prescan import scan

__all__ = ["scan"]
