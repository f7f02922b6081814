"""A lot's run asks for its machine in production, and for none locally."""

import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from biolake.ledger.models import Lot
from biolake.platform import Platform
from biolake.settings import Settings
from sensors.arrivals import run_request
from sensors.machines import machine_tags
from tests.arrivals.conftest import Scene, make_scene

MIB = 2**20


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = make_scene(tmp_path)
    yield made
    made.ledger.close()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


class _Here(Platform):
    """A platform of which only the settings and the scene's ledger are used."""

    def __init__(self, scene: Scene, profile: str) -> None:
        super().__init__(Settings.from_environment({}, home=Path("unused")).model_copy(update={"profile": profile}))
        self.__dict__["ledger"] = scene.ledger


def cut(scene: Scene, size: int) -> Lot:
    scene.put("small.csv")
    scene.put("heavy.csv", size=size)
    scene.pass_time(5)
    (lot,) = scene.tick().lots
    return lot


@pytest.mark.parametrize(("size", "machine", "memory"), [(10, "small", "2Gi"), (33 * MIB, "medium", "8Gi")])
def test_the_heaviest_dataset_of_a_lot_decides(
    scene: Scene, instance: dg.DagsterInstance, size: int, machine: str, memory: str
) -> None:
    lot = cut(scene, size)
    tags = run_request(lot, "medium", machine_tags(_Here(scene, "production"), instance, lot)).tags
    assert tags["biolake/machine"] == machine
    assert json.loads(tags["dagster-k8s/config"])["container_config"]["resources"]["limits"] == {"memory": memory}
    assert tags["biolake/lot"] == lot.key


def test_a_local_run_asks_for_no_machine(scene: Scene, instance: dg.DagsterInstance) -> None:
    lot = cut(scene, 10)
    assert machine_tags(_Here(scene, "local"), instance, lot) == {}
