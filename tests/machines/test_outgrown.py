"""A lot that needs more memory than its machine has climbs the sizes, and says so where there is no larger one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from biolake.arrivals.recovery import MOST_RUNS
from biolake.ledger.jobs import find_jobs
from biolake.ledger.lots import get_lot, open_lots, take_lot
from biolake.ledger.models import JobState, Lot, LotState
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
    run = create_run_for_test(instance, tags=tags, status=dg.DagsterRunStatus.FAILURE)
    with scene.ledger.writing() as connection:
        take_lot(connection, lot.key, run.run_id, datetime.now(UTC))
    return tags["biolake/machine"]


def follow(scene: Scene, instance: dg.DagsterInstance, lot: Lot) -> Lot:
    follow_lost_runs(instance, scene.ledger, scene.bucket, lot.repository, datetime.now(UTC), SILENT)
    with scene.ledger.reading() as connection:
        return get_lot(connection, lot.key)


def cut(scene: Scene) -> Lot:
    scene.put("heavy.csv")
    scene.pass_time(5)
    (lot,) = scene.tick().lots
    return lot


def outgrow(scene: Scene, instance: dg.DagsterInstance, lot: Lot) -> list[str]:
    """Let each run of the lot lack memory until there is no larger machine, and return the machines."""
    machines = []
    while lot.state == LotState.OPEN:
        machines.append(ended_run(scene, instance, lot, "OOMKilled"))
        lot = follow(scene, instance, lot)
    return machines


def test_each_lack_of_memory_calls_for_the_next_size_until_there_is_none(
    scene: Scene, instance: dg.DagsterInstance
) -> None:
    lot = cut(scene)
    machines = outgrow(scene, instance, lot)
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


def test_a_dataset_that_no_machine_holds_does_not_take_its_neighbours_with_it(
    scene: Scene, instance: dg.DagsterInstance
) -> None:
    for name in ("one.csv", "two.csv", "three.csv"):
        scene.put(name)
    scene.put("heavy.csv", size=40 * 2**20)
    scene.pass_time(5)
    (lot,) = scene.tick().lots
    assert outgrow(scene, instance, lot) == ["medium", "large", "xlarge"]
    with scene.ledger.reading() as connection:
        parts = open_lots(connection)
    assert sorted(part.n_jobs for part in parts) == [1, 1, 1, 1]
    assert {part.divided_from for part in parts} == {lot.key}
    assert all(part.created_at > lot.created_at for part in parts)
    (heavy,) = [part for part in parts if part.size > 2**20]
    assert outgrow(scene, instance, heavy) == ["medium", "large", "xlarge"]
    states = {job.dataset_id: (job.state, job.reason) for job in scene.jobs()}
    assert states.pop("heavy")[0] == JobState.ERRORED
    assert set(states.values()) == {(JobState.IN_QUEUE, None)}
    (job,) = scene.jobs("heavy")
    assert f"divided from lot {lot.key}: it is the cause" in (job.reason or "")
    assert "more memory than machine xlarge has" in (job.reason or "")


@pytest.mark.parametrize("ending", ["Evicted", "NodeLost", "Deleted"])
def test_machines_that_are_taken_away_divide_nothing(scene: Scene, instance: dg.DagsterInstance, ending: str) -> None:
    scene.put("one.csv")
    scene.put("two.csv")
    scene.pass_time(5)
    (lot,) = scene.tick().lots
    while lot.state == LotState.OPEN:
        ended_run(scene, instance, lot, ending)
        lot = follow(scene, instance, lot)
    assert (lot.state, lot.attempt) == (LotState.DONE, MOST_RUNS)
    assert {job.state for job in scene.jobs()} == {JobState.ERRORED}
