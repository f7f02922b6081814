"""Eight processes write into one ledger: every change counts once, none is lost, and nobody waits for ever."""

from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

from sqlalchemy import insert, select, update

from biolake.arrivals.tick import tick
from biolake.ledger.jobs import add_jobs, end_jobs, find_jobs, new_job_id
from biolake.ledger.ledger import Ledger
from biolake.ledger.lots import add_lot, all_lots, finish_lot_if_ended, get_lot
from biolake.ledger.models import Action, Job, JobState, Lot, LotState, Priority
from biolake.ledger.tables import LOTS
from biolake.objects.store import open_store
from biolake.repositories.models import Repository
from biolake.settings import Settings
from biolake.studies.tables import STUDIES, reading, writing

WRITERS, ROUNDS = 8, 25
NOW = datetime(2026, 5, 1, tzinfo=UTC)
LAB = Repository.model_validate({"name": "lab", "title": "Made up"})


def _count(url: str, number: int) -> None:
    """Read, add one, write: in the ledger, and in a study's record, by turns."""
    ledger = Ledger(url)
    for turn in range(ROUNDS):
        with ledger.writing() as connection:
            attempt = get_lot(connection, "lot").attempt
            job = Job(
                new_job_id(NOW), "lab", f"d{number}-{turn}", Action.UPLOAD, JobState.IN_QUEUE, (), "v",
                Priority.MEDIUM, 3, NOW, NOW,
            )  # fmt: skip
            add_jobs(connection, [job])
            connection.execute(update(LOTS).values(attempt=attempt + 1))
        with writing(ledger.engine) as connection:
            known = connection.execute(select(STUDIES.c.reason)).scalar_one()
            connection.execute(update(STUDIES).values(reason=str(int(known) + 1)))
        with ledger.reading() as connection:
            assert len(find_jobs(connection)) == get_lot(connection, "lot").attempt, "one moment"
    ledger.close()


def test_no_update_is_lost(ledger: Ledger, database: str) -> None:
    with ledger.writing() as connection:
        add_lot(connection, Lot("lot", "lab", "memory://lot", "0" * 64, 1, 3, LotState.OPEN, NOW, attempt=0))
    with writing(ledger.engine) as connection:
        connection.execute(insert(STUDIES).values(study="S", state="active", reason="0", since=NOW))
    with ProcessPoolExecutor(WRITERS, mp_context=get_context("spawn")) as processes:
        list(processes.map(_count, [database] * WRITERS, range(WRITERS)))
    with ledger.reading() as connection:
        assert get_lot(connection, "lot").attempt == WRITERS * ROUNDS
        assert len({job.dataset_id for job in find_jobs(connection)}) == WRITERS * ROUNDS
    with reading(ledger.engine) as connection:
        assert connection.execute(select(STUDIES.c.reason)).scalar_one() == str(WRITERS * ROUNDS)


def _look(url: str, folder: Path) -> None:
    """Tick as a sensor does, and end the jobs of every lot as its run does."""
    ledger = Ledger(url)
    bucket = open_store((folder / "landing").as_uri())
    settings = Settings.from_environment({"BIOLAKE_SETTLE_SECONDS": "0", "BIOLAKE_LOT_DATASETS": "5"}, home=folder)
    lake = open_store((folder / "lake").as_uri(), create=True)
    for _ in range(6):
        for lot in tick(LAB, bucket, lake, ledger, settings).lots:
            with ledger.writing() as connection:
                jobs = find_jobs(connection, lot=lot.key)
                end_jobs(connection, [(job.id, JobState.SUCCESS, None, "ab") for job in jobs], datetime.now(UTC))
                finish_lot_if_ended(connection, lot.key)
    ledger.close()


def test_sensors_of_one_repository_that_tick_at_once_ask_for_everything_once(
    ledger: Ledger, database: str, tmp_path: Path
) -> None:
    bucket = open_store((tmp_path / "landing").as_uri(), create=True)
    ids = [f"D{number}" for number in range(60)]
    for one in ids:
        bucket.put(f"lab/{one}.csv", b"gene,s1\nTP53,1\n")
    with ProcessPoolExecutor(WRITERS, mp_context=get_context("spawn")) as processes:
        list(processes.map(_look, [database] * WRITERS, [tmp_path] * WRITERS))
    with ledger.reading() as connection:
        jobs = find_jobs(connection)
        lots = {lot.key: lot for lot in all_lots(connection, "lab")}
    assert sorted(job.dataset_id for job in jobs) == sorted(ids)
    assert {job.state for job in jobs} == {JobState.SUCCESS}
    members = Counter(job.lot for job in jobs)
    assert {key: lot.n_jobs for key, lot in lots.items()} == members
    assert {lot.state for lot in lots.values()} == {LotState.DONE}
