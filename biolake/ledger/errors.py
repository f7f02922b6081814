"""What can be wrong with a request to the ledger."""

from biolake.errors import BiolakeError


class UnknownLot(BiolakeError):
    """No lot has that key."""


class UnknownDataset(BiolakeError):
    """The repository holds no dataset of that id."""


class LedgerUnavailable(BiolakeError):
    """The ledger's database cannot be reached or opened."""

    transient = True


class LedgerOutdated(BiolakeError):
    """The database has an older schema than this version works with."""


class LedgerTooNew(BiolakeError):
    """The database has a schema that this version does not know yet."""


class LedgerSchemaUnknown(BiolakeError):
    """The database has tables of the ledger's names that no version of the ledger made."""
