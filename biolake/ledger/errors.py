"""What can be wrong with a request to the ledger."""

from biolake.errors import BiolakeError


class UnknownLot(BiolakeError):
    """No lot has that key."""


class UnknownDataset(BiolakeError):
    """The repository holds no dataset of that id."""


class LedgerUnavailable(BiolakeError):
    """The ledger's database cannot be reached or opened."""

    transient = True
