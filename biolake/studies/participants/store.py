"""Participants' values as the study has them now: stored by metadata file, conflicts judged, looked up by subject.

Cleaning one file is `clean`. What a missing value means for a recording is `requirements`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from biolake.objects.models import ObjectVersion
from biolake.objects.store import ObjectStore
from biolake.studies.configuration.metadata import MetadataFile
from biolake.studies.configuration.patterns import glob_matches, literal_folder
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.errors import MetadataFileRejected
from biolake.studies.models import fingerprint
from biolake.studies.participants.clean import ParticipantRow, Value, clean
from biolake.studies.tables import METADATA_FILES, PARTICIPANT_ROWS

_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Found:
    """A value a participant has, and where it is from."""

    value: Value
    row_sha256: str
    where: str


@dataclass(frozen=True)
class Missing:
    """No value is known."""


@dataclass(frozen=True)
class Faulty:
    """What is known cannot be used; the message says why and where."""

    message: str


Lookup = Found | Missing | Faulty


class Participants:
    """All participants' values of a study, as one evaluation sees them."""

    def __init__(self, on_conflict: str = "error") -> None:
        """Begin with none; `add` fills it in the order of the files' age, oldest first."""
        self._on_conflict = on_conflict
        self._values: dict[tuple[str, str, str], Found | Faulty] = {}

    def add(self, subject: str, visit: str, column: str, found: Found | Faulty) -> None:
        """Take a value; one that differs from an earlier one is a conflict."""
        key = (subject, visit, column)
        earlier = self._values.get(key)
        if isinstance(earlier, Found) and isinstance(found, Found) and not _same(earlier.value, found.value):
            if self._on_conflict == "error":
                message = f"{column} is {earlier.value} in {earlier.where} and {found.value} in {found.where}."
                self._values[key] = Faulty(f"{message} Correct one of the files.")
                return
        elif isinstance(earlier, Faulty) and self._on_conflict == "error":
            return
        self._values[key] = found

    def look_up(self, subject: str, visit: str, column: str) -> Lookup:
        """Return what is known of a column: for the visit, or else for the subject at all visits."""
        return self._values.get((subject, visit, column)) or self._values.get((subject, "", column)) or Missing()

    @property
    def subjects(self) -> frozenset[str]:
        """Subjects of whom anything is known."""
        return frozenset(subject for subject, _, _ in self._values)


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=_TOLERANCE)
    return one == other


@dataclass(frozen=True)
class MetadataOutcome:
    """What reading the study's metadata files changed.

    Attributes:
        changed: Whether any participant's values may differ from before.
        warnings: For the study's manager.
    """

    changed: bool
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class MetadataReading:
    """A metadata file that was read because it is new or changed, ready to be stored."""

    source: str
    version: ObjectVersion
    rules_sha256: str
    rows: tuple[ParticipantRow, ...]
    columns: tuple[str, ...]
    rejected: str | None


def metadata_rules(study: StudyConfiguration, source: str, key: str) -> MetadataFile | None:
    """Return the rules for a metadata file, None where the object is none."""
    for rules in study.document.metadata.files:
        if (
            rules.source == source
            and key.startswith(literal_folder(rules.pattern))
            and glob_matches(key, rules.pattern)
        ):
            return rules
    return None


def read_metadata(
    study: StudyConfiguration,
    stores: Mapping[str, ObjectStore],
    listed: Mapping[tuple[str, str], ObjectVersion],
    connection: Connection,
) -> list[MetadataReading]:
    """Read the metadata files among `listed` (by source and key) that are new, changed, or under changed rules.

    Raises:
        StoreUnavailable: A file cannot be fetched.
    """
    known = {
        (row.source, row.key): (row.etag, row.rules)
        for row in connection.execute(
            select(*METADATA_FILES.c["source", "key", "etag", "rules"]).where(METADATA_FILES.c.study == study.id)
        )
    }
    readings: list[MetadataReading] = []
    for (source, key), version in sorted(listed.items()):
        rules = metadata_rules(study, source, key)
        if rules is None:
            continue
        digest = fingerprint(rules.model_dump(mode="json"))
        if known.get((source, key)) == (version.etag, digest):
            continue
        rows: list[ParticipantRow] = []
        rejected = None
        try:
            rows = clean(stores[source].get(key), rules, key)
        except MetadataFileRejected as error:
            rejected = str(error)
        readings.append(MetadataReading(source, version, digest, tuple(rows), tuple(rules.columns), rejected))
    return readings


def store_metadata(
    study: str,
    readings: list[MetadataReading],
    gone: list[tuple[str, str]],
    connection: Connection,
    now: datetime,
) -> MetadataOutcome:
    """Replace the rows of the files read, and drop those of files that are gone (by source and key)."""
    warnings: list[str] = []
    for source, key in [*gone, *((reading.source, reading.version.key) for reading in readings)]:
        for table in (PARTICIPANT_ROWS, METADATA_FILES):
            connection.execute(
                delete(table).where(table.c.study == study, table.c.source == source, table.c.key == key)
            )
    warnings += [f"{key} is no longer there; its values are no longer used." for _, key in gone]
    for reading in readings:
        key = reading.version.key
        wrong = [row for row in reading.rows if row.errors]
        if reading.rejected is not None:
            warnings.append(reading.rejected)
        warnings += [f"{key} line {row.number}: {error.message}" for row in wrong for error in row.errors]
        connection.execute(
            insert(METADATA_FILES).values(
                study=study,
                source=reading.source,
                key=key,
                etag=reading.version.etag,
                rules=reading.rules_sha256,
                modified=reading.version.modified,
                state="rejected" if reading.rejected else "read",
                reason=reading.rejected or "",
                n_rows=len(reading.rows),
                n_errors=len(wrong),
                read_at=now,
            )
        )
        if reading.rows:
            connection.execute(insert(PARTICIPANT_ROWS), [_stored(study, reading, row) for row in reading.rows])
    return MetadataOutcome(bool(readings or gone), tuple(warnings))


def _stored(study: str, reading: MetadataReading, row: ParticipantRow) -> dict[str, object]:
    return {
        "study": study,
        "source": reading.source,
        "key": reading.version.key,
        "row": row.number,
        "subject": row.subject,
        "visit": row.visit,
        "values": dict(row.values),
        "errors": [error.message for error in row.errors],
        "columns": list(reading.columns),
        "sha256": row.sha256,
    }


def load_participants(study: StudyConfiguration, connection: Connection) -> Participants:
    """Return all participants' values as the stored files have them."""
    participants = Participants(study.document.metadata.on_conflict)
    rows, files = PARTICIPANT_ROWS, METADATA_FILES
    query = (
        select(*rows.c["key", "row", "subject", "visit", "values", "errors", "columns", "sha256"])
        .join(files, (files.c.study == rows.c.study) & (files.c.source == rows.c.source) & (files.c.key == rows.c.key))
        .where(rows.c.study == study.id, rows.c.subject.is_not(None))
        .order_by(files.c.modified, rows.c.key, rows.c.row)
    )
    for key, number, subject, visit, values, errors, columns, digest in connection.execute(query):
        where = f"{key} line {number}"
        if errors:
            fault = Faulty(f"{where}: {'; '.join(errors)}")
            for column in columns:
                participants.add(subject, visit, column, fault)
            continue
        for column, value in values.items():
            if value is not None:
                participants.add(subject, visit, column, Found(value, digest, where))
    return participants
