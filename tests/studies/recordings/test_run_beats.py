"""Beats are forgotten when they are old and their run has ended."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, select

from biolake.ledger.ledger import Ledger
from biolake.studies.recordings.run_beats import forget_beats
from biolake.studies.tables import FILES, RUN_BEATS, reading, writing

OLD = datetime(2026, 1, 1, tzinfo=UTC)
MOMENT = OLD + timedelta(days=30)
RECENT = OLD + timedelta(days=60)


def test_beats_of_runs_at_work_stay(new_database: Callable[[], str]) -> None:
    beats = {"ended": OLD, "at work": OLD, "recent": RECENT}
    file = {
        "study": "S", "source": "raw", "key": "a", "etag": "e", "size": 1, "modified": OLD, "first_seen": OLD,
        "current": True, "state": "processing", "reason": "", "since": OLD, "run_id": "at work",
    }  # fmt: skip
    with closing(Ledger(new_database())) as ledger:
        with writing(ledger.engine) as connection:
            connection.execute(insert(RUN_BEATS), [{"run_id": run, "beaten_at": at} for run, at in beats.items()])
            connection.execute(insert(FILES).values(file))
        assert forget_beats(ledger.engine, MOMENT) == 1
        with reading(ledger.engine) as connection:
            assert set(connection.execute(select(RUN_BEATS.c.run_id)).scalars()) == {"at work", "recent"}
