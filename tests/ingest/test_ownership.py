"""A run works on a lot only while the lot is its own, and a file is read only while it is the job's version."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from biolake.arrivals.manifest import Entry
from biolake.ingest import heartbeat as heartbeat_module
from biolake.ingest import read_job as read_module
from biolake.ingest.errors import LotTaken
from biolake.ingest.heartbeat import check_ownership, heartbeat, refuse_while_owned
from biolake.ingest.read_job import CouldNotRead, read_job
from biolake.ledger.ledger import Ledger
from biolake.ledger.lots import add_lot, get_lot, next_attempt, take_lot
from biolake.ledger.models import Action, Lot, LotState, Part
from biolake.objects.errors import ObjectChanged, ObjectNotFound
from biolake.objects.store import ObjectStore, open_store
from biolake.repositories.models import Repository

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LAB = Repository(name="lab", title="Made up")


@pytest.fixture
def ledger(tmp_path: Path):
    made = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    with made.writing() as connection:
        add_lot(connection, Lot("lot1", "lab", "memory://lot1", "0" * 64, 1, 3, LotState.OPEN, NOW))
        take_lot(connection, "lot1", "first", NOW)
    yield made
    made.close()


@pytest.fixture
def bucket(tmp_path: Path) -> ObjectStore:
    return open_store((tmp_path / "bucket").as_uri(), create=True)


def test_a_run_is_stopped_once_another_one_is_asked_for(ledger: Ledger) -> None:
    check_ownership(ledger, "lot1", "first")
    with ledger.writing() as connection:
        next_attempt(connection, "lot1")
    with pytest.raises(LotTaken, match="run first was silent for too long"):
        check_ownership(ledger, "lot1", "first")
    with ledger.writing() as connection:
        take_lot(connection, "lot1", "second", NOW)
    check_ownership(ledger, "lot1", "second")
    with pytest.raises(LotTaken, match="replaced by second"):
        check_ownership(ledger, "lot1", "first")


def test_a_second_run_is_refused_only_while_the_first_is_alive(ledger: Ledger) -> None:
    with ledger.reading() as connection:
        lot = get_lot(connection, "lot1")
    refuse_while_owned(lot, "first", NOW)
    with pytest.raises(LotTaken, match="run first works on it"):
        refuse_while_owned(lot, "second", NOW + timedelta(seconds=1))
    refuse_while_owned(lot, "second", NOW + timedelta(minutes=1))


def test_a_heartbeat_says_that_the_run_is_alive_until_the_lot_is_taken(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat_module, "BEAT_SECONDS", 0.01)

    def beaten() -> datetime | None:
        with ledger.reading() as connection:
            return get_lot(connection, "lot1").heartbeat_at

    with heartbeat(ledger, "lot1", "first"):
        while beaten() == NOW:
            pass
        with ledger.writing() as connection:
            take_lot(connection, "lot1", "second", NOW)
        for _ in range(20):
            assert beaten() == NOW


def entry(bucket: ObjectStore, key: str) -> Entry:
    return Entry("job", "d", Action.UPLOAD, "v", (Part("data", bucket.head(key)),))


@pytest.mark.parametrize("readable", [True, False])
@pytest.mark.parametrize("happening", ["replaced", "deleted"])
def test_what_happens_to_a_file_under_its_reader_cancels_its_job(
    bucket: ObjectStore, monkeypatch: pytest.MonkeyPatch, happening: str, readable: bool
) -> None:
    bucket.put("lab/d.csv", b"gene,s1\ng1,1\n" if readable else b"gene,s1,s1\ng1,1,2\n")
    mine, real = entry(bucket, "lab/d.csv"), read_module.read

    def read(upload):
        if happening == "deleted":
            bucket.delete(["lab/d.csv"])
        else:
            bucket.put("lab/d.csv", b"gene,s1\ng1,2\n" if readable else b"gene,s1,s1\ng1,3,4\n")
        return real(upload)

    monkeypatch.setattr(read_module, "read", read)
    with (
        pytest.raises(ObjectNotFound if happening == "deleted" else ObjectChanged),
        read_job(mine, LAB, bucket, None) as found,
    ):
        assert found.dataset is not None


def test_a_fault_of_a_reader_is_told_as_one(bucket: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(_upload):
        raise IndexError("list index out of range")

    bucket.put("lab/d.csv", b"gene,s1\ng1,1\n")
    monkeypatch.setattr(read_module, "read", read)
    with pytest.raises(CouldNotRead) as caught, read_job(entry(bucket, "lab/d.csv"), LAB, bucket, None):
        pass
    assert caught.value.error.code == "READER_FAILED"
    assert "d.csv: IndexError: list index out of range" in str(caught.value.error)
    assert caught.value.sha256


def test_content_that_is_shown_already_is_not_read_again(bucket: ObjectStore) -> None:
    bucket.put("lab/d.csv", b"gene,s1\ng1,1\n")
    with read_job(entry(bucket, "lab/d.csv"), LAB, bucket, None) as first:
        assert first.dataset is not None
    with read_job(entry(bucket, "lab/d.csv"), LAB, bucket, first.sha256) as again:
        assert again.dataset is None
