"""How a study says what is computed: pipelines in their runtimes, waiting, day windows, exclusion rules, results."""

import re
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from biolake.documents.validate import mistaken
from biolake.studies.configuration.part import Part
from biolake.studies.models import RuntimeName

_WEBHOOK = re.compile(r"^webhook:[a-z0-9]+(-[a-z0-9]+)*$")
PLACEHOLDERS = ("study", "subject", "visit", "recording", "pipeline", "run_key")


def _runtime(value: str) -> str:
    if RuntimeName.parse(value) is None:
        raise mistaken(f"`{value}` names no runtime.", "Write one as `skdh-0.17.18-py311-a`; see `runtimes/`.")
    return value


def _reference(value: str) -> str:
    if not value.startswith("metadata.") or len(value) == len("metadata."):
        raise mistaken(f"`{value}` does not say where the value is.", "Write `metadata.<column>`.")
    return value


def _inside(value: str) -> str:
    if value.startswith("/") or ".." in value.split("/") or "\\" in value:
        raise mistaken(f"`{value}` lies outside the folder of this document.", "Put the file beside the document.")
    return value


def _channel(value: str) -> str:
    if value != "log" and _WEBHOOK.match(value) is None:
        raise mistaken(f"`{value}` is no way to notify.", "Write `log` or `webhook:<name>`, the name as `study-team`.")
    return value


MetadataReference = Annotated[str, AfterValidator(_reference)]


class Requirements(Part):
    """What must be known before a recording is processed."""

    metadata: tuple[str, ...] = Field((), description="Columns that must have a value for the subject")


class TimezoneRule(Part):
    """Where the time zone of a recording's days comes from."""

    from_: str = Field("study", alias="from", description="`study` or `metadata.<column>`")
    else_: Literal["study", "wait"] = Field(
        "study", alias="else", description="Where that says nothing: the study's zone, or wait until it does"
    )

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.from_ != "study":
            _reference(self.from_)
        return self

    @property
    def column(self) -> str | None:
        """The metadata column, None for the study's zone."""
        return self.from_.removeprefix("metadata.") if self.from_ != "study" else None


class Resources(Part):
    """What one recording may cost."""

    bytes_per_sample: float = Field(140, gt=0, description="Memory at the peak, to plan how many run beside each other")
    timeout_seconds_per_mb: float = Field(1.0, gt=0)
    timeout_min: float = Field(300, gt=0, description="Seconds a recording has at least")
    retries: int = Field(1, ge=0, le=3, description="How often a crashed recording is tried again")


class Pipeline(Part):
    """One saved pipeline of SciKit-Digital-Health in its locked runtime."""

    runtime: Annotated[str, AfterValidator(_runtime)] = Field(description="Name of a locked runtime")
    file: Annotated[str, AfterValidator(_inside)] = Field(
        min_length=1, description="The saved pipeline, its path from this document's folder"
    )
    requires: Requirements = Requirements()  # type: ignore[call-arg]
    pass_: dict[str, MetadataReference] = Field(
        default_factory=dict, alias="pass", description="Argument of the run: metadata column it is taken from"
    )
    timezone: TimezoneRule = TimezoneRule()  # type: ignore[call-arg]
    outputs: dict[str, Literal["table", "intervals"]] = Field(
        min_length=1, description="Steps whose results are kept, and as what"
    )
    resources: Resources = Resources()  # type: ignore[call-arg]

    @property
    def needed_columns(self) -> tuple[str, ...]:
        """Metadata columns without which a recording waits, in order, each once."""
        names = [*self.requires.metadata, *(value.removeprefix("metadata.") for value in self.pass_.values())]
        if self.timezone.column and self.timezone.else_ == "wait":
            names.append(self.timezone.column)
        return tuple(dict.fromkeys(names))

    @property
    def used_columns(self) -> tuple[str, ...]:
        """Metadata columns whose values the results depend on."""
        names = [*self.needed_columns, *([self.timezone.column] if self.timezone.column else [])]
        return tuple(dict.fromkeys(names))

    @property
    def runtime_name(self) -> RuntimeName:
        """The runtime's name, read."""
        name = RuntimeName.parse(self.runtime)
        assert name is not None
        return name


class Waiting(Part):
    """What happens while a requirement is not met."""

    check_every: timedelta = Field(timedelta(minutes=15), description="ISO 8601 duration, as `PT15M`")
    give_up_after: timedelta = Field(timedelta(days=14), description="ISO 8601 duration, as `P14D`")
    notify: tuple[Annotated[str, AfterValidator(_channel)], ...] = Field(
        ("log",), description="`log` and `webhook:<name>`"
    )


def _window(value: tuple[int, int]) -> tuple[int, int]:
    base, period = value
    if not (0 <= base <= 23 and 1 <= period <= 24):
        raise mistaken(f"[{base}, {period}] is no day window.", "Write [first hour 0-23, hours 1-24].")
    return value


Window = Annotated[tuple[int, int], AfterValidator(_window)]


class Days(Part):
    """Which hours make a day and a night, by the participant's clock."""

    activity_window: Window = Field((0, 24), description="First hour and number of hours of a day")
    sleep_window: Window = Field((12, 24), description="First hour and number of hours in which a night lies")


class DayExclusion(Part):
    """When a day does not count."""

    min_wear_hours: float = Field(10, ge=0, le=25)
    min_hours: float = Field(20, ge=0, le=25, description="Hours of recording a day has at least")


class NightExclusion(Part):
    """When a night does not count."""

    min_wear_hours: float = Field(6, ge=0, le=25)


class SubjectExclusion(Part):
    """When a subject's visit has too few days."""

    min_valid_days: int = Field(4, ge=0)
    min_weekend_days: int = Field(0, ge=0)


class Exclusion(Part):
    """The rules by which days, nights and visits are left out of the summaries; every one left out is listed."""

    day: DayExclusion = DayExclusion()  # type: ignore[call-arg]
    night: NightExclusion = NightExclusion()  # type: ignore[call-arg]
    subject: SubjectExclusion = SubjectExclusion()  # type: ignore[call-arg]
    first_last_partial_day: Literal["include", "exclude", "flag"] = "exclude"


def _placeholders(value: str) -> str:
    rest = value
    for name in PLACEHOLDERS:
        rest = rest.replace("{" + name + "}", "")
    if "{" in rest or "}" in rest:
        names = ", ".join(PLACEHOLDERS)
        raise mistaken(f"`{value}` has a placeholder that does not exist.", f"In braces may stand: {names}.")
    if "{run_key}" not in value:
        raise mistaken(f"`{value}` would let one result overwrite another.", "Add `{run_key}/`.")
    return _inside(value)


class Results(Part):
    """Where results go and in which form."""

    uri: str = Field(pattern=r"^(s3://[^/ ]+(/.*)?|file:///.+)$")
    prefix: Annotated[str, AfterValidator(_placeholders)] = "{study}/{subject}/{visit}/{pipeline}/{run_key}/"
    formats: tuple[Literal["parquet", "csv"], ...] = Field(("parquet", "csv"), min_length=1)
    tables: tuple[Literal["file_qc", "day", "night", "bout", "subject_visit", "exclusions", "dictionary"], ...] = Field(
        ("file_qc", "day", "night", "bout", "subject_visit", "exclusions", "dictionary"), min_length=1
    )
    keep_superseded: bool = True
