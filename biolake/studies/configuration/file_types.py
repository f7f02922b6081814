"""The parts of a study's configuration that say where files are and what they must be like.

Metadata columns and pipelines are in `metadata` and `pipelines`; the whole is `study`. A description here is what the
published JSON Schema and docs/studies.md say.
"""

from typing import Literal

from pydantic import Field

from biolake.studies.configuration.part import Glob, IsoDate, Name, Part, Prefix, Regex
from biolake.studies.configuration.patterns import NamePattern


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
