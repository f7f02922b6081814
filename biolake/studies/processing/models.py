"""What processing is asked for and what it answers; nothing here runs anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from biolake.studies.devices.models import RecordingFormat, Scan
from biolake.studies.states import State

_ADDRESS_SPACE = 1.5


@dataclass(frozen=True)
class RecordingLimits:
    """What a study accepts of a recording; None stands for any.

    Attributes:
        min_hours: A shorter recording is not given to SKDH; it has an outcome with the code `too_short`.
        max_hours: A longer one is a clock error.
        max_gap_seconds: A longer gap is a clock error.
        max_bad_block_fraction: With more damaged or missing blocks it is corrupted; with fewer it is processed and the
            fault is a code of its outcome.
        min_date: A recording that starts earlier is a clock error.
    """

    min_hours: float | None = None
    max_hours: float | None = None
    max_gap_seconds: float | None = None
    max_bad_block_fraction: float = 0.01
    min_date: datetime | None = None


@dataclass(frozen=True)
class Limits:
    """What one recording may cost.

    Attributes:
        bytes_per_sample: Memory at the peak.
        base_bytes: Memory that does not depend on the recording.
        headroom_bytes: Address space beyond one and a half times the memory: what malloc keeps, what is mapped unused.
        seconds_per_mb: Wall time for each megabyte of its files.
        min_seconds: Wall time that every recording has.
        written_bytes: The largest file that its process may write.
        retries: How often a crashed process is started again.
        recording: What the study accepts.
    """

    bytes_per_sample: float = 140.0
    base_bytes: int = 512 * 1024**2
    headroom_bytes: int = 1024**3
    seconds_per_mb: float = 1.0
    min_seconds: float = 300.0
    written_bytes: int = 16 * 1024**3
    retries: int = 1
    recording: RecordingLimits = RecordingLimits()

    def memory_bytes(self, samples: int) -> int:
        """Return the memory that a recording of `samples` is planned with."""
        return self.base_bytes + int(self.bytes_per_sample * samples)

    def address_space_bytes(self, samples: int) -> int:
        """Return the address space that a recording of `samples` may take; asking for more ends it."""
        return int(self.memory_bytes(samples) * _ADDRESS_SPACE) + self.headroom_bytes

    def wall_seconds(self, size_bytes: int) -> float:
        """Return the wall time that files of `size_bytes` have."""
        return max(self.min_seconds, self.seconds_per_mb * size_bytes / 1e6)


@dataclass(frozen=True)
class ProcessingTask:
    """One recording, one pipeline.

    Attributes:
        key: What the caller calls it.
        files: The recording's files; many small ones are read by one process into one recording.
        pipeline: A saved SKDH pipeline, checked before.
        output: Folder for what comes out; made, and emptied of an earlier run.
        arguments: What the pipeline's run is told besides the file: `tz_name`, `height` [m], trim times.
        scans: What the pre-scan found in each file; looked at anew where empty.
        clock: What times without a zone in a table mean: the time zone's wall clock (`device_local`), or `utc`.
        keep_raw: Keep the signals that were read too, for comparison; about 60 bytes per sample.
    """

    key: str
    files: tuple[Path, ...]
    pipeline: Path
    output: Path
    arguments: Mapping[str, str | float | int] = field(default_factory=dict)
    scans: tuple[Scan, ...] = ()
    clock: str = "device_local"
    keep_raw: bool = False

    @property
    def samples(self) -> int:
        """Samples that the scans promise."""
        return sum(scan.n_samples_expected for scan in self.scans)

    @property
    def size_bytes(self) -> int:
        """Size of all files."""
        return sum(scan.size_bytes for scan in self.scans)

    @property
    def format(self) -> RecordingFormat:
        """The format of the first file; the checks before processing refuse a mixture."""
        return self.scans[0].format if self.scans else RecordingFormat.UNKNOWN


class Crash(StrEnum):
    """How a process ended that did not end by itself."""

    SIGNAL = "signal"
    """Killed by a fault of its own code: a wrong address, a corrupted heap."""
    EXIT = "exit"
    """Code that is not Python's ended the process without an exception."""
    OOM = "oom"
    """It asked for more memory than it was given, or the machine had none left."""
    TIMEOUT = "timeout"
    """It ran longer than it was given."""
    RUNTIME = "runtime"
    """The runtime's parent process died under it."""


@dataclass(frozen=True)
class StepRun:
    """How one step of the pipeline ran; `calibrated` says of the calibration whether it changed anything."""

    name: str
    process: str
    seconds: float
    cpu_seconds: float
    calibrated: bool | None = None


@dataclass(frozen=True)
class Warned:
    """A warning that SKDH gave while it ran, each once."""

    category: str
    message: str


@dataclass(frozen=True)
class Cost:
    """What a process used."""

    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0


@dataclass(frozen=True)
class Outcome:
    """What became of a recording.

    Attributes:
        key: The task's.
        state: `PROCESSED`; `WRONG_FORMAT`, `CORRUPTED` or `CLOCK_ERROR` where the checks before or after reading refuse
            it; `CRASHED` where every attempt crashed; `FAILED` where SKDH raised an error.
        reason: One sentence for the study manager, empty where all went well.
        qc_codes: What the reader of a result must know: `too_short`, `never_worn`, `calibration_not_done`, `no_night`,
            `no_gait`, `rest_not_1g`, `time_steps_back`, `mended`, and the codes of faults below the study's limits.
        crash: How the last attempt crashed.
        signal: The signal's number where one ended the last attempt.
        attempts: How often a process was started.
        output: Folder with the results; see `biolake.studies.processing.results`.
        scans: What the pre-scan found.
        read: What the reader's arrays showed: samples, first, last, rest_g and others; empty where nothing was read.
        read_by: What has read the file.
        mended: What was done to the copy that SKDH was given instead of the file, empty where it got the file itself.
        steps: The pipeline's steps as they ran.
        warnings: What SKDH warned about.
        cost: Of the last attempt.
        started: UTC.
        ended: UTC.
        host: Where it ran.
        runtime: What the runtime said of itself: versions, BLAS kernels, patches.
        pipeline_sha256: Hash of the pipeline's file.
    """

    key: str
    state: State
    reason: str = ""
    qc_codes: tuple[str, ...] = ()
    crash: Crash | None = None
    signal: int | None = None
    attempts: int = 0
    output: Path | None = None
    scans: tuple[Scan, ...] = ()
    read: Mapping[str, Any] = field(default_factory=dict)
    read_by: str = ""
    mended: str = ""
    steps: tuple[StepRun, ...] = ()
    warnings: tuple[Warned, ...] = ()
    cost: Cost = Cost()
    started: datetime | None = None
    ended: datetime | None = None
    host: str = ""
    runtime: Mapping[str, Any] = field(default_factory=dict)
    pipeline_sha256: str = ""
