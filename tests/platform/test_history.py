"""Runs of long ago are forgotten, and the UI still knows of every lot, every table and every check what it knew."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value
from sqlalchemy import func, select

from partitions.lots import lots_of
from platform_assets.definitions import build_definitions
from platform_assets.drive import local_instance
from resources.event_retention import Forgotten, forget_runs_before
from tests.platform.conftest import Deployment, matrix_csv

LATER = timedelta(seconds=1)
ASSETS = ("datasets", "search_documents")


@pytest.fixture
def open_instance(tmp_path: Path) -> Callable[[], AbstractContextManager[dg.DagsterInstance]]:
    """Opens Dagster's instance with its storage; PostgreSQL where `tests/engines/postgres` runs these tests."""
    return lambda: local_instance(tmp_path / "instance")


@pytest.fixture
def used(
    deployment: Deployment, open_instance: Callable[[], AbstractContextManager[dg.DagsterInstance]]
) -> Iterator[Deployment]:
    """A deployment with three lots, the second of which failed a check's dataset, and three summaries."""
    with open_instance() as instance:
        deployment.instance = instance
        for number in range(3):
            deployment.put(f"lab/D{number}.csv", matrix_csv(number))
            if number == 1:
                deployment.put("lab/BROKEN.csv", "gene,s1\nTP53,many\n")
            deployment.drive()
            execute(deployment, "lab_repository_summary")
        yield deployment


def execute(deployment: Deployment, job: str) -> None:
    here = deployment.platform
    definitions = build_definitions(here.repositories, here.studies)
    assert definitions.resolve_job_def(job).execute_in_process(instance=deployment.instance).success


def known(deployment: Deployment) -> dict[str, Any]:
    """What the UI shows of assets, partitions and checks."""
    instance, lots = deployment.instance, sorted(set(deployment.shown().values()))
    found: dict[str, Any] = {"lots": lots}
    here = deployment.platform.repositories.get("lab")
    for name in ASSETS:
        key = dg.AssetKey(["lab", name])
        instance.event_log_storage.wipe_asset_cached_status(key)
        cached = get_and_update_asset_status_cache_value(instance, key, lots_of("lab"))
        assert cached is not None
        found[name] = {
            "partitions": instance.get_materialized_partitions(key),
            "status": cached.deserialize_materialized_partition_subsets(lots_of(here.name)).get_partition_keys(),
            "metadata": {lot: dict(deployment.materialization(lot, name).metadata) for lot in lots},
        }
    summary = instance.get_latest_materialization_event(dg.AssetKey(["lab", "repository_summary"]))
    assert summary is not None
    assert summary.asset_materialization is not None
    found["summary"] = dict(summary.asset_materialization.metadata)
    with index(instance) as connection:
        table = AssetCheckExecutionsTable
        columns = table.c["check_name", "partition", "execution_status"]
        found["checks"] = sorted(map(tuple, connection.execute(select(*columns))))
    return found


@contextmanager
def index(instance: dg.DagsterInstance) -> Iterator[Any]:
    with instance.event_log_storage.index_connection() as connection:  # type: ignore[attr-defined]
        yield connection


def count_events(instance: dg.DagsterInstance) -> int:
    with index(instance) as connection:
        kept = connection.execute(select(func.count()).select_from(SqlEventLogStorageTable)).scalar_one()
    return max(kept, sum(len(instance.get_records_for_run(run.run_id).records) for run in instance.get_runs()))


def test_what_is_known_of_assets_survives_their_runs(used: Deployment) -> None:
    before, events = known(used), count_events(used.instance)
    assert len(before["lots"]) == 3
    gone = forget_runs_before(used.instance, datetime.now(UTC) + LATER)
    assert gone == Forgotten(runs=2, emptied=4), "two summaries were replaced; three lots and a summary say the newest"
    assert known(used) == before
    assert count_events(used.instance) < events / 4
    assert forget_runs_before(used.instance, datetime.now(UTC) + LATER) == Forgotten(0, 0)


def test_runs_that_are_not_old_stay_whole(used: Deployment) -> None:
    before, runs, events = known(used), len(used.runs()), count_events(used.instance)
    assert forget_runs_before(used.instance, datetime.now(UTC) - timedelta(hours=1)) == Forgotten(0, 0)
    execute(used, "history")
    assert (known(used), len(used.runs())) == (before, runs + 1)
    assert count_events(used.instance) >= events


def test_being_killed_on_the_way_loses_nothing(used: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    before = known(used)

    class Killed(BaseException):
        pass

    def killed(_self: dg.DagsterInstance, _run_id: str) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(dg.DagsterInstance, "delete_run", killed)
        with pytest.raises(Killed):
            forget_runs_before(used.instance, datetime.now(UTC) + LATER)
    assert known(used) == before
    forget_runs_before(used.instance, datetime.now(UTC) + LATER)
    assert known(used) == before
    assert len(used.runs()) == 4


def test_work_goes_on_afterwards(used: Deployment) -> None:
    forget_runs_before(used.instance, datetime.now(UTC) + LATER)
    assert used.drive() == []
    used.put("lab/D0.csv", matrix_csv(7))
    (job,) = used.drive()
    assert job.state == "SUCCESS"
    assert len(used.instance.get_materialized_partitions(dg.AssetKey(["lab", "datasets"]))) == 4
    assert used.reconciled().differences == ()
