"""What can end the processing of one dataset or of a lot."""

from biolake.errors import BiolakeError


class ReaderFailed(BiolakeError):
    """A reader ended in a way that its format's errors do not cover: a fault of the platform, not of the file."""


class LotTaken(BiolakeError):
    """Another run works on the lot."""


class DatasetLost(BiolakeError):
    """A dataset of the lot is neither stored nor ended: a fault of the platform."""
