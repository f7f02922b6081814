"""The types that studies hand to one another: keys, recordings, summaries. Their tables are in `tables`."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self
from urllib.parse import unquote

_PLAIN = re.compile(r"[A-Za-z0-9_-]")
_RUNTIME = re.compile(r"^skdh-(?P<version>[0-9]+\.[0-9]+\.[0-9]+)-py(?P<python>3[0-9]{1,2})-(?P<build>[a-z0-9]+)$")


@dataclass(frozen=True)
class RuntimeName:
    """The name of a locked runtime, `skdh-<version>-py<python>-<build>`, and what it says.

    Attributes:
        text: The name as written.
        skdh_version: Version of SciKit-Digital-Health.
        python: Python's major and minor version, as `3.11`.
        build: Tells two locks of the same versions apart.
    """

    text: str
    skdh_version: str
    python: str
    build: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read a name; None where it is not one."""
        match = _RUNTIME.match(text)
        if match is None:
            return None
        python = match["python"]
        return cls(text, match["version"], f"{python[0]}.{python[1:]}", match["build"])


@dataclass(frozen=True, order=True)
class RecordingKey:
    """What makes a recording: the file type and the values of its identity, in the configuration's order."""

    file_type: str
    identity: tuple[str, ...]

    def __str__(self) -> str:
        """Spell the key as a partition's name: unreserved characters as they are, all others percent-encoded."""
        return "~".join(_encode(part) for part in (self.file_type, *self.identity))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote."""
        first, *rest = (unquote(part) for part in text.split("~"))
        return cls(first, tuple(rest))


def _encode(text: str) -> str:
    return "".join(c if _PLAIN.match(c) else "".join(f"%{b:02X}" for b in c.encode()) for c in text)


def identifier(text: str) -> str:
    """Return an identifier in its one spelling: NFC, no surrounding space. Digits stay text: `0012` is not `12`."""
    return unicodedata.normalize("NFC", text).strip()


def fingerprint(value: object) -> str:
    """Return the SHA-256 of a JSON-like value: equal values have equal fingerprints, whatever their order of keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class FileInRecording:
    """One file of a recording that is to be processed."""

    source: str
    key: str
    etag: str
    size: int
    modified: datetime
    sha256: str
    file_id: int


@dataclass(frozen=True)
class RecordingInputs:
    """Everything that a recording's results depend on, each part as its fingerprint, so that a change can be named.

    Attributes:
        parts: Fingerprints by part: `files`, `configuration`, `metadata`, `pipeline <name>`, `runtime <name>`.
    """

    parts: Mapping[str, str]

    @property
    def run_key(self) -> str:
        """The hash of all parts: results with this key need not be computed again."""
        return fingerprint(dict(self.parts))[:32]

    def changed_since(self, earlier: "RecordingInputs") -> tuple[str, ...]:
        """Return the names of the parts that differ from `earlier`, in order."""
        names = sorted({*self.parts, *earlier.parts})
        return tuple(name for name in names if self.parts.get(name) != earlier.parts.get(name))


@dataclass(frozen=True)
class Recording:
    """A recording that processing may take up, with all that it needs to know of it.

    Attributes:
        study: The study's id.
        key: The recording, unique in the study.
        subject: The participant.
        groups: What the file name says: `visit`, `site`, `location`, ...; of the first file.
        files: In order of their start.
        pipelines: Names of the pipelines to run.
        metadata: The metadata values its pipelines take, by column, in the configuration's target units.
        timezones: IANA name per pipeline.
        flags: QC codes that every output row of this recording carries.
        inputs: Fingerprints of everything the results depend on.
        attempts: How often processing was started before.
    """

    study: str
    key: RecordingKey
    subject: str
    groups: Mapping[str, str]
    files: tuple[FileInRecording, ...]
    pipelines: tuple[str, ...]
    metadata: Mapping[str, object]
    timezones: Mapping[str, str]
    flags: tuple[str, ...]
    inputs: RecordingInputs
    attempts: int = 0


@dataclass(frozen=True)
class CatalogSummary:
    """What one look at a study's sources found.

    Attributes:
        study: The study's id.
        counts: Files (current and earlier versions) by state; their sum is `n_files`.
        new: File versions seen for the first time.
        changed: Names whose content is a new version.
        removed: Names no longer in their bucket.
        to_check: Files that wait for their content to be looked at.
        ready: Recordings that processing may take up.
        warnings: For the study's manager: patterns that match nothing, metadata rows with errors.
        outages: Sources or prefixes that answered with nothing where there were files; nothing of them was changed.
    """

    study: str
    counts: Mapping[str, int]
    n_files: int
    new: int
    changed: int
    removed: int
    to_check: int
    ready: int
    warnings: tuple[str, ...] = ()
    outages: tuple[str, ...] = field(default=())
