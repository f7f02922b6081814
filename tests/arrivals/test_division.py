"""A dataset that runs die of is found by dividing its lot; its neighbours come through, nothing is lost or repeated."""

import tempfile
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolake.arrivals.divide import MOST_FRUITLESS, PARTS, parts_of
from biolake.arrivals.manifest import read_manifest
from biolake.arrivals.recovery import MOST_FAILURES, give_another_run
from biolake.ingest.errors import LotTaken
from biolake.ingest.heartbeat import refuse_while_owned
from biolake.ledger.jobs import end_jobs, get_jobs, start_jobs
from biolake.ledger.lots import all_lots, finish_lot_if_ended, get_lot, open_lots, take_lot
from biolake.ledger.models import ENDED, JobState, Lot, LotState
from tests.arrivals.conftest import Scene, make_scene


class Runs:
    """Runs of a repository's lots that die whenever they come to a dataset of `deadly`; each lot once in a round."""

    def __init__(self, scene: Scene, deadly: set[str], random: Random) -> None:
        self.scene, self.deadly, self.random = scene, deadly, random
        self.done: Counter[str] = Counter()
        self.runs = 0

    def until_all_ended(self) -> None:
        while lots := self._open():
            self.random.shuffle(lots)
            for lot in lots:
                self.runs += 1
                assert self.runs < 10_000, "it never ends"
                self._run(lot, f"run{self.runs}")

    def _run(self, lot: Lot, run_id: str) -> None:
        scene = self.scene
        entries = read_manifest(lot, scene.bucket).entries
        ids = [entry.job_id for entry in entries]
        with scene.ledger.writing() as connection:
            take_lot(connection, lot.key, run_id, scene.now)
            start_jobs(connection, ids, run_id, scene.now)
            lot = get_lot(connection, lot.key)
            unfinished = {job.dataset_id for job in get_jobs(connection, ids) if job.state not in ENDED}
        assert unfinished == {entry.dataset_id for entry in entries}
        if unfinished & self.deadly:
            failures = min(lot.attempt, MOST_FAILURES)
            give_another_run(scene.ledger, scene.bucket, lot, "died", failures, scene.now, by_data=True)
            return
        self.done.update(unfinished)
        with scene.ledger.writing() as connection:
            end_jobs(connection, [(job, JobState.SUCCESS, None, None) for job in ids], scene.now)
            assert finish_lot_if_ended(connection, lot.key)

    def _open(self) -> list[Lot]:
        with self.scene.ledger.reading() as connection:
            return open_lots(connection, "lab")


def landed(scene: Scene, sizes: list[int]) -> None:
    scene.settings = scene.settings.model_copy(update={"lot_datasets": 1000, "active_lots": 1})
    for number, size in enumerate(sizes):
        scene.put(f"D{number}.csv", size=size)
    scene.pass_time(10)
    assert len(scene.tick().lots) == 1


@settings(max_examples=25, deadline=None)
@given(data=st.data(), sizes=st.lists(st.integers(1, 3), min_size=1, max_size=60), seed=st.integers())
def test_only_what_runs_die_of_ends_in_errors(data: st.DataObject, sizes: list[int], seed: int) -> None:
    deadly = data.draw(st.sets(st.sampled_from([f"D{number}" for number in range(len(sizes))]), max_size=3))
    with tempfile.TemporaryDirectory() as folder:
        scene = make_scene(Path(folder))
        landed(scene, sizes)
        runs = Runs(scene, deadly, Random(seed))
        runs.until_all_ended()
        states = {job.dataset_id: job.state for job in scene.jobs()}
        assert len(scene.jobs()) == len(sizes)
        alone = len(sizes) == 1 or deadly != set(states)
        if alone:
            assert {name for name, state in states.items() if state == JobState.ERRORED} == deadly
        assert set(runs.done.values()) <= {1}
        with scene.ledger.reading() as connection:
            lots = all_lots(connection, "lab")
        assert {lot.state for lot in lots} <= {LotState.DONE, LotState.DIVIDED}
        assert len({lot.key for lot in lots}) == len(lots)
        scene.ledger.close()


def test_of_a_thousand_datasets_the_one_that_runs_die_of_is_found(scene: Scene) -> None:
    landed(scene, [10] * 1000)
    runs = Runs(scene, {"D777"}, Random(0))
    runs.until_all_ended()
    (job,) = [job for job in scene.jobs() if job.state == JobState.ERRORED]
    assert job.dataset_id == "D777"
    assert "The dataset was alone in it" in (job.reason or "")
    assert len(runs.done) == 999
    assert runs.runs < 60


def test_a_fault_of_the_platform_multiplies_its_runs_only_so_much(scene: Scene) -> None:
    landed(scene, [10] * 1000)
    runs = Runs(scene, {f"D{number}" for number in range(1000)}, Random(0))
    runs.until_all_ended()
    assert {job.state for job in scene.jobs()} == {JobState.ERRORED}
    assert any("the cause is hardly one of them" in (job.reason or "") for job in scene.jobs())
    assert runs.runs <= MOST_FAILURES * (1 + MOST_FRUITLESS * PARTS)


@pytest.mark.parametrize("n", [2, 3, 8, 9, 50, 1000])
def test_parts_hold_every_job_once_and_each_has_fewer(scene: Scene, n: int) -> None:
    landed(scene, [number % 7 for number in range(n)])
    jobs = scene.jobs()
    parts = parts_of(jobs)
    assert sorted(job.id for part in parts for job in part) == sorted(job.id for job in jobs)
    assert 2 <= len(parts) <= PARTS
    assert max(map(len, parts)) < n


def test_what_is_told_of_a_divided_lot_again_changes_nothing(scene: Scene) -> None:
    landed(scene, [1, 1])
    with scene.ledger.reading() as connection:
        (lot,) = open_lots(connection, "lab")
    for _ in range(2):
        assert give_another_run(scene.ledger, scene.bucket, lot, "died", MOST_FAILURES, scene.now, by_data=True)
    with scene.ledger.reading() as connection:
        assert len(open_lots(connection, "lab")) == 2
        divided = get_lot(connection, lot.key)
    assert divided.state == LotState.DIVIDED
    with pytest.raises(LotTaken, match="divided into smaller lots"):
        refuse_while_owned(divided, "late", scene.now)
