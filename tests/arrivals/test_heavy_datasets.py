"""In production a dataset that the smallest machine is not for is a lot by itself."""

from collections.abc import Callable

from biolake.ledger.jobs import find_jobs
from tests.arrivals.conftest import Scene

MIB = 2**20
HEAVY = 33 * MIB


def lots(scene: Scene, **settings: object) -> list[list[str]]:
    """Tick, and return the datasets of each unfinished lot."""
    found = scene.tick(**{"profile": "production", "active_lots": 10, "lot_wait_seconds": 60, **settings}).lots
    with scene.ledger.reading() as connection:
        return [sorted(job.dataset_id for job in find_jobs(connection, "lab", lot=lot.key)) for lot in found]


def test_a_heavy_dataset_is_a_lot_by_itself_and_is_not_waited_for(new_scene: Callable[..., Scene]) -> None:
    scene = new_scene()
    scene.put("a.csv")
    scene.put("b.csv", size=HEAVY)
    scene.put("c.csv")
    scene.put("d.csv", size=HEAVY)
    scene.pass_time(5)
    assert sorted(lots(scene)) == [["b"], ["d"]]
    scene.pass_time(61)
    assert sorted(lots(scene)) == [["a", "c"], ["b"], ["d"]]


def test_a_small_dataset_in_front_of_it_keeps_its_place(new_scene: Callable[..., Scene]) -> None:
    scene = new_scene()
    scene.put("a.csv")
    scene.pass_time(5)
    assert lots(scene, active_lots=0) == []
    scene.put("b.csv", size=HEAVY)
    scene.pass_time(5)
    assert lots(scene, lot_wait_seconds=0, active_lots=1) == [["a"]]


def test_one_machine_has_one_lot(new_scene: Callable[..., Scene]) -> None:
    scene = new_scene()
    scene.put("a.csv")
    scene.put("b.csv", size=HEAVY)
    scene.pass_time(5)
    assert lots(scene, profile="local", lot_wait_seconds=0) == [["a", "b"]]
