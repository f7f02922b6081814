"""Open the ledger's database, SQLite or PostgreSQL, as an engine with its pool of connections.

One transaction at a time is in `transactions`, the schema in `migrate`.
"""

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import create_engine, event, make_url
from sqlalchemy.engine import URL, Engine

_BUSY_SECONDS = 60.0
_CONNECT_SECONDS = 10


@dataclass(frozen=True)
class Pool:
    """How a process keeps its connections to a server.

    Attributes:
        connections: The most at once; a thread that needs another waits for one.
        recycle_seconds: The age at which a connection is replaced, as firewalls and poolers close old ones silently.
        wait_seconds: How long a transaction may wait for a server that is gone, before it is begun.
    """

    connections: int = 5
    recycle_seconds: float = 1800.0
    wait_seconds: float = 30.0


def ledger_url(url: str, password: SecretStr | None = None) -> URL:
    """Return the URL with the password of its user; a file has no users."""
    parsed = make_url(url)
    if password is None or parsed.get_backend_name() == "sqlite":
        return parsed
    return parsed.set(password=password.get_secret_value())


def open_engine(url: URL, pool: Pool | None = None) -> Engine:
    """Return an engine for the database; the first statement connects.

    Raises:
        OSError: The folder of a SQLite file cannot be made.
    """
    if url.get_backend_name() != "sqlite":
        chosen = pool or Pool()
        return create_engine(
            url,
            pool_size=chosen.connections,
            max_overflow=0,
            # A connection that the server has closed is found out before it is used, not by who uses it.
            pool_pre_ping=True,
            pool_recycle=chosen.recycle_seconds,
            # The one that was put back last is taken first, so that those of a busy hour end by their age.
            pool_use_lifo=True,
            connect_args={"connect_timeout": _CONNECT_SECONDS, "application_name": "biolake"},
        )
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
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
