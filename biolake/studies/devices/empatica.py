"""Scanning Empatica EmbracePlus .avro: who, when and how many samples of acceleration, without decoding them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from biolake.studies.devices.avro import SkippedArray, UnreadableAvro, first_record
from biolake.studies.devices.clock import EARLIEST, moment
from biolake.studies.devices.models import Problem, ProblemCode, RecordingFormat, Scan

_LOWEST_HZ, _HIGHEST_HZ = 1.0, 10_000.0


def scan_empatica(path: Path) -> Scan:
    """Scan an Empatica document."""
    size = path.stat().st_size
    try:
        name, record = first_record(path.read_bytes())
    except (UnreadableAvro, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        # A schema whose own structure is broken shows as a missing key or a wrong type while it is followed.
        problem = Problem(ProblemCode.TRUNCATED, None, 1.0, f"the Avro document cannot be followed ({error})")
        return Scan(RecordingFormat.EMPATICA_AVRO, problems=(problem,), bad_block_fraction=1.0, size_bytes=size)
    raw = _record(record, "rawData")
    acceleration = _record(raw, "accelerometer")
    if not acceleration:
        text = f"an Avro document of another kind ({name[:80]}), not of Empatica's raw data"
        problem = Problem(ProblemCode.WRONG_FORMAT, 0, 1.0, text)
        return Scan(RecordingFormat.UNKNOWN, problems=(problem,), bad_block_fraction=1.0, size_bytes=size)
    enrollment = _record(record, "enrollment")
    hertz = acceleration.get("samplingFrequency")
    start = acceleration.get("timestampStart")
    values = acceleration.get("x")
    samples = values.items if isinstance(values, SkippedArray) else 0
    offset = record.get("timezone")
    problems: list[Problem] = []
    if not samples:
        problems.append(Problem(ProblemCode.NO_DATA, None, 1.0, "the document has no sample of acceleration"))
    if not isinstance(hertz, float) or not _LOWEST_HZ <= hertz <= _HIGHEST_HZ:
        problems.append(Problem(ProblemCode.BAD_HEADER, None, 1.0, f"a sampling frequency of {hertz} Hz"))
        hertz = None
    first = moment(start / 1e6) if isinstance(start, int) and abs(start) < 10**17 else None
    if first is not None and first < EARLIEST:
        text = f"the recording starts at {first:%Y-%m-%d %H:%M:%S}: the clock was not set"
        problems.append(Problem(ProblemCode.CLOCK_BEFORE_MIN, None, 1.0, text))
    return Scan(
        format=RecordingFormat.EMPATICA_AVRO,
        device_kind="embraceplus",
        device_id=_text(record, "deviceSn"),
        subject=_text(enrollment, "participantID"),
        timezone=f"UTC{offset / 3600:+g}" if isinstance(offset, int) else None,
        start=first,
        end=first + timedelta(seconds=samples / hertz) if first and hertz else None,
        sampling_hz=hertz,
        n_samples_expected=samples,
        problems=tuple(problems),
        size_bytes=size,
        visit=_text(enrollment, "studyID"),
        site=_text(enrollment, "siteID"),
    )


def _record(value: Any, name: str) -> dict[str, Any]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _text(record: dict[str, Any], name: str) -> str | None:
    value = record.get(name)
    return str(value) if value not in (None, "") else None
