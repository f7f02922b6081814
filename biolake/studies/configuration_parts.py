"""The parts of a study's configuration that say where files are and what they must be like.

Metadata columns and pipelines are in `configuration_pipelines` and `configuration_metadata`; the whole is
`configuration`. A description here is what the published JSON Schema and docs/studies.md say.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from biolake.errors import BiolakeError
from biolake.studies.patterns import NamePattern, compiled, glob_expression
from biolake.studies.timezones import timezone_name

NAME = r"^[a-z][a-z0-9_]{0,39}$"


def mistaken(message: str, remedy: str = "") -> PydanticCustomError:
    """Return the error that a validator raises so that message and remedy reach the study's manager apart."""
    return PydanticCustomError("mistake", "{message} {remedy}", {"message": message, "remedy": remedy})


def _checked(check: object) -> AfterValidator:
    def validate(value: str) -> str:
        try:
            check(value)  # type: ignore[operator]
        except BiolakeError as error:
            raise mistaken(str(error)) from error
        return value

    return AfterValidator(validate)


def _iso_date(value: object) -> object:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise mistaken(f"`{value}` is no date.", "Write it as 2023-01-31.") from error
    return value


def _prefix(value: str) -> str:
    if value.startswith("/") or ".." in value.split("/"):
        raise mistaken(
            f"`{value}` does not lie under the source's address.", "Write a folder under it, as `incoming/`."
        )
    return value if value == "" or value.endswith("/") else value + "/"


Regex = Annotated[str, Field(max_length=2000), _checked(compiled)]
Glob = Annotated[str, Field(min_length=1, max_length=500), _checked(glob_expression)]
Timezone = Annotated[str, _checked(timezone_name)]
Prefix = Annotated[str, AfterValidator(_prefix)]
IsoDate = Annotated[date, BeforeValidator(_iso_date)]
Name = Annotated[str, Field(pattern=NAME)]


class Part(BaseModel):
    """A part of a configuration: no key but those listed, nothing changed after it is read."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class StudyHeading(Part):
    """Which study this is."""

    id: str = Field(
        pattern=r"^[A-Z0-9][A-Z0-9_-]{2,39}$", description="Unique in the deployment: capitals, digits, `-` and `_`"
    )
    title: str = Field(min_length=1, max_length=200, description="One line for lists and reports")
    status: Literal["active", "locked"] = Field("active", description="`locked`: files are listed, none is processed")
    timezone_default: Timezone = Field(description="IANA name of the time zone where nothing else says one")
    expected_subjects: int | None = Field(None, ge=1, description="Planned enrolment, for the report")


class Source(Part):
    """A bucket or folder that holds the study's files."""

    name: Name = Field(description="What the rest of the document calls it")
    uri: str = Field(
        pattern=r"^(s3://[^/ ]+(/.*)?|file:///.+)$", description="`s3://bucket/folder` or `file:///folder`"
    )
    prefixes: tuple[Prefix, ...] = Field(("",), min_length=1, description="Folders under it that are looked through")
    settle_seconds: float = Field(120, ge=0, le=86_400, description="A file must be unchanged this long to be taken")
    ignore: tuple[Glob, ...] = Field((), description="Globs of files that are passed over")


class DeviceRules(Part):
    """What a file's own header must say."""

    expect: Literal["axivity", "geneactiv", "actigraph", "empatica", "apdm", "csv", "npz"] = Field(
        description="Kind of device or of file"
    )
    sampling_hz: tuple[float, float] | None = Field(None, description="Lowest and highest sampling rate")
    header_checks: dict[str, str] = Field(
        default_factory=dict, description="Group of the file name: field of the header that must say the same"
    )
    on_mismatch: Literal["quarantine", "flag"] = Field("quarantine", description="What a differing header leads to")


class ClockRules(Part):
    """How the device's clock is to be read and what it may say."""

    kind: Literal["device_local", "utc"] = Field("device_local", description="What the file's times mean")
    min_date: IsoDate | None = Field(None, description="No recording starts before this day")
    max_skew_from_filename_date_days: float | None = Field(
        None, ge=0, description="How far the start may be from the `date` in the file's name"
    )


class RecordingLimits(Part):
    """What a recording may be like and still be processed."""

    min_hours: float = Field(0, ge=0, description="Shorter ones are processed and flagged `too_short`")
    max_hours: float = Field(24 * 365, gt=0, description="Longer ones are a `clock_error`")
    max_gap_seconds: float | None = Field(None, ge=0, description="A longer gap is a `clock_error`")
    max_bad_block_fraction: float = Field(0, ge=0, le=1, description="More damage than this is `corrupted`")
    quiet_hours: float = Field(
        0, ge=0, description="With `concatenate`: hours without a further file until the recording is complete"
    )


class FileType(Part):
    """One kind of recording file: how it is found, named, checked and processed."""

    name: Name
    source: Name = Field(description="Name of the source it is in")
    pattern: Glob = Field(description="Glob of its path under a prefix; `*` stays within a folder, `**` does not")
    filename_regex: Regex = Field(
        description="Regular expression with named groups for the file's name, or its path if it holds a `/`"
    )
    identity: tuple[str, ...] = Field(min_length=1, description="Groups that together make a recording")
    on_duplicate: Literal["quarantine_both", "newest", "concatenate"] = Field(
        "quarantine_both", description="What two files of one identity are"
    )
    on_overlap: Literal["process", "quarantine"] = Field(
        "process", description="What becomes of recordings of one subject that share time"
    )
    device: DeviceRules
    clock: ClockRules = ClockRules()  # type: ignore[call-arg]
    recording: RecordingLimits = RecordingLimits()  # type: ignore[call-arg]
    pipelines: tuple[Name, ...] = Field(min_length=1, description="Pipelines every recording of this type is given to")

    @property
    def name_pattern(self) -> NamePattern:
        """The pattern for names, ready to read them."""
        return NamePattern(self.filename_regex)
