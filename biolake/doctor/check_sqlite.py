"""A ledger in a SQLite file: readable, whole, and with the code's tables."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from biolake.doctor.ledger_schema import schema
from biolake.doctor.models import Examination, Finding, Verdict, ok, problem, skipped
from biolake.settings import Settings

_BUSY_SECONDS = 5.0


def sqlite(settings: Settings) -> Examination:
    """Look at the file without changing it."""
    path = Path(unquote(settings.ledger.partition(":///")[2]))

    def look() -> Iterator[Finding]:
        if not path.exists():
            yield skipped("ledger", "reachable", f"{path} is made at the first use")
            return
        try:
            with sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS) as connection:
                yield ok("ledger", "reachable", f"SQLite {sqlite3.sqlite_version}, {path}")
                whole = _whole(connection, path)
                yield whole
                if whole.verdict == Verdict.OK:
                    yield _schema(connection)
        except sqlite3.Error as error:
            yield problem(
                "ledger", "reachable", f"{path}: {error}", "See that it is a ledger and readable, or restore it."
            )

    return Examination("ledger", look)


def _whole(connection: sqlite3.Connection, path: Path) -> Finding:
    told = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    if told == "ok":
        return ok("ledger", "whole", f"{path.stat().st_size / 1024**2:.1f} MiB, no damage found")
    return problem("ledger", "whole", told.replace("\n", " "), "Restore it from a backup: docs/operations.md.")


def _schema(connection: sqlite3.Connection) -> Finding:
    from sqlalchemy import create_engine
    from sqlalchemy.pool import StaticPool

    with create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool).connect() as looked_at:
        return schema(looked_at)
