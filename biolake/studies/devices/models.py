"""What looking at a recording's bytes tells before any algorithm runs: who, when, how much, and what is broken.

The scanners that make a :class:`Scan` are in the modules named after their format; what a problem means for a study
(quarantine, flag, refuse) is decided where the study's limits are, not here.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RecordingFormat(StrEnum):
    """The formats of recordings, told by their first bytes and never by their names."""

    CWA = "cwa"
    """Axivity AX3 and AX6, continuous wave accelerometry."""
    GENEACTIV = "geneactiv_bin"
    """GENEActiv, text pages with hexadecimal samples."""
    GT3X = "gt3x"
    """ActiGraph, a zip archive with a log."""
    EMPATICA_AVRO = "empatica_avro"
    """Empatica EmbracePlus, one Avro document."""
    APDM_H5 = "apdm_h5"
    """APDM Opal, HDF5."""
    CSV = "csv"
    """Text with one sample per line."""
    NPZ = "npz"
    """NumPy arrays `time`, `accel` and others in a zip archive."""
    UNKNOWN = "unknown"
    """None of these, or one that no reader of the platform can read."""


class ProblemCode(StrEnum):
    """Every kind of fault that a scan can find."""

    WRONG_FORMAT = "wrong_format"
    """The bytes are no recording, or one of a device that cannot be read."""
    TRUNCATED = "truncated"
    """The file ends before its last block does, or before the recording that its header announces."""
    NO_DATA = "no_data"
    """A header without any sample."""
    MISSING_BLOCKS = "missing_blocks"
    """The sequence numbers of the blocks leave some out."""
    BAD_CHECKSUM = "bad_checksum"
    """Blocks whose bytes do not sum up as they should, or that are not data blocks at all."""
    SESSION_RESTART = "session_restart"
    """The sequence numbers start again: two recordings in one file."""
    BAD_SEQUENCE = "bad_sequence"
    """A block's sequence number is beyond what the file can hold."""
    BAD_PAGE_COUNT = "bad_page_count"
    """The header's count of pages is not the number of pages in the file."""
    BAD_HEADER = "bad_header"
    """A field of the header is missing or not what it should be."""
    CLOCK_BEFORE_MIN = "clock_before_min"
    """The recording starts before its kind of device existed: the clock was not set."""
    CLOCK_JUMP = "clock_jump"
    """From one block to the next the clock leaps by more than a recording can pause."""
    CLOCK_BACKWARDS = "clock_backwards"
    """A block starts before the one before it."""
    GAP = "gap"
    """Time without samples between two blocks."""


@dataclass(frozen=True)
class Problem:
    """One fault of a file.

    Attributes:
        code: Which kind.
        offset: The byte in the file where it is first seen, None where it belongs to the whole file.
        fraction: The part of the recording concerned, from 0 to 1 (of its blocks; for a gap, of its duration).
        message: A sentence for the study manager; never with free text from the file, which may hold a name.
        seconds: How long a gap or a leap of the clock is, None for other kinds.
    """

    code: ProblemCode
    offset: int | None
    fraction: float
    message: str
    seconds: float | None = None


@dataclass(frozen=True)
class Scan:
    """What a file says of itself. None stands for what this format or this file does not say.

    Attributes:
        format: Told by the first bytes.
        device_kind: `ax3`, `ax6`, `geneactiv`, `genea`, `parmay_matrix`, `actigraph`, `embraceplus`, `apdm_opal`.
        device_id: Serial number as text.
        subject: The participant's code in the header.
        location: Where the device was worn, as the header says it.
        sex: As the header says it.
        height_m: Body height in metres.
        timezone: As the header says it (`GMT +01:00`), or the offset of the device's clock.
        start: First sample by the device's own clock, naive unless the format stores UTC.
        end: One sample after the last, same clock.
        sampling_hz: Nominal samples per second.
        n_samples_expected: Samples the file's size and blocks promise.
        bad_block_fraction: Part of the blocks that are damaged or missing, from 0 to 1.
        problems: Everything wrong, most serious kinds first come first.
        size_bytes: Size of the file.
        handedness: As the header says it.
        age_years: As the header says it.
        visit: What the header says of the visit, session or study.
        site: The site's code in the header.
    """

    format: RecordingFormat
    device_kind: str | None = None
    device_id: str | None = None
    subject: str | None = None
    location: str | None = None
    sex: str | None = None
    height_m: float | None = None
    timezone: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    sampling_hz: float | None = None
    n_samples_expected: int = 0
    bad_block_fraction: float = 0.0
    problems: tuple[Problem, ...] = ()
    size_bytes: int = 0
    handedness: str | None = None
    age_years: float | None = None
    visit: str | None = None
    site: str | None = None

    @property
    def hours(self) -> float | None:
        """Duration by the device's clock."""
        if self.start is None or self.end is None:
            return None
        return (self.end - self.start).total_seconds() / 3600

    def problem(self, code: ProblemCode) -> Problem | None:
        """Return the first problem of this kind."""
        return next((problem for problem in self.problems if problem.code is code), None)
