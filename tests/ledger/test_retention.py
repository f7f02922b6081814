"""What is forgotten of the past is not the present: newest versions and everything recent stay."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select

from biolake.ledger import retention
from biolake.ledger.ledger import Ledger
from biolake.ledger.retention import forget_versions
from biolake.ledger.tables import OBJECT_VERSIONS

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
    assert forget_versions(past.engine, MOMENT) == 4
    assert left(past) == [
        ("lab", "gone lately", "1"),
        ("lab", "gone lately", "1"),
        ("lab", "only one", "1"),
        ("lab", "replaced", "2"),
        ("lab", "replaced lately", "2"),
        ("other", "only one", "1"),
    ]
    assert forget_versions(past.engine, MOMENT) == 0


def test_portions_forget_as_much(past: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_ROWS_AT_ONCE", 2)
    assert forget_versions(past.engine, MOMENT) == 4
    assert len(left(past)) == 6
