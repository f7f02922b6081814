"""The ledger's transactions, on SQLite and PostgreSQL: readers see one moment, writers take turns.

The tables of studies are in the same database and use the same two; on PostgreSQL their writers wait only for each
other, since nothing is written into both kinds of tables at once.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from biolake.ledger.errors import LedgerUnavailable

_WAIT = "biolake_wait_seconds"
_FIRST_PAUSE_SECONDS = 0.1
_LAST_PAUSE_SECONDS = 2.0


class Turn(IntEnum):
    """Whose writers take turns, as the key of an advisory lock.

    https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
    """

    LEDGER = 7_274_519_006
    STUDIES = 7_274_519_007


def waiting(engine: Engine, seconds: float) -> Engine:
    """The same engine, whose transactions wait so long for a server that is gone before they begin.

    Nothing has been done by then, so that it is safe to ask again. An outage within a transaction is told at once: only
    who began it knows what it was for.
    """
    return engine.execution_options(**{_WAIT: seconds})


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one consistent state.

    Raises:
        LedgerUnavailable: The database did not answer.
    """

    def begin(connection: Connection) -> None:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        else:
            connection.execution_options(isolation_level="REPEATABLE READ")

    with _told(engine), _begun(engine, begin) as connection:
        yield connection


@contextmanager
def writing(engine: Engine, turn: Turn = Turn.LEDGER) -> Iterator[Connection]:
    """A transaction that no other writer of the same turn interleaves; all of it is kept, or nothing.

    Raises:
        LedgerUnavailable: The database did not answer. Where it was lost while the transaction was being kept, all of
            it may have been; what is written again must therefore be what was written.
    """

    def begin(connection: Connection) -> None:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": int(turn)})

    with _told(engine), _begun(engine, begin) as connection:
        yield connection
        connection.commit()


@contextmanager
def _begun(engine: Engine, begin: Callable[[Connection], None]) -> Iterator[Connection]:
    """A connection on which a transaction has begun; what is not committed is rolled back."""
    deadline = time.monotonic() + engine.get_execution_options().get(_WAIT, 0.0)
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            connection = engine.connect()
            try:
                begin(connection)
            except BaseException:
                connection.close()
                raise
            break
        except DBAPIError as error:
            if not _is_outage(error) or time.monotonic() + pause > deadline:
                raise
        time.sleep(pause)
        pause = min(2 * pause, _LAST_PAUSE_SECONDS)
    with connection:
        yield connection


@contextmanager
def _told(engine: Engine) -> Iterator[None]:
    """Tell an outage of the database as one; mistakes in a statement stay what they are."""
    try:
        yield
    except (DBAPIError, PoolExhausted) as error:
        if not _is_outage(error):
            raise
        reason = str(error.orig if isinstance(error, DBAPIError) else error).strip().partition("\n")[0]
        where = engine.url.render_as_string(hide_password=True)
        raise LedgerUnavailable(f"the ledger {where} does not answer: {reason}. {_remedy(reason)}") from error


def _remedy(reason: str) -> str:
    if "password" in reason or "authentication" in reason:
        return "Correct BIOLAKE_LEDGER_PASSWORD, or the user in BIOLAKE_LEDGER."
    return "Start it, or correct BIOLAKE_LEDGER; `biolake doctor` looks closer."


def _is_outage(error: DBAPIError | PoolExhausted) -> bool:
    if isinstance(error, PoolExhausted) or error.connection_invalidated:
        return True
    # SQLite's own code for a mistake in a statement comes as an OperationalError, too.
    code = getattr(error.orig, "sqlite_errorcode", None)
    return isinstance(error, OperationalError) and code != sqlite3.SQLITE_ERROR
