"""Whatever happens to objects, in whatever order and whoever crashes: in the end jobs describe what is there.

Reading and storing is played by a model of a run here; the real one is tested in `tests/platform`.
"""

import tempfile
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import event

from biolake.arrivals.manifest import Entry, read_manifest
from biolake.ledger.current import current_datasets, forget, set_current
from biolake.ledger.jobs import end_jobs, source_version, start_jobs
from biolake.ledger.lots import finish_lot_if_ended, open_lots, take_lot
from biolake.ledger.models import ENDED, Action, CurrentDataset, Job, JobState, Lot
from biolake.ledger.objects import live_parts
from tests.arrivals.conftest import Scene, make_scene

DATASETS = ("a", "b", "c")
NAMES = tuple(f"{one}{ending}" for one in DATASETS for ending in (".csv", ".gct", ".samples.csv"))
LOT_DATASETS, ACTIVE_LOTS = 2, 2


class Crash(BaseException):
    """The process is gone."""


@dataclass
class Work:
    """A lot that a run has read and not yet committed: each entry's fate, by what the run found."""

    lot: Lot
    fates: list[tuple[Entry, JobState]]
    looked_again: bool = False


class Arrivals(RuleBasedStateMachine):
    """Uploads, deletes, ticks and runs in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.scene: Scene = make_scene(Path(self.folder.name), self.database())
        self.scene.settings = self.scene.settings.model_copy(
            update={"lot_datasets": LOT_DATASETS, "active_lots": ACTIVE_LOTS}
        )
        self.scene.put("always.csv")
        self.work: dict[str, Work] = {}
        self.by_content = False
        self.statements_left: int | None = None
        event.listen(self.scene.ledger.engine, "before_cursor_execute", self._count_statement)

    def database(self) -> str | None:
        """Where the ledger is; None for a file."""
        return None

    def teardown(self) -> None:
        try:
            self.settle()
            self.check_outcome()
        finally:
            self.scene.ledger.close()
            self.folder.cleanup()

    @initialize(by_content=st.booleans())
    def choose_store(self, by_content: bool) -> None:
        """S3 gives the same etag to the same bytes, a folder never does."""
        self.by_content = by_content

    @rule(name=st.sampled_from(NAMES), content=st.sampled_from(["x", "y", "bad"]))
    def put(self, name: str, content: str) -> None:
        self.scene.put(name, content if self.by_content else None)

    @rule(name=st.sampled_from(NAMES))
    def remove(self, name: str) -> None:
        self.scene.remove(name)

    @rule(seconds=st.sampled_from([0.5, 1.0, 3.0]))
    def wait(self, seconds: float) -> None:
        self.scene.pass_time(seconds)

    @rule()
    def look(self) -> None:
        self.scene.tick()

    @rule(n=st.integers(1, 40))
    def look_and_crash(self, n: int) -> None:
        self.statements_left = n
        try:
            self.scene.tick()
        except Crash:
            pass
        finally:
            self.statements_left = None

    @rule(names=st.lists(st.sampled_from(NAMES), max_size=3), gone=st.lists(st.sampled_from(NAMES), max_size=2))
    def look_slowly(self, names: list[str], gone: list[str]) -> None:
        """A listing that is old when it is recorded: objects changed and another tick recorded them meanwhile."""

        def meanwhile() -> None:
            self.scene.pass_time(0.1)
            for name in gone:
                self.scene.remove(name)
            for name in names:
                self.scene.put(name, "x" if self.by_content else None)
            self.scene.pass_time(3)
            self.scene.tick()
            self.scene.pass_time(0.1)

        self.scene.bucket.while_listing = meanwhile
        self.scene.tick()

    @rule()
    def start_a_run(self) -> None:
        for lot in self.open_lots():
            if lot.key not in self.work:
                self.begin(lot)
                return

    @precondition(lambda self: self.work)
    @rule()
    def look_again_before_the_commit(self) -> None:
        self.look_again(self.work[min(self.work)])

    @precondition(lambda self: self.work)
    @rule()
    def finish_a_run(self) -> None:
        work = self.work.pop(min(self.work))
        self.look_again(work)
        self.commit(work)

    @precondition(lambda self: self.work)
    @rule()
    def lose_a_run(self) -> None:
        self.work.pop(min(self.work))

    @invariant()
    def a_dataset_is_in_one_unfinished_lot_and_lots_are_within_their_limits(self) -> None:
        unfinished = [job for job in self.scene.jobs() if job.state not in ENDED]
        in_lots = Counter(job.dataset_id for job in unfinished if job.lot is not None)
        waiting = Counter(job.dataset_id for job in unfinished if job.lot is None)
        assert all(count == 1 for count in [*in_lots.values(), *waiting.values()])

        lots = self.open_lots()
        assert len(lots) <= ACTIVE_LOTS
        assert all(lot.n_jobs <= LOT_DATASETS for lot in lots)

    def open_lots(self) -> list[Lot]:
        with self.scene.ledger.reading() as connection:
            return open_lots(connection, "lab")

    def begin(self, lot: Lot) -> None:
        """Read a lot's objects as a run does."""
        manifest = read_manifest(lot, self.scene.bucket)
        with self.scene.ledger.writing() as connection:
            take_lot(connection, lot.key, "run", self.scene.now)
            start_jobs(connection, [entry.job_id for entry in manifest.entries], "run", self.scene.now)
        self.work[lot.key] = Work(lot, [(entry, self.fate(entry)) for entry in manifest.entries])

    def fate(self, entry: Entry) -> JobState:
        if entry.action == Action.DELETE:
            return JobState.SUCCESS
        objects = self.scene.bucket.objects
        for part in entry.parts:
            if part.version.key not in objects or objects[part.version.key].etag != part.version.etag:
                return JobState.CANCELLED
        return JobState.ERRORED if any(part.version.etag == "bad" for part in entry.parts) else JobState.SUCCESS

    def look_again(self, work: Work) -> None:
        """Take the last look at the ledger, before the commit to the lake; what happens later comes too late."""
        if work.looked_again:
            return
        work.looked_again = True
        with self.scene.ledger.reading() as connection:
            live = live_parts(connection, "lab", [entry.dataset_id for entry, _ in work.fates])
        for number, (entry, fate) in enumerate(work.fates):
            there = {(part.version.key, part.version.etag) for part in live[entry.dataset_id]}
            named = {(part.version.key, part.version.etag) for part in entry.parts}
            wanted = not (there & named) if entry.action == Action.DELETE else named <= there
            if fate == JobState.SUCCESS and not wanted:
                work.fates[number] = (entry, JobState.CANCELLED)

    def commit(self, work: Work) -> None:
        """End a lot's jobs as a run does."""
        now = self.scene.now
        with self.scene.ledger.writing() as connection:
            for entry, state in work.fates:
                job = next(job for job in self.scene.jobs(entry.dataset_id) if job.id == entry.job_id)
                if state == JobState.SUCCESS:
                    self.show(connection, entry, job, work.lot)
                end_jobs(connection, [(entry.job_id, state, None, None)], now)
            assert finish_lot_if_ended(connection, work.lot.key)

    def show(self, connection, entry: Entry, job: Job, lot: Lot) -> None:
        if entry.action == Action.DELETE:
            forget(connection, "lab", [entry.dataset_id])
            return
        shown = CurrentDataset(
            "lab", entry.dataset_id, job.data_key, entry.source_version, "0", lot.key, self.scene.now
        )
        set_current(connection, [shown])

    def settle(self) -> None:
        """Let time pass and everybody do their work."""
        for _ in range(30):
            self.scene.pass_time(5)
            told = self.scene.tick()
            for lot in told.lots:
                if lot.key not in self.work:
                    self.begin(lot)
            for key in sorted(self.work):
                self.look_again(self.work[key])
                self.commit(self.work.pop(key))
            waiting = [job for job in self.scene.jobs() if job.state in {JobState.IN_QUEUE, JobState.RUNNING}]
            if not told.lots and not waiting and not told.observation.unsettled:
                return
        raise AssertionError(f"never at rest: {self.scene.jobs()}")

    def check_outcome(self) -> None:
        with self.scene.ledger.reading() as connection:
            current = current_datasets(connection, "lab")
            live = live_parts(connection, "lab", DATASETS)
        there = {version.key: version.etag for version in self.scene.bucket.objects.values()}
        for dataset_id in DATASETS:
            data = {f"lab/{dataset_id}{ending}" for ending in (".csv", ".gct")} & there.keys()
            assert {part.version.key: part.version.etag for part in live[dataset_id]} == {
                key: etag for key, etag in there.items() if key.startswith(f"lab/{dataset_id}.")
            }
            self.check_dataset(dataset_id, data, there, current.get(dataset_id))
            self.check_nothing_twice(dataset_id)

    def check_dataset(
        self, dataset_id: str, data: set[str], there: dict[str, str], shown: CurrentDataset | None
    ) -> None:
        jobs = self.scene.jobs(dataset_id)
        if not data:
            assert shown is None
            return
        told = [job for job in jobs if job.state != JobState.CANCELLED and "DATASET_ID_TAKEN" not in (job.reason or "")]
        newest = told[-1]
        assert newest.data_key in data
        samples = f"lab/{dataset_id}.samples.csv"
        wanted = {newest.data_key, samples} & there.keys()
        assert {part.version.key: part.version.etag for part in newest.parts} == {key: there[key] for key in wanted}
        bad = any(there[key] == "bad" for key in wanted)
        assert newest.state == (JobState.ERRORED if bad else JobState.SUCCESS)
        if not bad:
            assert shown is not None
            assert shown.source_version == source_version(newest.parts)
        for loser in data - {newest.data_key}:
            refused = [job for job in jobs if "DATASET_ID_TAKEN" in (job.reason or "") and job.data_key == loser]
            assert refused, f"{loser} was refused without a word"
            assert refused[-1].parts[0].version.etag == there[loser]

    def check_nothing_twice(self, dataset_id: str) -> None:
        done = [job for job in self.scene.jobs(dataset_id) if job.state == JobState.SUCCESS]
        for before, after in pairwise(done):
            if Action.DELETE not in {before.action, after.action}:
                assert before.source_version != after.source_version

    def _count_statement(self, *_: object) -> None:
        if self.statements_left is not None:
            self.statements_left -= 1
            if self.statements_left < 0:
                raise Crash


Arrivals.TestCase.settings = settings(
    derandomize=True, max_examples=60, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
test_any_order_ends_with_what_is_there = Arrivals.TestCase
