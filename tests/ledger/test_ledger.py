"""The ledger keeps instants and states as they were, and its writers take turns."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from biolake.ledger.current import current_datasets, forget, set_current
from biolake.ledger.deletion import delete_dataset
from biolake.ledger.errors import LedgerUnavailable, UnknownDataset, UnknownLot
from biolake.ledger.jobs import (
    add_jobs,
    assign_lot,
    count_jobs,
    end_jobs,
    find_jobs,
    move_jobs,
    new_job_id,
    part_from_json,
    part_to_json,
    queued_jobs,
    source_version,
    start_jobs,
)
from biolake.ledger.ledger import Ledger
from biolake.ledger.lots import add_lot, beat, finish_lot_if_ended, get_lot, next_attempt, open_lots, take_lot
from biolake.ledger.models import Action, CurrentDataset, Job, JobState, Lot, LotState, Part, Priority
from biolake.objects.models import ObjectVersion

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=30)
PARTS = st.builds(
    Part,
    st.sampled_from(["data", "samples", "metadata", "matrix"]),
    st.builds(
        ObjectVersion,
        TEXT,
        TEXT,
        st.integers(0, 2**60),
        st.datetimes(timezones=st.just(UTC)),
        st.none() | TEXT,
    ),
)


def job(dataset_id: str = "d", *, state: JobState = JobState.IN_QUEUE, priority: str = "medium", **rest) -> Job:
    parts = (Part("data", ObjectVersion(f"lab/{dataset_id}.csv", "e", 3, NOW)),)
    return Job(
        new_job_id(NOW), "lab", dataset_id, Action.UPLOAD, state, parts, source_version(parts), Priority(priority), 3,
        NOW, NOW, **rest,
    )  # fmt: skip


def lot(key: str = "lot1") -> Lot:
    return Lot(key, "lab", f"memory://{key}", "0" * 64, 1, 3, LotState.OPEN, NOW)


@given(PARTS)
def test_a_part_comes_back_from_a_manifest_as_it_was(part: Part) -> None:
    assert part_from_json(part_to_json(part)) == part


@given(
    st.lists(PARTS, min_size=1, max_size=4, unique_by=lambda part: (part.role, part.version.key)),
    st.randoms(),
)
def test_a_source_version_names_the_objects_whatever_their_order(parts: list[Part], shuffled) -> None:
    mixed = list(parts)
    shuffled.shuffle(mixed)
    assert source_version(mixed) == source_version(parts)
    first = parts[0].version
    changed = Part(parts[0].role, ObjectVersion(first.key, first.etag + "'", first.size, first.modified, first.version))
    assert source_version([changed, *parts[1:]]) != source_version(parts)


def test_a_job_comes_back_as_it_was_with_its_instants_in_utc(ledger: Ledger) -> None:
    berlin = NOW.astimezone(timezone(timedelta(hours=2)))
    made = job(lot="lot1", started_at=berlin, reason="weil's so ist: Größe", sha256="ab")
    with ledger.writing() as connection:
        add_jobs(connection, [made])
    with ledger.reading() as connection:
        (found,) = find_jobs(connection)
    assert found == made
    assert found.started_at is not None
    assert found.started_at.utcoffset() == timedelta(0)


def test_jobs_go_by_priority_and_never_beside_another_of_their_dataset(ledger: Ledger) -> None:
    jobs = [job("a", priority="low"), job("b"), job("c", priority="high"), job("d"), job("d", lot="lot1")]
    with ledger.writing() as connection:
        add_jobs(connection, jobs)
        assert [one.dataset_id for one in queued_jobs(connection, "lab", 10)] == ["c", "b", "a"]
        end_jobs(connection, [(jobs[4].id, JobState.ERRORED, "X: y", None)], NOW)
        assert {one.dataset_id for one in queued_jobs(connection, "lab", 10)} == {"a", "b", "c", "d"}


def test_a_job_that_has_ended_stays_as_it_ended(ledger: Ledger) -> None:
    made = job()
    with ledger.writing() as connection:
        add_jobs(connection, [made])
        end_jobs(connection, [(made.id, JobState.CANCELLED, "gone", None)], NOW)
        start_jobs(connection, [made.id], "run", NOW)
        move_jobs(connection, [made.id], JobState.IN_QUEUE, NOW, None)
        end_jobs(connection, [(made.id, JobState.SUCCESS, None, "ab")], NOW)
        (found,) = find_jobs(connection)
    assert (found.state, found.reason, found.attempts) == (JobState.CANCELLED, "gone", 0)


def test_a_lot_has_one_owner_and_is_done_when_its_jobs_have_ended(ledger: Ledger) -> None:
    made = job()
    with ledger.writing() as connection:
        add_lot(connection, lot())
        add_jobs(connection, [made])
        assign_lot(connection, [made.id], "lot1", NOW)
        take_lot(connection, "lot1", "first", NOW)
        assert beat(connection, "lot1", "first", NOW)
        next_attempt(connection, "lot1")
        take_lot(connection, "lot1", "second", NOW)
        assert not beat(connection, "lot1", "first", NOW)
        assert not finish_lot_if_ended(connection, "lot1")
        end_jobs(connection, [(made.id, JobState.SUCCESS, None, None)], NOW)
        assert finish_lot_if_ended(connection, "lot1")
        assert open_lots(connection) == []
        assert (get_lot(connection, "lot1").attempt, get_lot(connection, "lot1").run_id) == (2, "second")
        with pytest.raises(UnknownLot, match="lot9"):
            get_lot(connection, "lot9")


def test_an_error_within_a_transaction_leaves_nothing_of_it(ledger: Ledger) -> None:
    made = job()
    with pytest.raises(IntegrityError), ledger.writing() as connection:
        add_jobs(connection, [job("another"), made, made])
    with ledger.reading() as connection:
        assert count_jobs(connection) == {}


def test_writers_take_turns(ledger: Ledger) -> None:
    def write(number: int) -> None:
        own = Ledger(ledger.url.render_as_string(hide_password=False))
        for _ in range(10):
            with own.writing() as connection:
                known = len(current_datasets(connection, "lab"))
                shown = CurrentDataset("lab", f"d{known}", "k", "v", "h", f"{number}", NOW)
                set_current(connection, [shown])
        own.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    with ledger.writing() as connection:
        assert sorted(current_datasets(connection, "lab")) == sorted(f"d{number}" for number in range(40))
        forget(connection, "lab", ["d0"])
        assert "d0" not in current_datasets(connection, "lab")


def test_thousands_of_datasets_are_asked_for_at_once(ledger: Ledger) -> None:
    ids = [f"d{number}" for number in range(2_500)]
    with ledger.writing() as connection:
        set_current(connection, [CurrentDataset("lab", one, "k", "v", "h", "l", NOW) for one in ids])
        assert len(current_datasets(connection, "lab", ids)) == 2_500
        add_jobs(connection, [job(one) for one in ids])
        assert len(find_jobs(connection, "lab", dataset_ids=ids)) == 2_500


def test_a_database_that_cannot_be_opened_is_named_without_its_password() -> None:
    with pytest.raises(LedgerUnavailable) as caught:
        Ledger("sqlite:////proc/no/such/ledger.db")
    assert "/proc/no/such/ledger.db" in str(caught.value)
    assert caught.value.transient


def test_nothing_is_deleted_for_an_unknown_dataset(ledger: Ledger, tmp_path: Path) -> None:
    from biolake.objects.store import open_store
    from biolake.repositories.models import Repository

    bucket = open_store((tmp_path / "bucket").as_uri(), create=True)
    with pytest.raises(UnknownDataset, match="Nothing was deleted"):
        delete_dataset(ledger, bucket, Repository(name="lab", title="Made up"), "ghost")


def _open(url: str) -> int:
    ledger = Ledger(url)
    with ledger.reading() as connection:
        n_jobs = len(find_jobs(connection))
    ledger.close()
    return n_jobs


def test_processes_that_open_a_new_ledger_at_once_all_succeed(new_database: Callable[[], str]) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as processes:
        list(processes.map(_open, [new_database() for _ in range(3)]))
        for _ in range(10):
            assert list(processes.map(_open, [new_database()] * 3)) == [0, 0, 0]


def test_what_is_read_in_one_go_is_of_one_moment(ledger: Ledger) -> None:
    shown = CurrentDataset("lab", "a", "lab/a.csv", "v", "0", "lot", NOW)
    with ledger.reading() as connection:
        assert find_jobs(connection) == []
        with ledger.writing() as writer:
            set_current(writer, [shown])
        assert current_datasets(connection, "lab") == {}
    with ledger.reading() as connection:
        assert current_datasets(connection, "lab") == {"a": shown}
