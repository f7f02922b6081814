"""Judging the files as they are stored: load what is known, judge, write the verdicts. The rules are `judgement`.

Nothing is judged again unless something has changed since: a file, a participant, the configuration, or the time at
which a wait or an arrival ends.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Engine, bindparam, select, update

from biolake.studies.catalog.files import identity_columns
from biolake.studies.catalog.judgement import judge
from biolake.studies.catalog.study_record import study_record, update_study
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.facts import FileFacts, Verdict, scan_from_json
from biolake.studies.participants.requirements import open_waits, record_waits
from biolake.studies.participants.store import load_participants
from biolake.studies.states import State
from biolake.studies.tables import FILES, STUDIES, writing

_FACTS = FILES.c[
    "id", "source", "key", "modified", "first_seen", "file_type", "subject", "groups", "recording", "state", "reason",
    "flags", "sha256", "scan", "inputs", "refused",
]  # fmt: skip


def load_facts(
    study: str, connection: Connection, *, recording: str | None = None, having: Collection[State] | None = None
) -> list[FileFacts]:
    """Return what is known of a study's current files.

    Args:
        study: The study's id.
        connection: Where to read.
        recording: Only the files of this recording.
        having: Only the files of recordings that have a file in one of these states.
    """
    query = select(*_FACTS).where(FILES.c.study == study, FILES.c.current)
    if recording is not None:
        query = query.where(FILES.c.recording == recording)
    if having is not None:
        chosen = (FILES.c.study == study) & FILES.c.current & FILES.c.state.in_([state.value for state in having])
        query = query.where(FILES.c.recording.in_(select(FILES.c.recording).where(chosen)))
    return [
        FileFacts(
            file_id=row[0],
            source=row[1],
            key=row[2],
            modified=row[3],
            first_seen=row[4],
            file_type=row[5],
            subject=row[6] or "",
            groups=row[7] or {},
            recording=row[8],
            state=State(row[9]),
            reason=row[10],
            flags=tuple(row[11] or ()),
            sha256=row[12],
            scan=scan_from_json(row[13]) if row[13] else None,
            inputs=row[14],
            refused=row[15],
        )
        for row in connection.execute(query)
    ]


def evaluate(study: StudyConfiguration, engine: Engine, now: datetime) -> None:
    """Judge the study's files again if anything that matters has changed or come due since, without listing."""
    with writing(engine) as connection:
        study_record(study, connection, now)
        judge_if_due(study, connection, now)


def judge_if_due(study: StudyConfiguration, connection: Connection, now: datetime) -> None:
    """Judge all files, unless nothing has changed since the last time and nothing has come due."""
    record = connection.execute(select(STUDIES).where(STUDIES.c.study == study.id)).one()
    rules = study.rules_sha256
    due = record.next_due is not None and record.next_due <= now
    if record.judged_by == rules and not record.changed and not due:
        return
    if record.judged_by is not None and record.judged_by != rules:
        _identify_again(study, connection)
    files = load_facts(study.id, connection)
    judgement = judge(study, files, load_participants(study, connection), open_waits(study.id, connection), now)
    _apply(files, judgement.verdicts, connection, now)
    record_waits(study, judgement.waits, connection, now)
    connection.execute(update_study(study).values(judged_by=rules, changed=False, next_due=judgement.next_due))


def _identify_again(study: StudyConfiguration, connection: Connection) -> None:
    """Tell anew what every file is, after the patterns may have changed."""
    sources = {source.name: source for source in study.document.sources}
    columns = FILES.c["id", "source", "key", "file_type", "recording", "subject", "groups", "state", "reason"]
    changed: list[dict[str, object]] = []
    for row in connection.execute(select(*columns).where(FILES.c.study == study.id, FILES.c.current)):
        if row.source not in sources:
            continue
        values = identity_columns(study, sources[row.source], row.key)
        unmatched = values.pop("state") == State.UNMATCHED.value
        reason = values.pop("reason")
        same = all(getattr(row, name) == value for name, value in values.items())
        if not same or (unmatched and row.reason != reason):
            values["reason"] = reason if unmatched else row.reason
            changed.append({"file": row.id, **{f"new_{name}": value for name, value in values.items()}})
    if changed:
        names = ("file_type", "recording", "subject", "groups", "reason")
        statement = update(FILES).where(FILES.c.id == bindparam("file"))
        connection.execute(statement.values({name: bindparam(f"new_{name}") for name in names}), changed)


def _apply(files: Sequence[FileFacts], verdicts: Mapping[int, Verdict], connection: Connection, now: datetime) -> None:
    """Write verdicts; `since` moves only where the state does. A state that changed meanwhile is left alone."""
    before = {file.file_id: file for file in files}
    moved: list[dict[str, object]] = []
    kept: list[dict[str, object]] = []
    for number, verdict in verdicts.items():
        values = {
            "file": number,
            "old": before[number].state.value,
            "new_state": verdict.state.value,
            "new_reason": verdict.reason,
            "new_flags": list(verdict.flags),
        }
        (kept if verdict.state is before[number].state else moved).append(values)
    names = ("state", "reason", "flags")
    statement = update(FILES).where(FILES.c.id == bindparam("file"), FILES.c.state == bindparam("old"))
    statement = statement.values({name: bindparam(f"new_{name}") for name in names} | {"refused": False})
    if kept:
        connection.execute(statement, kept)
    if moved:
        connection.execute(statement.values(since=now), moved)
