"""What is forgotten of the past is not the present: newest versions, runs at work and everything recent stay."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select

from biolake.ledger import retention
from biolake.ledger.ledger import Ledger
from biolake.ledger.retention import Forgotten, forget_before
from biolake.ledger.tables import OBJECT_VERSIONS
from biolake.studies.tables import FILES, RUN_BEATS, writing

OLD = datetime(2026, 1, 1, tzinfo=UTC)
MOMENT = OLD + timedelta(days=30)
RECENT = OLD + timedelta(days=60)


def version(
    key: str, etag: str, seen: datetime, *, repository: str = "lab", deleted: bool = False
) -> dict[str, object]:
    row = {"repository": repository, "key": key, "etag": etag, "size": 1, "modified": seen}
    return {**row, "deleted": deleted, "seen_at": seen}


@pytest.fixture
def past(ledger: Ledger) -> Ledger:
    versions = [
        version("replaced", "1", OLD),
        version("replaced", "2", OLD + timedelta(days=1)),
        version("replaced lately", "1", OLD),
        version("replaced lately", "2", RECENT),
        version("only one", "1", OLD),
        version("only one", "1", OLD, repository="other"),
        version("gone", "1", OLD),
        version("gone", "1", OLD + timedelta(days=1), deleted=True),
        version("gone lately", "1", RECENT),
        version("gone lately", "1", RECENT, deleted=True),
    ]
    with ledger.writing() as connection:
        connection.execute(insert(OBJECT_VERSIONS), versions)
    return ledger


def left(ledger: Ledger) -> list[tuple[str, str, str]]:
    columns = OBJECT_VERSIONS.c["repository", "key", "etag"]
    with ledger.reading() as connection:
        return sorted((row[0], row[1], row[2]) for row in connection.execute(select(*columns)))


def test_versions_that_are_not_the_present_are_forgotten(past: Ledger) -> None:
    assert forget_before(past.engine, MOMENT) == Forgotten(object_versions=4, run_beats=0)
    assert left(past) == [
        ("lab", "gone lately", "1"),
        ("lab", "gone lately", "1"),
        ("lab", "only one", "1"),
        ("lab", "replaced", "2"),
        ("lab", "replaced lately", "2"),
        ("other", "only one", "1"),
    ]
    assert forget_before(past.engine, MOMENT) == Forgotten(0, 0)


def test_portions_forget_as_much(past: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_ROWS_AT_ONCE", 2)
    assert forget_before(past.engine, MOMENT).object_versions == 4
    assert len(left(past)) == 6


def test_beats_of_runs_at_work_stay(ledger: Ledger) -> None:
    beats = {"ended": OLD, "at work": OLD, "recent": RECENT}
    file = {
        "study": "S", "source": "raw", "key": "a", "etag": "e", "size": 1, "modified": OLD, "first_seen": OLD,
        "current": True, "state": "processing", "reason": "", "since": OLD, "run_id": "at work",
    }  # fmt: skip
    with writing(ledger.engine) as connection:
        connection.execute(insert(RUN_BEATS), [{"run_id": run, "beaten_at": at} for run, at in beats.items()])
        connection.execute(insert(FILES).values(file))
    assert forget_before(ledger.engine, MOMENT).run_beats == 1
    with ledger.reading() as connection:
        assert set(connection.execute(select(RUN_BEATS.c.run_id)).scalars()) == {"at work", "recent"}
