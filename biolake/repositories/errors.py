"""What can be wrong with the set of repositories."""

from biolake.errors import BiolakeError


class UnknownRepository(BiolakeError):
    """No document describes a repository of that name."""


class RepositoryExists(BiolakeError):
    """Another document already describes that name or takes that folder."""


class RepositoryMoved(BiolakeError):
    """A document would give a repository another landing folder, without its objects."""


class DataTypeNotAllowed(BiolakeError):
    """A dataset of a kind that the repository does not take."""


class MetadataDoesNotConform(BiolakeError):
    """A dataset's metadata breaks its repository's schema."""


class NameNotTaken(BiolakeError):
    """A file whose name makes it no dataset of the repository."""
