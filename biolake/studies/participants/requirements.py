"""What a recording needs to be known of its participant, what of it is missing, and how long that is waited for.

A wait is per subject and column (and visit, where the metadata is kept by visit), not per file, and is told once: when
it begins, and once more when it is given up. Values are looked up in `store`; messages are sent by
`biolake.studies.notifications`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, update

from biolake.studies.configuration.file_types import FileType
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.facts import FileFacts
from biolake.studies.notifications.messages import Message, enqueue
from biolake.studies.participants.store import Faulty, Found, Missing, Participants
from biolake.studies.tables import WAITS

_NAMED = 20


@dataclass(frozen=True, order=True)
class Wait:
    """Something that is not known of a participant."""

    subject: str
    visit: str
    column: str

    def __str__(self) -> str:
        visit = f", visit {self.visit}," if self.visit else ""
        return f"{self.column} of subject {self.subject}{visit}"


@dataclass(frozen=True)
class Needs:
    """What stands between a recording and its processing.

    Attributes:
        missing: Values not known yet.
        faulty: Why known values cannot be used.
    """

    missing: tuple[Wait, ...]
    faulty: tuple[str, ...]


def needed_columns(study: StudyConfiguration, file_type: FileType) -> tuple[str, ...]:
    """Return the metadata columns that the pipelines of a file type cannot do without."""
    names = [column for name in file_type.pipelines for column in study.document.pipelines[name].needed_columns]
    return tuple(dict.fromkeys(names))


def used_values(
    study: StudyConfiguration, file_type: FileType, file: FileFacts, participants: Participants
) -> dict[str, object]:
    """Return the metadata values that the results of a recording depend on, by column; None where not known."""
    names = [column for name in file_type.pipelines for column in study.document.pipelines[name].used_columns]
    values: dict[str, object] = {}
    for column in dict.fromkeys(names):
        found = participants.look_up(file.subject, file.visit, column)
        values[column] = found.value if isinstance(found, Found) else None
    return values


def timezones(study: StudyConfiguration, file_type: FileType, values: Mapping[str, object]) -> dict[str, str]:
    """Return the time zone in which each pipeline counts days."""
    zones: dict[str, str] = {}
    for name in file_type.pipelines:
        column = study.document.pipelines[name].timezone.column
        value = values.get(column) if column else None
        zones[name] = value if isinstance(value, str) else study.document.study.timezone_default
    return zones


def needs(columns: Iterable[str], by_visit: frozenset[str], file: FileFacts, participants: Participants) -> Needs:
    """Return what is missing or unusable for a file.

    Args:
        columns: What its pipelines need.
        by_visit: Columns whose metadata files have one row per visit.
        file: The file.
        participants: What is known.
    """
    missing: list[Wait] = []
    faulty: list[str] = []
    for column in columns:
        match participants.look_up(file.subject, file.visit, column):
            case Missing():
                missing.append(Wait(file.subject, file.visit if column in by_visit else "", column))
            case Faulty(message):
                faulty.append(message)
            case Found():
                pass
    return Needs(tuple(missing), tuple(dict.fromkeys(faulty)))


def columns_by_visit(study: StudyConfiguration) -> frozenset[str]:
    """Return the columns of metadata files that have one row per subject and visit."""
    return frozenset(column for file in study.document.metadata.files if "visit" in file.key for column in file.columns)


def open_waits(study: str, connection: Connection) -> dict[Wait, datetime]:
    """Return what is being waited for, expired or not, and since when."""
    query = select(WAITS.c.subject, WAITS.c.visit, WAITS.c.column, WAITS.c.since)
    rows = connection.execute(query.where(WAITS.c.study == study, WAITS.c.resolved_at.is_(None)))
    return {Wait(subject, visit, column): since for subject, visit, column, since in rows}


def record_waits(study: StudyConfiguration, waits: Iterable[Wait], connection: Connection, now: datetime) -> None:
    """Begin, end and give up waits so that the open ones are `waits`, with one message for each change."""
    query = select(*WAITS.c["id", "subject", "visit", "column", "since", "expired"])
    rows = connection.execute(query.where(WAITS.c.study == study.id, WAITS.c.resolved_at.is_(None))).all()
    known = {Wait(row.subject, row.visit, row.column): row for row in rows}
    wanted = set(waits)
    patience = study.document.waiting.give_up_after
    begun = sorted(wanted - known.keys())
    ended = [row.id for wait, row in known.items() if wait not in wanted]
    expired = sorted(w for w, row in known.items() if w in wanted and not row.expired and row.since + patience <= now)
    if begun:
        values = {"study": study.id, "since": now, "expires_at": now + patience, "expired": False}
        rows_to_add = [{**values, "subject": w.subject, "visit": w.visit, "column": w.column} for w in begun]
        connection.execute(insert(WAITS), rows_to_add)
        _tell(study, "waiting", begun, f"until {now + patience:%Y-%m-%d}", connection, now)
    by_id = update(WAITS).where(WAITS.c.id == bindparam("wait"))
    if ended:
        connection.execute(by_id.values(resolved_at=now), [{"wait": number} for number in ended])
    if expired:
        connection.execute(by_id.values(expired=True), [{"wait": known[wait].id} for wait in expired])
        _tell(study, "requirement_expired", expired, "and no longer", connection, now)


def _tell(
    study: StudyConfiguration, kind: str, waits: list[Wait], until: str, connection: Connection, now: datetime
) -> None:
    by_column: dict[str, list[Wait]] = defaultdict(list)
    for wait in waits:
        by_column[wait.column].append(wait)
    for column, group in by_column.items():
        subjects = sorted({f"{wait.subject} {wait.visit}".strip() for wait in group})
        named = ", ".join(subjects[:_NAMED]) + (f" and {len(subjects) - _NAMED} more" if len(subjects) > _NAMED else "")
        many = "subjects" if len(subjects) > 1 else "subject"
        message = f"{study.id}: recordings of {len(subjects)} {many} wait for {column} {until}: {named}."
        enqueue(study, Message(kind, f"{kind}/{column}/{now.isoformat()}", message), connection, now)
