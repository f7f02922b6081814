"""What can go wrong between the platform and the lake."""

from biolake.errors import BiolakeError


class LakeUnavailable(BiolakeError):
    """A table's store did not answer: it could not be opened, or it is not known whether a commit landed."""

    transient = True


class CommitContended(BiolakeError):
    """Other writers were faster too many times in a row."""

    transient = True


class LakeTableMissing(BiolakeError):
    """A table that should exist does not."""


class DatasetNotShown(BiolakeError):
    """The lake shows no dataset of that id."""
