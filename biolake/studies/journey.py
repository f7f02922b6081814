"""One recording from the bucket to its results: begin, fetch, process each pipeline, store, end. One run does this.

Which recordings are ready is `progress`; computing is `processing`; tables and files are `results`.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from biolake.lake.lake import Lake
from biolake.objects.models import ObjectVersion
from biolake.objects.store import ObjectStore, open_store
from biolake.studies.catalog import open_stores
from biolake.studies.configuration import StudyConfiguration
from biolake.studies.models import FileInRecording, Recording
from biolake.studies.processing.models import Outcome, ProcessingTask
from biolake.studies.processing.reservation import Reservations
from biolake.studies.processing.runner import process
from biolake.studies.progress import recording as find_recording
from biolake.studies.progress import rerun, set_state
from biolake.studies.results.recipe import pipeline_arguments, processing_limits
from biolake.studies.results.store import StoredResults, store_results, stored
from biolake.studies.runtimes import ensure_runtime
from biolake.studies.states import State

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
    """

    lake: Lake
    engine: Engine
    runtimes: Path
    runtime_cache: Path
    reservations: Reservations


@dataclass
class ProcessedRecording:
    """What became of a recording.

    Attributes:
        reused: Pipelines whose result was there already and current.
        outcomes: By pipeline, what processing answered.
        stored: By pipeline, what was stored.
    """

    recording: Recording
    state: State
    reason: str
    reused: tuple[str, ...] = ()
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    stored: dict[str, StoredResults] = field(default_factory=dict)


def process_recording(study: StudyConfiguration, key: str, place: Workplace, run_id: str) -> ProcessedRecording:
    """Process one recording with every pipeline of its file type, and say in the catalog what became of it.

    Results that are there and whose inputs are unchanged are kept; nothing is computed for them.

    Raises:
        UnknownRecording: The study has no such recording with a usable file.
        IllegalTransition: Another run processes it.
        StoreUnavailable: A bucket did not answer; the recording is given back and can be tried again.
        RuntimeNotBuilt: A runtime cannot be built; the recording is given back.
    """
    recording = _begin(study, key, place, run_id)
    try:
        done = _process(study, recording, place, run_id)
    except BaseException as error:
        reason = f"The run ended before it was done: {type(error).__name__}: {error}"
        set_state(study, place.engine, recording.key, State.READY, reason, datetime.now(UTC), run_id=run_id)
        raise
    codes = sorted({code for outcome in done.outcomes.values() for code in outcome.qc_codes})
    done.state = set_state(
        study,
        place.engine,
        recording.key,
        done.state,
        done.reason,
        datetime.now(UTC),
        run_id=run_id,
        qc_code=", ".join(codes) or None,
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
    needed = [name for name in recording.pipelines if stored(study, recording, name, results_store) is None]
    done.reused = tuple(name for name in recording.pipelines if name not in needed)
    if not needed:
        done.reason = "Nothing has changed since its results were computed."
        return done
    with tempfile.TemporaryDirectory(prefix="biolake-recording-") as folder:
        files = _fetch(recording, open_stores(study), Path(folder))
        for name in needed:
            outcome = _run(study, recording, name, files, Path(folder) / "out" / name, place)
            done.outcomes[name] = outcome
            done.stored[name] = store_results(
                study, recording, outcome, place.lake, results_store, run_id, pipeline=name
            )
    worst = min(done.outcomes.values(), key=lambda outcome: _WORST_FIRST.index(outcome.state))
    done.state, done.reason = worst.state, worst.reason
    return done


def _run(
    study: StudyConfiguration,
    recording: Recording,
    pipeline: str,
    files: tuple[Path, ...],
    output: Path,
    place: Workplace,
) -> Outcome:
    rules = study.document.pipelines[pipeline]
    task = ProcessingTask(
        key=f"{recording.key}/{pipeline}",
        files=files,
        pipeline=study.location.parent / rules.file,
        output=output,
        arguments=pipeline_arguments(study, recording, pipeline),
    )
    runtime = ensure_runtime(rules.runtime, place.runtimes, place.runtime_cache)
    # The catalog counts attempts and asks for the next run, so that each of them is one that people can see.
    limits = replace(processing_limits(study, recording, pipeline), retries=0)
    return process(task, runtime, limits, reservations=place.reservations)


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
