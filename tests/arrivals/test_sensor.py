"""What the arrival sensor asks Dagster for, and a first use of a deployment from several processes."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from platform_assets.drive import local_instance
from sensors.arrivals import run_request
from tests.arrivals.conftest import Scene


@pytest.mark.parametrize(("priority", "expected"), [("high", "10"), ("medium", "0"), ("low", "-10")])
def test_runs_have_the_priority_of_their_repository(scene: Scene, priority: str, expected: str) -> None:
    scene.put("a.csv")
    scene.pass_time(5)
    (lot,) = scene.tick().lots
    request = run_request(lot, priority)
    assert request.tags["dagster/priority"] == expected
    assert request.run_key == f"{lot.key}#1"


def _runs(home: Path) -> int:
    with local_instance(home) as instance:
        return instance.get_runs_count()


def test_processes_that_use_a_new_deployment_at_once_all_succeed(tmp_path: Path) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as processes:
        assert list(processes.map(_runs, [tmp_path] * 3)) == [0, 0, 0]
