"""The ledger's database, opened: its schema is checked once, and then it is read and written.

What is read and written within a transaction is in `objects`, `jobs`, `lots` and `current` beside this module.
"""

from contextlib import AbstractContextManager

from pydantic import SecretStr
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from biolake.ledger import transactions
from biolake.ledger.connect import Pool, ledger_url, open_engine
from biolake.ledger.errors import LedgerUnavailable
from biolake.ledger.migrate import require_schema
from biolake.ledger.transactions import waiting


class Ledger:
    """A deployment's ledger. Safe to use from several processes; writers take turns."""

    def __init__(self, url: str, password: SecretStr | None = None, pool: Pool | None = None) -> None:
        """Open the database at the SQLAlchemy URL `url`; an empty one gets its tables.

        Args:
            url: Where the database is.
            password: Of the URL's user, where the URL has none.
            pool: Of connections to a server.

        Raises:
            LedgerUnavailable: The database cannot be opened.
            LedgerOutdated: Its schema is older than this version's; a SQLite file is upgraded instead.
            LedgerTooNew: Its schema is newer than this version's.
            LedgerSchemaUnknown: Its tables are not the ledger's.
        """
        self.url = ledger_url(url, password)
        try:
            engine = open_engine(self.url, pool)
            require_schema(engine)
        except (SQLAlchemyError, OSError) as error:
            raise LedgerUnavailable(f"{self.url.render_as_string(hide_password=True)}: {error}") from error
        # What was open once is waited for; what never was may be a mistake in the settings.
        self.engine = waiting(engine, (pool or Pool()).wait_seconds)

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection that sees one consistent state.

        Raises:
            LedgerUnavailable: The database did not answer.
        """
        return transactions.reading(self.engine)

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction that no other writer interleaves; all of it is kept, or nothing.

        Raises:
            LedgerUnavailable: The database did not answer.
        """
        return transactions.writing(self.engine)

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()
