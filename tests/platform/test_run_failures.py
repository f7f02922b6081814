"""Runs that fail, die or lose their lot: another run does the work, and in the end somebody is told."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from biolake.arrivals.recovery import MOST_FAILURES, give_another_run
from biolake.ingest import store_lot as store_module
from biolake.ledger.lots import open_lots
from biolake.ledger.models import JobState
from biolake.objects.errors import StoreUnavailable
from biolake.objects.store import ObjectStore
from tests.platform.conftest import Deployment, matrix_csv


def failing(times: int, error: Exception, then: Callable[..., object]) -> Callable[..., object]:
    """A function that raises so many times and then works."""
    left = [times]

    def call(*args: object, **kwargs: object) -> object:
        if left[0]:
            left[0] -= 1
            raise error
        return then(*args, **kwargs)

    return call


def outage(monkeypatch: pytest.MonkeyPatch, runs: int) -> None:
    """In the next so many runs the bucket does not answer; the sensor, which ticks in between, still sees it."""
    real = store_module.LotStorer.run
    fault = StoreUnavailable("the bucket does not answer")
    left = [runs]

    def run(storer: store_module.LotStorer) -> object:
        if not left[0]:
            return real(storer)
        left[0] -= 1
        with monkeypatch.context() as patch:
            patch.setattr(ObjectStore, "local", failing(99, fault, ObjectStore.local))
            patch.setattr(ObjectStore, "list", failing(99, fault, ObjectStore.list))
            return real(storer)

    monkeypatch.setattr(store_module.LotStorer, "run", run)


def test_a_run_without_a_store_is_followed_by_another(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment.put("lab/D1.csv", matrix_csv(1))
    deployment.put("lab/D2.csv", matrix_csv(2))
    outage(monkeypatch, runs=1)
    jobs = deployment.drive()
    assert {job.dataset_id: (job.state, job.attempts) for job in jobs} == {
        "D1": (JobState.SUCCESS, 2),
        "D2": (JobState.SUCCESS, 2),
    }
    assert sorted(run.status.value for run in deployment.runs()) == ["FAILURE", "SUCCESS"]
    assert deployment.reconciled().differences == ()


def test_a_fault_that_stays_ends_the_jobs_and_a_new_lot_repairs_them(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    from biolake.arrivals.reprocess import reprocess

    deployment.put("lab/D1.csv", matrix_csv(1))
    outage(monkeypatch, runs=MOST_FAILURES)
    (job,) = deployment.drive()
    assert job.state == JobState.ERRORED
    assert (job.reason or "").startswith("RUNS_FAILED: 3 runs of lot")
    assert len(deployment.runs()) == MOST_FAILURES
    assert deployment.drive() == []
    reprocess(deployment.platform.ledger, deployment.platform.repositories.get("lab"), ["D1"])
    (again,) = deployment.drive()
    assert again.state == JobState.SUCCESS
    assert again.lot != job.lot
    assert deployment.reconciled().differences == ()


def test_a_dataset_that_crashes_runs_does_not_take_its_lot_with_it(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = store_module.matrix_batches

    def crash(dataset, origin):
        if origin.dataset_id == "D2":
            raise RuntimeError("outside of any reader")
        return real(dataset, origin)

    monkeypatch.setattr(store_module, "matrix_batches", crash)
    for number in range(4):
        deployment.put(f"lab/D{number}.csv", matrix_csv(number))
    jobs = {job.dataset_id: job for job in deployment.drive()}
    assert jobs.pop("D2").state == JobState.ERRORED
    assert {job.state for job in jobs.values()} == {JobState.SUCCESS}
    assert set(deployment.shown()) == {"D0", "D1", "D3"}
    (broken,) = deployment.jobs("D2")
    assert "The dataset was alone in it" in (broken.reason or "")
    found = deployment.reconciled()
    assert (found.differences, found.errored) == ((), ("D2",))


def test_a_run_of_a_divided_lot_that_only_seemed_dead_changes_nothing(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is paused with its commit ready, the parts are stored meanwhile, and one dataset is updated."""
    from biolake.lake.commit import LotWriter

    deployment.put("lab/D1.csv", matrix_csv(1))
    deployment.put("lab/D2.csv", matrix_csv(2))
    real, paused, here = LotWriter._write, [], deployment.platform

    def pause(writer, table, data, properties=None):
        commit = real(writer, table, data, properties)
        if paused or not table.table_uri.rstrip("/").endswith("datasets"):
            return commit

        def late(properties):
            if not paused:
                paused.append(writer)
                with here.ledger.reading() as connection:
                    (lot,) = open_lots(connection, "lab")
                now = datetime.now(UTC)
                assert give_another_run(here.ledger, here.lake_store, lot, "silent", MOST_FAILURES, now, by_data=True)
                deployment.drive()
                deployment.put("lab/D1.csv", matrix_csv(50))
                deployment.drive()
            return commit(properties)

        return late

    monkeypatch.setattr(LotWriter, "_write", pause)
    deployment.drive()
    assert paused
    assert deployment.values("D1")[0] == [50, 51]
    assert deployment.values("D2")[0] == [2, 3]
    assert {job.state for job in deployment.jobs()} == {JobState.SUCCESS}
    assert deployment.reconciled().differences == ()


@pytest.mark.parametrize("after", ["matrix", "features", "samples", "datasets", "provenance"])
def test_a_run_that_dies_after_any_commit_is_continued(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    from biolake.lake.commit import LotWriter

    real, died = LotWriter._once, []

    def once(writer: LotWriter, schema, write, application=None) -> None:
        real(writer, schema, write, application)
        if schema.name == after and not died:
            died.append(after)
            raise OSError("killed")

    monkeypatch.setattr(LotWriter, "_once", once)
    deployment.put("lab/D1.csv", matrix_csv(1))
    deployment.put("lab/D2.csv", "gene,s1,s1\ng1,1,2\n")
    states = {job.dataset_id: job.state for job in deployment.drive()}
    assert died
    assert states == {"D1": JobState.SUCCESS, "D2": JobState.ERRORED}
    assert deployment.reconciled().differences == ()
    assert deployment.table("matrix").num_rows == 3
    assert deployment.table("provenance").num_rows == 2


def test_a_run_that_dies_before_the_index_is_continued(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    index = deployment.platform.index
    deployment.put("lab/D0.csv", matrix_csv())
    deployment.drive()
    kind = type(index)
    for method in ("upsert", "delete"):
        monkeypatch.setattr(kind, method, failing(1, OSError("killed"), getattr(kind, method)))
    deployment.put("lab/D1.csv", matrix_csv())
    deployment.remove("lab/D0.csv")
    assert {job.state for job in deployment.drive()} == {JobState.SUCCESS}
    assert set(index.versions("lab")) == {"D1"} == set(deployment.shown())
    assert deployment.reconciled().differences == ()


def test_a_replaced_run_cannot_put_an_old_version_over_a_new_one(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run is paused before its commit, its lot is given to another one, and the dataset is updated meanwhile."""
    from biolake.ingest.errors import LotTaken

    deployment.put("lab/D1.csv", matrix_csv(1))
    real, paused, here = store_module.LotStorer._outdated, [], deployment.platform

    def pause(storer, entries):
        outdated = real(storer, entries)
        if not paused:
            paused.append(storer)
            with deployment.platform.ledger.reading() as connection:
                (lot,) = open_lots(connection, "lab")
            assert give_another_run(here.ledger, here.lake_store, lot, "silent", 0, datetime.now(UTC))
            deployment.drive()
            deployment.put("lab/D1.csv", matrix_csv(50))
            deployment.drive()
            assert deployment.values("D1")[0] == [50, 51]
        return outdated

    monkeypatch.setattr(store_module.LotStorer, "_outdated", pause)
    deployment.drive()
    assert paused
    assert deployment.values("D1")[0] == [50, 51]
    assert deployment.states("D1") == [JobState.SUCCESS, JobState.SUCCESS]
    assert deployment.reconciled().differences == ()
    (failed,) = [run for run in deployment.runs() if run.is_failure]
    records = deployment.instance.all_logs(failed.run_id)
    assert any(LotTaken.__name__ in str(record.dagster_event) for record in records if record.is_dagster_event)
