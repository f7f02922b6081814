"""What can go wrong between the platform and the lake."""

from biolake.errors import BiolakeError


class LakeUnavailable(BiolakeError):
    """A table could not be opened, for another reason than that it does not exist."""

    transient = True


class CommitContended(BiolakeError):
    """Other writers were faster too many times in a row."""

    transient = True


class LakeTableMissing(BiolakeError):
    """A table that should exist does not."""


class DatasetNotShown(BiolakeError):
    """The lake shows no dataset of that id."""
