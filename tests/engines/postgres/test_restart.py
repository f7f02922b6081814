"""PostgreSQL is killed and started again under load: writers go on, nothing is lost, and nothing is there twice."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import func, insert, select

from biolake.ingest import heartbeat as heartbeat_module
from biolake.ingest.heartbeat import check_ownership, heartbeat
from biolake.ledger.connect import Pool
from biolake.ledger.errors import LedgerUnavailable
from biolake.ledger.jobs import add_jobs, find_jobs, get_jobs
from biolake.ledger.ledger import Ledger
from biolake.ledger.lots import add_lot, get_lot, take_lot
from biolake.ledger.models import Action, Job, JobState, Lot, LotState, Priority
from biolake.ledger.tables import OBJECT_VERSIONS
from tests.engines.postgres.instance import production_instance
from tests.engines.servers.postgres import PostgresServer

WRITERS, WRITES, RESTARTS = 4, 150, 3
RUNNERS, RUNS = 3, 10
NOW = datetime(2026, 5, 1, tzinfo=UTC)
LOTS = dg.DynamicPartitionsDefinition(name="lots")


def _write(url: str, number: int) -> int:
    """Record jobs one by one, each again until it is known to be kept; return how often that took another try."""
    ledger, again = _opened(url), 0
    for write in range(WRITES):
        job = Job(
            f"{number}-{write}", "lab", f"d{number}-{write}", Action.UPLOAD, JobState.IN_QUEUE, (), "v",
            Priority.MEDIUM, 3, NOW, NOW,
        )  # fmt: skip
        while True:
            try:
                with ledger.writing() as connection:
                    if not get_jobs(connection, [job.id]):
                        add_jobs(connection, [job])
                        connection.execute(
                            insert(OBJECT_VERSIONS).values(
                                repository="lab", key=job.id, etag="e", size=3, modified=NOW, deleted=False, seen_at=NOW
                            )
                        )
                break
            except LedgerUnavailable:
                again += 1
        time.sleep(0.02)
    ledger.close()
    return again


def _opened(url: str) -> Ledger:
    """A ledger that is opened again by whoever starts processes: one that never was open is not waited for."""
    while True:
        try:
            return Ledger(url)
        except LedgerUnavailable:
            time.sleep(0.2)


@dg.asset(partitions_def=LOTS)
def stored() -> None:
    """Stands for the assets of a repository."""


def _run(number: int) -> int:
    """Materialize partitions one by one, each again until it is told as done; return how often that took a try."""
    again = 0
    for turn in range(RUNS):
        while not _materialized(f"{number}-{turn}"):
            again += 1
            time.sleep(0.1)
    return again


def _materialized(key: str) -> bool:
    try:
        with dg.DagsterInstance.get() as instance:
            instance.add_dynamic_partitions("lots", [key])
            return dg.materialize([stored], instance=instance, partition_key=key, raise_on_error=False).success
    except Exception:
        # Dagster passes on whatever the database's driver raises; the sensor gives such a lot another run.
        return False


def restart_under_load(server: PostgresServer, work: list[Future[int]], begun: Callable[[], bool]) -> None:
    """Kill the server a few times while the work is under way."""
    while not begun():
        time.sleep(0.05)
    for _ in range(RESTARTS):
        time.sleep(0.7)
        assert not all(one.done() for one in work), "restarted under load"
        server.restart()


def test_writers_go_on_after_a_restart(ledger: Ledger, database: str, postgres: PostgresServer) -> None:
    with ProcessPoolExecutor(WRITERS, mp_context=get_context("spawn")) as processes:
        work = [processes.submit(_write, database, number) for number in range(WRITERS)]
        restart_under_load(postgres, work, lambda: len(_read(ledger)) > 10)
        assert all(one.result(120) < 20 * RESTARTS for one in work)
    with ledger.reading() as connection:
        jobs = find_jobs(connection)
        written = connection.execute(select(OBJECT_VERSIONS.c.key, func.count()).group_by(OBJECT_VERSIONS.c.key)).all()
    expected = {f"{number}-{write}" for number in range(WRITERS) for write in range(WRITES)}
    assert {job.id for job in jobs} == expected
    assert {key: count for key, count in written} == dict.fromkeys(expected, 1)  # noqa: C416 - rows are no pairs


def test_runs_go_on_after_a_restart(
    database: str, postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each process has a pool of connections, all of which break."""
    with production_instance(tmp_path / "dagster", database, monkeypatch) as instance:
        with ProcessPoolExecutor(RUNNERS, mp_context=get_context("spawn")) as processes:
            work = [processes.submit(_run, number) for number in range(RUNNERS)]
            restart_under_load(postgres, work, lambda: instance.get_runs_count() > 1)
            assert all(one.result(240) < 20 * RESTARTS for one in work)
        keys = {f"{number}-{turn}" for number in range(RUNNERS) for turn in range(RUNS)}
        assert instance.get_materialized_partitions(stored.key) == keys
        done = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS]))
        assert {run.tags["dagster/partition"] for run in done} == keys


def test_a_transaction_waits_for_the_server_and_one_under_way_is_told(ledger: Ledger, postgres: PostgresServer) -> None:
    with pytest.raises(LedgerUnavailable, match="does not answer"):
        _write_into_an_outage(ledger, postgres)
    with ThreadPoolExecutor(1) as threads:
        later = threads.submit(_read, ledger)
        time.sleep(1)
        assert not later.done(), "it waits"
        postgres.start()
        assert later.result(60) == []


def _write_into_an_outage(ledger: Ledger, postgres: PostgresServer) -> None:
    with ledger.writing() as connection:
        add_jobs(connection, [_job("lost")])
        postgres.kill()
        connection.execute(select(1))


def test_a_server_that_stays_away_is_told(database: str, postgres: PostgresServer) -> None:
    impatient = Ledger(database, pool=Pool(wait_seconds=0.5))
    postgres.kill()
    try:
        for transaction in (impatient.reading, impatient.writing):
            with pytest.raises(LedgerUnavailable) as caught, transaction():
                pass
            assert caught.value.transient
        with pytest.raises(LedgerUnavailable):
            Ledger(database)
    finally:
        postgres.start()
    assert _read(impatient) == []
    impatient.close()


def test_a_run_beats_on_after_a_restart(
    ledger: Ledger, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat_module, "BEAT_SECONDS", 0.05)
    with ledger.writing() as connection:
        add_lot(connection, Lot("lot", "lab", "memory://lot", "0" * 64, 1, 3, LotState.OPEN, NOW))
        take_lot(connection, "lot", "run", NOW)
    with heartbeat(ledger, "lot", "run"):
        postgres.restart()
        restarted = datetime.now(UTC)
        while _beaten(ledger) < restarted:
            pass
        check_ownership(ledger, "lot", "run")


def _job(one: str) -> Job:
    return Job(one, "lab", one, Action.UPLOAD, JobState.IN_QUEUE, (), "v", Priority.MEDIUM, 3, NOW, NOW)


def _read(ledger: Ledger) -> list[Job]:
    with ledger.reading() as connection:
        return find_jobs(connection)


def _beaten(ledger: Ledger) -> datetime:
    with ledger.reading() as connection:
        beaten = get_lot(connection, "lot").heartbeat_at
        assert beaten is not None
        return beaten
