"""The ledger's transactions, on SQLite and PostgreSQL: readers see one moment, writers take turns.

The tables of studies are in the same database and use the same two; on PostgreSQL their writers wait only for each
other, since nothing is written into both kinds of tables at once.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from biolake.ledger.errors import LedgerUnavailable


class Turn(IntEnum):
    """Whose writers take turns, as the key of an advisory lock.

    https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
    """

    LEDGER = 7_274_519_006
    STUDIES = 7_274_519_007


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one consistent state.

    Raises:
        LedgerUnavailable: The database did not answer.
    """
    with _told(engine), engine.connect() as connection:
        if engine.dialect.name != "sqlite":
            yield connection.execution_options(isolation_level="REPEATABLE READ")
            return
        connection.exec_driver_sql("BEGIN")
        try:
            yield connection
        finally:
            connection.rollback()


@contextmanager
def writing(engine: Engine, turn: Turn = Turn.LEDGER) -> Iterator[Connection]:
    """A transaction that no other writer of the same turn interleaves; all of it is kept, or nothing.

    Raises:
        LedgerUnavailable: The database did not answer. Where it was lost while the transaction was being kept, all of
            it may have been; what is written again must therefore be what was written.
    """
    with _told(engine), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()
        else:
            with connection.begin():
                connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": int(turn)})
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
        raise LedgerUnavailable(f"the ledger {where} does not answer: {reason}. See BIOLAKE_LEDGER.") from error


def _is_outage(error: DBAPIError | PoolExhausted) -> bool:
    if isinstance(error, PoolExhausted) or error.connection_invalidated:
        return True
    # SQLite's own code for a mistake in a statement comes as an OperationalError, too.
    code = getattr(error.orig, "sqlite_errorcode", None)
    return isinstance(error, OperationalError) and code != sqlite3.SQLITE_ERROR
