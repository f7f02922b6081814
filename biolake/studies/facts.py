"""What the catalog knows of one file when it judges it, and the verdict it comes to. Only types; no judging here."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from biolake.studies.devices.models import Problem, ProblemCode, RecordingFormat, Scan
from biolake.studies.states import State

NOT_CHECKED = "Its content is not checked yet."
"""Why a file is arriving that has settled and was not looked into."""
UNREADABLE = "Its content could not be looked into"
"""How the reason begins of a file that was looked into in vain; that is tried again."""


@dataclass(frozen=True)
class FileFacts:
    """One current file of a study.

    Attributes:
        file_id: Its row.
        source: Name of the source.
        key: Its path under the source's address.
        modified: When the store took it, UTC.
        first_seen: When this version was first listed.
        file_type: None where no file type takes it.
        subject: What its name says.
        groups: All that its name says.
        recording: Spelled key of its recording.
        state: Its state before this judgement.
        reason: Why.
        flags: QC codes it had.
        sha256: Hash of its bytes, None until they were looked at.
        scan: What its bytes say, None until they were looked at.
        inputs: Fingerprints of what its results were computed from, by part.
        refused: Whether its state is a fault that only processing could find.
    """

    file_id: int
    source: str
    key: str
    modified: datetime
    first_seen: datetime
    file_type: str | None
    subject: str
    groups: Mapping[str, str]
    recording: str | None
    state: State
    reason: str
    flags: tuple[str, ...] = ()
    sha256: str | None = None
    scan: Scan | None = None
    inputs: Mapping[str, str] | None = None
    refused: bool = False

    @property
    def visit(self) -> str:
        """The visit its name says, empty where it says none."""
        return self.groups.get("visit", "")


@dataclass(frozen=True)
class Verdict:
    """What the catalog finds: a state, why, and the QC codes that results will carry."""

    state: State
    reason: str
    flags: tuple[str, ...] = ()


def scan_to_json(scan: Scan) -> dict[str, Any]:
    """Return a scan as it is kept in a table; what the file does not say is left out."""
    kept: dict[str, Any] = {}
    for field in dataclasses.fields(scan):
        value = getattr(scan, field.name)
        if value is None or value == ():
            continue
        if isinstance(value, datetime):
            value = value.isoformat()
        elif field.name == "problems":
            value = [[p.code.value, p.offset, p.fraction, p.message, p.seconds] for p in value]
        kept[field.name] = value
    return kept


def scan_from_json(kept: Mapping[str, Any]) -> Scan:
    """Return the scan that `scan_to_json` kept; fields of later versions are passed over."""
    known = {field.name for field in dataclasses.fields(Scan)}
    values = {name: value for name, value in kept.items() if name in known}
    values["format"] = RecordingFormat(values["format"])
    for name in ("start", "end"):
        if name in values:
            values[name] = datetime.fromisoformat(values[name])
    values["problems"] = tuple(
        Problem(ProblemCode(code), offset, fraction, message, seconds)
        for code, offset, fraction, message, seconds in values.get("problems", ())
    )
    return Scan(**values)
