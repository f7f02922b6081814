"""What can go wrong between SKDH's outputs and a study's tables."""

from biolake.studies.errors import StudyError


class UnknownTable(StudyError):
    """A table that studies do not have."""


class UnknownRunKey(StudyError):
    """No results were stored under the run key."""


class MixedRuntimes(StudyError):
    """Results of several runtimes were asked for as one table."""


class InputGone(StudyError):
    """A file that a result was computed from is no longer what it was, so the result cannot be recomputed."""


class RuntimeChanged(StudyError):
    """The runtime of that name is not the one that a result was computed in."""


class OutputUnusable(StudyError):
    """A step returned something that its table has no place for."""
