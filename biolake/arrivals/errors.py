"""What can be wrong with what arrives."""

from biolake.errors import BiolakeError


class EmptyListing(BiolakeError):
    """A folder that held objects lists none: an outage until someone says otherwise."""


class DatasetIdTaken(BiolakeError):
    """Another object of the repository already is that dataset."""


class MissingPair(BiolakeError):
    """The other files of a dataset did not arrive in time."""


class RunsFailed(BiolakeError):
    """Every run that tried a lot ended before its work was done."""


class ManifestChanged(BiolakeError):
    """A lot's manifest is not the one that was recorded."""
