"""One recording from the bucket to its results: begin, fetch, process each pipeline, store, end. One run does this.

Which recordings are ready is `progress`; computing is `processing`; tables and files are `results`.
"""

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from biolake.lake.lake import Lake
from biolake.objects.models import ObjectVersion
from biolake.objects.store import ObjectStore, open_store
from biolake.studies.catalog.update import open_stores
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.models import FileInRecording, Recording
from biolake.studies.processing.models import Outcome, ProcessingTask
from biolake.studies.processing.reservation import Reservations
from biolake.studies.processing.runner import process
from biolake.studies.processing.warm import WarmRuntime
from biolake.studies.recording_inputs import run_arguments
from biolake.studies.recordings.progress import recording as find_recording
from biolake.studies.recordings.progress import rerun, set_state
from biolake.studies.results.manifest import Manifest
from biolake.studies.results.recipe import clock_of, processing_limits
from biolake.studies.results.store import StoredResults, store_results, stored
from biolake.studies.runtimes import ensure_runtime
from biolake.studies.states import State

_QC_CODE_LENGTH = 256
# A recording's state is that of the pipeline that went worst.
_WORST_FIRST = (
    State.CRASHED,
    State.FAILED,
    State.WRONG_FORMAT,
    State.CORRUPTED,
    State.CLOCK_ERROR,
    State.PROCESSED,
)


@dataclass(frozen=True)
class Workplace:
    """Where recordings are processed.

    Attributes:
        lake: For the tables.
        engine: For the states.
        runtimes: The folder of locked runtimes.
        runtime_cache: Where they are built.
        reservations: This machine's memory, shared by all runs on it.
        image: Container image of this process, where it is in one.
    """

    lake: Lake
    engine: Engine
    runtimes: Path
    runtime_cache: Path
    reservations: Reservations
    image: str | None = None


@dataclass
class ProcessedRecording:
    """What became of a recording.

    Attributes:
        reused: By pipeline, the record of a result that was there already and current.
        outcomes: By pipeline, what processing answered.
        stored: By pipeline, what was stored.
    """

    recording: Recording
    state: State
    reason: str
    reused: dict[str, Manifest] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    stored: dict[str, StoredResults] = field(default_factory=dict)

    @property
    def qc_codes(self) -> tuple[str, ...]:
        """What its pipelines' quality control said, each code once."""
        said = [*self.reused.values(), *self.outcomes.values()]
        return tuple(sorted({code for one in said for code in one.qc_codes}))


def process_recording(study: StudyConfiguration, key: str, place: Workplace, run_id: str) -> ProcessedRecording:
    """Process one recording with every pipeline of its file type, and say in the catalog what became of it.

    Results that are there and whose inputs are unchanged are kept; nothing is computed for them.

    Raises:
        UnknownRecording: The study has no such recording with a usable file.
        IllegalTransition: Another run processes it.
        StoreUnavailable: A bucket did not answer; that counts as a crash, which is tried again.
        RuntimeNotBuilt: A runtime cannot be built; the same.
    """
    recording = _begin(study, key, place, run_id)
    try:
        done = _process(study, recording, place, run_id)
    except BaseException as error:
        # What somebody has stopped was not tried. What fails by itself was: else it would be tried for ever.
        state = State.CRASHED if isinstance(error, Exception) else State.READY
        reason = f"{type(error).__name__}: {error}"
        set_state(study, place.engine, recording.key, state, reason, datetime.now(UTC), run_id=run_id)
        raise
    done.state = set_state(
        study,
        place.engine,
        recording.key,
        done.state,
        done.reason,
        datetime.now(UTC),
        run_id=run_id,
        qc_code=", ".join(done.qc_codes)[:_QC_CODE_LENGTH] or None,
    )
    return done


def _begin(study: StudyConfiguration, key: str, place: Workplace, run_id: str) -> Recording:
    now = datetime.now(UTC)
    found = find_recording(study, place.engine, key)
    rerun(study, place.engine, now, keys=[key], states=(State.PROCESSED, State.STALE, State.FAILED))
    begun = "A run processes it."
    set_state(study, place.engine, found.key, State.PROCESSING, begun, now, inputs=found.inputs, run_id=run_id)
    return found


def _process(study: StudyConfiguration, recording: Recording, place: Workplace, run_id: str) -> ProcessedRecording:
    results_store = open_store(study.document.results.uri, create=True)
    done = ProcessedRecording(recording, State.PROCESSED, "")
    for name in recording.pipelines:
        found = stored(study, recording, name, results_store)
        if found is not None:
            done.reused[name] = found
    needed = [name for name in recording.pipelines if name not in done.reused]
    if not needed:
        done.reason = "Nothing has changed since its results were computed."
        return done
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="biolake-recording-")))
        files = _fetch(recording, open_stores(study), folder)
        warm = _Warm(place, stack)
        for name in needed:
            outcome = _run(study, recording, name, files, folder / "out" / name, warm)
            done.outcomes[name] = outcome
            done.stored[name] = store_results(
                study, recording, outcome, place.lake, results_store, run_id, pipeline=name, image=place.image
            )
    worst = min(done.outcomes.values(), key=lambda outcome: _WORST_FIRST.index(outcome.state))
    done.state, done.reason = worst.state, worst.reason
    return done


@dataclass
class _Warm:
    """The runtimes of one recording's pipelines, each imported once."""

    place: Workplace
    stack: ExitStack
    running: dict[str, WarmRuntime] = field(default_factory=dict)

    def of(self, name: str) -> WarmRuntime:
        if name not in self.running or not self.running[name].alive:
            runtime = ensure_runtime(name, self.place.runtimes, self.place.runtime_cache)
            self.running[name] = self.stack.enter_context(WarmRuntime(runtime))
        return self.running[name]


def _run(
    study: StudyConfiguration,
    recording: Recording,
    pipeline: str,
    files: tuple[Path, ...],
    output: Path,
    warm: _Warm,
) -> Outcome:
    rules = study.document.pipelines[pipeline]
    task = ProcessingTask(
        key=f"{recording.key}/{pipeline}",
        files=files,
        pipeline=study.location.parent / rules.file,
        output=output,
        arguments=run_arguments(study, recording, pipeline),
        clock=clock_of(study, recording),
    )
    running = warm.of(rules.runtime)
    # The catalog counts attempts and asks for the next run, so that each of them is one that people can see.
    limits = replace(processing_limits(study, recording, pipeline), retries=0)
    return process(task, running.runtime, limits, running, warm.place.reservations)


def _fetch(recording: Recording, stores: Mapping[str, ObjectStore], folder: Path) -> tuple[Path, ...]:
    """Bring the files here under their own names; a local file is used where it lies."""
    paths: list[Path] = []
    for number, file in enumerate(recording.files):
        store = stores[file.source]
        local = store.local(_version(file))
        if local is None:
            path = folder / "in" / str(number) / file.key.rpartition("/")[2]
            path.parent.mkdir(parents=True)
            store.fetch(_version(file), path)
        else:
            path = local[0]
        paths.append(path)
    return tuple(paths)


def _version(file: FileInRecording) -> ObjectVersion:
    return ObjectVersion(file.key, file.etag, file.size, file.modified)
