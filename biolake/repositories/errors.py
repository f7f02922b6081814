"""What can be wrong with the set of repositories."""

from biolake.errors import BiolakeError


class UnknownRepository(BiolakeError):
    """No document describes a repository of that name."""


class RepositoryExists(BiolakeError):
    """Another document already describes that name or takes that folder."""
