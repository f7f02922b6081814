"""What processing asks of the catalog and reports back: recordings that are ready, and what became of them.

States and their transitions are `states`; how files come to be ready is `catalog.judgement`. Here every change goes
through the state machine, so that an outdated run cannot overwrite what is known now.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Engine, Row, bindparam, select, update

from biolake.studies.catalog.evaluation import load_facts
from biolake.studies.configuration.file_types import FileType
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.errors import IllegalTransition, UnknownRecording
from biolake.studies.facts import FileFacts
from biolake.studies.models import FileInRecording, Recording, RecordingInputs, RecordingKey
from biolake.studies.participants.requirements import timezones, used_values
from biolake.studies.participants.store import Participants, load_participants
from biolake.studies.recording_inputs import in_order, recording_inputs
from biolake.studies.states import ENDED, REFUSALS, STARTABLE, State, require_transition
from biolake.studies.tables import FILES, STUDIES, reading, writing

_RERUN = frozenset({State.PROCESSED, State.STALE, State.FAILED})
_FINISHED = frozenset({State.PROCESSED, State.FAILED, State.CRASHED}) | REFUSALS


def ready(study: StudyConfiguration, engine: Engine) -> list[Recording]:
    """Return the recordings that processing may take up, in the order of their keys.

    A recording of which a part is being processed is not among them, nor one that overlaps where its file type
    quarantines that.
    """
    with reading(engine) as connection:
        if study.locked:
            return []
        groups: dict[str, list[FileFacts]] = defaultdict(list)
        for file in load_facts(study.id, connection, having=STARTABLE):
            if file.recording is not None:
                groups[file.recording].append(file)
        started = {key: files for key, files in groups.items() if _startable(study, files)}
        if not started:
            return []
        participants = load_participants(study, connection)
        details = _details(study.id, connection)
        return [_recording(study, files, participants, details) for _, files in sorted(started.items())]


def recording(study: StudyConfiguration, engine: Engine, key: RecordingKey | str) -> Recording:
    """Return one recording with the files that processing would get, or got.

    Raises:
        UnknownRecording: The study has no recording of that key with a usable file.
    """
    with reading(engine) as connection:
        files = load_facts(study.id, connection, recording=str(key))
        usable = [file for file in files if file.state in STARTABLE | _RERUN | {State.PROCESSING}]
        if not usable or usable[0].file_type is None:
            states = ", ".join(sorted({file.state.value for file in files})) or "not in the catalog"
            raise UnknownRecording(f"{study.id}: recording {key} has no file to process ({states}). See study status.")
        return _recording(study, usable, load_participants(study, connection), _details(study.id, connection))


def _startable(study: StudyConfiguration, files: Sequence[FileFacts]) -> bool:
    if any(file.state is State.PROCESSING for file in files):
        return False
    file_type = study.file_type(files[0].file_type or "")
    quarantines = file_type is not None and file_type.on_overlap == "quarantine"
    states = STARTABLE - {State.OVERLAP} if quarantines else STARTABLE
    return any(file.state in states for file in files)


def _details(study: str, connection: Connection) -> dict[int, Row]:
    columns = FILES.c["id", "etag", "size", "attempts"]
    startable = [state.value for state in STARTABLE | _RERUN | {State.PROCESSING}]
    query = select(*columns).where(FILES.c.study == study, FILES.c.current, FILES.c.state.in_(startable))
    return {row.id: row for row in connection.execute(query)}


def _recording(
    study: StudyConfiguration, files: Sequence[FileFacts], participants: Participants, details: Mapping[int, Row]
) -> Recording:
    usable = in_order([file for file in files if file.file_id in details])
    first = usable[0]
    file_type = study.file_type(first.file_type or "")
    assert file_type is not None
    assert first.recording is not None
    values = used_values(study, file_type, first, participants)
    return Recording(
        study=study.id,
        key=RecordingKey.parse(first.recording),
        subject=first.subject,
        groups=first.groups,
        files=tuple(_file(file, details[file.file_id]) for file in usable),
        pipelines=file_type.pipelines,
        metadata=values,
        timezones=timezones(study, file_type, values),
        flags=tuple(dict.fromkeys(flag for file in usable for flag in file.flags)),
        inputs=recording_inputs(study, file_type, usable, participants),
        attempts=max(details[file.file_id].attempts for file in usable),
    )


def _file(file: FileFacts, details: Row) -> FileInRecording:
    return FileInRecording(
        source=file.source,
        key=file.key,
        etag=details.etag,
        size=details.size,
        modified=file.modified,
        sha256=file.sha256 or "",
        file_id=file.file_id,
    )


def set_state(
    study: StudyConfiguration,
    engine: Engine,
    key: RecordingKey | str,
    state: State,
    reason: str,
    now: datetime,
    *,
    inputs: RecordingInputs | None = None,
    run_id: str | None = None,
    qc_code: str | None = None,
) -> State:
    """Change the state of a recording's files as its processing goes on, by the state machine only.

    Args:
        study: The configuration.
        engine: Where the tables are.
        key: The recording.
        state: `processing` to begin; then `processed`, `crashed`, `failed`, or a refusal (`wrong_format`,
            `corrupted`, `clock_error`); or `ready` to give it back untouched.
        reason: Why; for people.
        now: The time, UTC.
        inputs: What the results depend on; needed to begin, and kept so that later changes are noticed.
        run_id: The run that processes it. Only the run that began a recording may end it.
        qc_code: Of a processed recording, what its quality control said.

    Returns:
        The state it has now: `failed` instead of `crashed` where all retries are used up; `superseded` or `removed`
        where its files were replaced meanwhile, in which case the results are kept with the old version.

    Raises:
        IllegalTransition: The recording is not in a state from which `state` follows, or another run holds it.
        UnknownRecording: The study has no such recording.
    """
    with writing(engine) as connection:
        rows = _rows(study.id, str(key), connection)
        if state is State.PROCESSING:
            return _begin(study, str(key), rows, reason, now, inputs, run_id, connection)
        held = [row for row in rows if row.state == State.PROCESSING.value]
        if state not in _FINISHED | {State.READY} or not held:
            ended = [
                row for row in rows if State(row.state) in ENDED and row.run_id is not None and row.run_id == run_id
            ]
            if ended and state in _FINISHED:
                _write(ended, State(ended[0].state), ended[0].reason, ended[0].since, connection, qc_code=qc_code)
                return State(ended[0].state)
            current = State(next((row for row in rows if row.current), rows[0]).state)
            require_transition(current, state, f"{study.id}: recording {key}")
        if held[0].run_id is not None and run_id is not None and held[0].run_id != run_id:
            raise IllegalTransition(
                f"{study.id}: recording {key} is processed by run {held[0].run_id}, not by {run_id}. "
                f"The result of {run_id} was not taken."
            )
        file_type = study.file_type(held[0].file_type or "")
        if state is State.CRASHED and held[0].attempts > _retries(study, file_type):
            state, reason = State.FAILED, f"{reason} Tried {held[0].attempts} times."
        for row in held:
            require_transition(State(row.state), state, f"{study.id}: {row.key}")
        _write(held, state, reason, now, connection, qc_code=qc_code)
        if state is State.READY:
            _forget_attempt(held, connection)
        connection.execute(update(STUDIES).where(STUDIES.c.study == study.id).values(changed=True))
        return state


def _begin(
    study: StudyConfiguration,
    key: str,
    rows: Sequence[Row],
    reason: str,
    now: datetime,
    inputs: RecordingInputs | None,
    run_id: str | None,
    connection: Connection,
) -> State:
    current = [row for row in rows if row.current]
    busy = next((row for row in current if row.state == State.PROCESSING.value), None)
    if busy is not None:
        require_transition(State.PROCESSING, State.PROCESSING, f"{study.id}: recording {key}")
    startable = [row for row in current if State(row.state) in STARTABLE]
    if not startable or study.locked:
        state = State.LOCKED if study.locked else State(current[0].state if current else rows[0].state)
        require_transition(state, State.PROCESSING, f"{study.id}: recording {key}")
    if inputs is None:
        raise IllegalTransition(f"{study.id}: recording {key} cannot begin without its inputs. Pass recording.inputs.")
    values = {
        "state": State.PROCESSING.value,
        "reason": reason,
        "since": now,
        "inputs": dict(inputs.parts),
        "run_key": inputs.run_key,
        "run_id": run_id,
        "qc_code": None,
        "refused": False,
        "attempts": FILES.c.attempts + 1,
    }
    statement = update(FILES).where(FILES.c.id == bindparam("file")).values(values)
    connection.execute(statement, [{"file": row.id} for row in startable])
    return State.PROCESSING


def _retries(study: StudyConfiguration, file_type: FileType | None) -> int:
    names = file_type.pipelines if file_type is not None else ()
    return max((study.document.pipelines[name].resources.retries for name in names), default=0)


def _rows(study: str, key: str, connection: Connection) -> Sequence[Row]:
    columns = FILES.c["id", "key", "file_type", "state", "reason", "since", "current", "run_id", "attempts"]
    query = select(*columns).where(FILES.c.study == study, FILES.c.recording == key).order_by(FILES.c.id.desc())
    rows = connection.execute(query).all()
    if not rows:
        raise UnknownRecording(f"{study}: there is no recording {key}. See study status for those there are.")
    return rows


def _write(
    rows: Sequence[Row], state: State, reason: str, since: datetime, connection: Connection, *, qc_code: str | None
) -> None:
    values = {"state": state.value, "reason": reason, "since": since, "qc_code": qc_code, "refused": state in REFUSALS}
    statement = update(FILES).where(FILES.c.id == bindparam("file")).values(values)
    connection.execute(statement, [{"file": row.id} for row in rows])


def _forget_attempt(rows: Sequence[Row], connection: Connection) -> None:
    """A recording that is given back untouched was not tried."""
    statement = update(FILES).where(FILES.c.id == bindparam("file"))
    connection.execute(statement.values(attempts=FILES.c.attempts - 1), [{"file": row.id} for row in rows])


def rerun(
    study: StudyConfiguration,
    engine: Engine,
    now: datetime,
    *,
    keys: Collection[RecordingKey | str] | None = None,
    states: Collection[State] = (State.STALE, State.FAILED),
) -> int:
    """Ask for recordings to be processed again, and return how many files that concerns.

    Args:
        study: The configuration.
        engine: Where the tables are.
        now: The time, UTC.
        keys: The recordings; all of the study where it is not given.
        states: Which of them: those that are stale or failed where not said otherwise; `processed` is possible.

    Raises:
        IllegalTransition: A state in `states` is none from which a recording can be processed again.
    """
    for state in states:
        require_transition(state, State.READY, f"{study.id}: a recording")
    query = select(FILES.c.id, FILES.c.recording).where(
        FILES.c.study == study.id, FILES.c.current, FILES.c.state.in_([state.value for state in states])
    )
    wanted = None if keys is None else {str(key) for key in keys}
    with writing(engine) as connection:
        chosen = [{"file": row.id} for row in connection.execute(query) if wanted is None or row.recording in wanted]
        if chosen:
            values = {"state": State.READY.value, "reason": "It is to be processed again.", "since": now, "attempts": 0}
            connection.execute(update(FILES).where(FILES.c.id == bindparam("file")).values(values), chosen)
            connection.execute(update(STUDIES).where(STUDIES.c.study == study.id).values(changed=True))
    return len(chosen)
