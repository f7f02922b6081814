"""The ledger's connection: opening the database, and one transaction at a time for those that write.

What is read and written within a transaction is in `objects`, `jobs`, `lots` and `current` beside this module.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import SQLAlchemyError

from biolake.ledger.errors import LedgerUnavailable
from biolake.ledger.tables import METADATA

_ADVISORY_LOCK = 7_274_519_006
_BUSY_SECONDS = 60.0


class Ledger:
    """A deployment's ledger. Safe to use from several processes; writers take turns."""

    def __init__(self, url: str, password: SecretStr | None = None) -> None:
        """Open the database at the SQLAlchemy URL `url` and create missing tables.

        Args:
            url: Where the database is.
            password: Of the URL's user, where the URL has none.

        Raises:
            LedgerUnavailable: The database cannot be opened.
        """
        self.url = make_url(url)
        # A file has no users.
        if password is not None and self.url.get_backend_name() != "sqlite":
            self.url = self.url.set(password=password.get_secret_value())
        try:
            if self.url.get_backend_name() == "sqlite" and self.url.database:
                Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
            self.engine = _engine(self.url)
            # Within the writers' lock: a table that another process makes meanwhile would be made twice.
            with self.writing() as connection:
                METADATA.create_all(connection)
        except (SQLAlchemyError, OSError) as error:
            raise LedgerUnavailable(f"{self.url.render_as_string(hide_password=True)}: {error}") from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one consistent state."""
        if self.engine.dialect.name != "sqlite":
            with self.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
                yield connection
            return
        with self.engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                connection.rollback()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that no other writer interleaves; all of it is kept, or nothing."""
        with self.engine.connect() as connection:
            if self.engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                try:
                    yield connection
                except BaseException:
                    connection.rollback()
                    raise
                connection.commit()
            else:
                with connection.begin():
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
                    yield connection

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _durable_and_concurrent(connection: object, _record: object) -> None:
        # pysqlite opens transactions by itself, too late for BEGIN IMMEDIATE.
        connection.isolation_level = None  # type: ignore[attr-defined]
        cursor = connection.cursor()  # type: ignore[attr-defined]
        _write_ahead(cursor)
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()

    return engine


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Switch the file to write-ahead logging; SQLite does not wait for others that do so at the same moment."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
