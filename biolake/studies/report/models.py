"""What the pages show, ready to be laid out; made in `gather_study` and `gather_recording`, laid out in `pages`."""

from dataclasses import dataclass
from datetime import datetime

from biolake.studies.report.words import Concern


@dataclass(frozen=True)
class Tile:
    """One number at the head of a page: what it is, the number, and a line about it."""

    label: str
    value: str
    note: str
    concern: Concern = "none"


@dataclass(frozen=True)
class StateCount:
    """How many files are in a state."""

    title: str
    code: str
    count: int
    concern: Concern
    advice: str


@dataclass(frozen=True)
class FileLine:
    """One file that somebody may have to look at."""

    name: str
    subject: str
    title: str
    concern: Concern
    reason: str
    since: datetime


@dataclass(frozen=True)
class VisitLine:
    """One subject and visit in numbers; None where there is nothing to show."""

    subject: str
    visit: str
    pipeline: str
    days: str
    nights: str
    wear_hours: float | None
    active_minutes: float | None
    sleep_hours: float | None
    steps: float | None
    gait_speed: float | None
    included: bool
    why: str


@dataclass(frozen=True)
class ExclusionLine:
    """One thing that is left out."""

    level: str
    subject: str
    visit: str
    recording: str
    date: str
    rule: str
    reason: str


@dataclass(frozen=True)
class SoftwareLine:
    """One pipeline in its runtime."""

    pipeline: str
    pipeline_sha256: str
    runtime: str
    runtime_sha256: str
    skdh: str
    python: str
    numpy: str
    blas: str
    patches: str
    code_version: str
    image: str
    results: int


@dataclass(frozen=True)
class DictionaryLine:
    """One column."""

    table: str
    column: str
    unit: str
    description: str
    step: str


@dataclass(frozen=True)
class Fact:
    """A name and what it is."""

    name: str
    value: str


@dataclass(frozen=True)
class DayLine:
    """One day of a recording with the night that follows it."""

    date: str
    weekend: bool
    hours: str
    wear_hours: float | None
    active_minutes: float | None
    light_minutes: float | None
    sedentary_minutes: float | None
    steps: int | None
    gait_speed: float | None
    sleep: str
    sleep_hours: float | None
    efficiency: float | None
    day_rule: str
    night_rule: str


@dataclass(frozen=True)
class StudyPage:
    """All that the page of a study shows."""

    study: str
    title: str
    status: str
    made: datetime
    tiles: tuple[Tile, ...]
    enrolment: str
    states: tuple[StateCount, ...]
    files: tuple[FileLine, ...]
    files_more: int
    wear: str
    wear_more: int
    measures: tuple[str, ...]
    visits: tuple[VisitLine, ...]
    visits_more: int
    exclusion_counts: tuple[tuple[str, str, int], ...]
    exclusions: tuple[ExclusionLine, ...]
    exclusions_more: int
    rules: tuple[Fact, ...]
    software: tuple[SoftwareLine, ...]
    provenance: tuple[Fact, ...]
    dictionary: tuple[DictionaryLine, ...]
    mixed: bool


@dataclass(frozen=True)
class RecordingResult:
    """One pipeline's result of a recording."""

    pipeline: str
    run_key: str
    state: str
    qc: str
    tiles: tuple[Tile, ...]
    actogram: str
    days: tuple[DayLine, ...]
    wear: bool
    gait: bool
    activity: bool
    sleep: bool
    exclusions: tuple[ExclusionLine, ...]
    quality: tuple[Fact, ...]
    warnings: tuple[str, ...]
    provenance: tuple[Fact, ...]
    software: SoftwareLine
    dictionary: tuple[DictionaryLine, ...]


@dataclass(frozen=True)
class RecordingPage:
    """All that the page of a recording shows."""

    study: str
    title: str
    recording: str
    subject: str
    visit: str
    made: datetime
    files: tuple[FileLine, ...]
    results: tuple[RecordingResult, ...]
