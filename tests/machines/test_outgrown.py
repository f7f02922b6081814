"""A lot that needs more memory than its machine has climbs the sizes, and says so where there is no larger one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from biolake.ledger.jobs import find_jobs
from biolake.ledger.lots import get_lot, open_lots
from biolake.ledger.models import JobState, Lot
from sensors.lost_runs import follow_lost_runs
from sensors.machines import machine_tags
from tests.arrivals.conftest import Scene, make_scene
from tests.machines.test_run_tags import _Here

SILENT = timedelta(seconds=45)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = make_scene(tmp_path)
    yield made
    made.ledger.close()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def ended_run(scene: Scene, instance: dg.DagsterInstance, lot: Lot, ending: str) -> str:
    """A run of the lot's present attempt on the machine it would get, whose pod ended so; return the machine."""
    tags = machine_tags(_Here(scene, "production"), instance, lot)
    tags |= {"biolake/lot": lot.key, "dagster/run_key": f"{lot.key}#{lot.attempt}", "biolake/pod-ending": ending}
    create_run_for_test(instance, tags=tags, status=dg.DagsterRunStatus.FAILURE)
    return tags["biolake/machine"]


def follow(scene: Scene, instance: dg.DagsterInstance, lot: Lot) -> Lot:
    follow_lost_runs(instance, scene.ledger, lot.repository, datetime.now(UTC), SILENT)
    with scene.ledger.reading() as connection:
        return get_lot(connection, lot.key)


def cut(scene: Scene) -> Lot:
    scene.put("heavy.csv")
    scene.pass_time(5)
    (lot,) = scene.tick().lots
    return lot


def test_each_lack_of_memory_calls_for_the_next_size_until_there_is_none(
    scene: Scene, instance: dg.DagsterInstance
) -> None:
    lot = cut(scene)
    machines = []
    for _ in range(4):
        machines.append(ended_run(scene, instance, lot, "OOMKilled"))
        lot = follow(scene, instance, lot)
    assert machines == ["small", "medium", "large", "xlarge"]
    with scene.ledger.reading() as connection:
        (job,) = find_jobs(connection, lot.repository)
        assert open_lots(connection) == []
    assert job.state == JobState.ERRORED
    assert job.reason is not None
    assert "needed more memory than machine xlarge has" in job.reason


@pytest.mark.parametrize("ending", ["Evicted", "NodeLost", "Deleted"])
def test_what_ended_from_outside_is_tried_again_on_the_same_size(
    scene: Scene, instance: dg.DagsterInstance, ending: str
) -> None:
    lot = cut(scene)
    machines = []
    for _ in range(5):
        machines.append(ended_run(scene, instance, lot, ending))
        lot = follow(scene, instance, lot)
    assert machines == ["small"] * 5
    assert lot.attempt == 6
