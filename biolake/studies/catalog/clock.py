"""What a recording's clock means for a study: impossible times, gaps, lengths, and recordings that share time.

A device's clock is naive local time where its format stores no zone. Times are compared in UTC, by the study's zone.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from biolake.studies.configuration.file_types import FileType
from biolake.studies.devices.models import ProblemCode, Scan
from biolake.studies.facts import FileFacts, Verdict
from biolake.studies.states import State

_CLOCK = (ProblemCode.CLOCK_BEFORE_MIN, ProblemCode.CLOCK_JUMP, ProblemCode.CLOCK_BACKWARDS)
_ELSEWHERE = timedelta(hours=26)
"""How far local times on earth lie apart at most: a participant may travel."""
_SHARED = timedelta(seconds=60)
"""Two recordings that share less do not count as overlapping; device clocks drift."""


def in_utc(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return a device's time in UTC; a naive one is taken to be the zone's local time."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def clock_error(file_type: FileType, file: FileFacts, scan: Scan, zone: ZoneInfo) -> Verdict | None:
    """Return a verdict where the clock says what cannot be, or pauses for longer than the file type allows."""
    for problem in scan.problems:
        if problem.code in _CLOCK:
            return Verdict(State.CLOCK_ERROR, f"{problem.code.value}: {problem.message.rstrip('.')}.")
    limit = file_type.recording.max_gap_seconds
    gaps = [problem.seconds or 0.0 for problem in scan.problems if problem.code is ProblemCode.GAP]
    if limit is not None and gaps and max(gaps) > limit:
        return Verdict(State.CLOCK_ERROR, f"A gap of {max(gaps):,.0f} s, allowed are {limit:,.0f} s.")
    if scan.start is None or scan.end is None:
        return None
    rules = file_type.clock
    if rules.min_date is not None and scan.start.date() < rules.min_date:
        return Verdict(State.CLOCK_ERROR, f"It starts on {scan.start.date()}, before {rules.min_date}.")
    hours = (scan.end - scan.start).total_seconds() / 3600
    if hours > file_type.recording.max_hours:
        reason = f"It spans {hours:,.1f} h, allowed are {file_type.recording.max_hours:,g} h."
        return Verdict(State.CLOCK_ERROR, reason)
    end = in_utc(scan.end, ZoneInfo("UTC") if rules.kind == "utc" else zone)
    slack = timedelta(hours=1) if scan.end.tzinfo or rules.kind == "utc" else _ELSEWHERE
    if end - slack > file.modified:
        return Verdict(
            State.CLOCK_ERROR, f"It ends {scan.end:%Y-%m-%d %H:%M}, after its upload {file.modified:%Y-%m-%d}."
        )
    days, said = rules.max_skew_from_filename_date_days, _date(file.groups.get("date"))
    if days is not None and said is not None and abs((scan.start.date() - said).days) > days:
        return Verdict(State.CLOCK_ERROR, f"It starts on {scan.start.date()}, and its name says {said}.")
    return None


def time_flags(file_type: FileType, file: FileFacts, scan: Scan) -> tuple[str, ...]:
    """Return the QC codes for what is unusual about the times but no error."""
    flags: list[str] = []
    hours = scan.hours
    if hours is not None and hours < file_type.recording.min_hours:
        flags.append("too_short")
    if scan.problem(ProblemCode.GAP) is not None:
        flags.append("gap")
    if file_type.clock.max_skew_from_filename_date_days is not None and _date(file.groups.get("date")) is None:
        flags.append("name_date_unreadable")
    return tuple(flags)


def _date(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def overlapping(files: Iterable[FileFacts], file_types: Mapping[str, FileType]) -> dict[int, str]:
    """Return, by file, the key of another recording of the same subject and file type that shares time with it."""
    by_subject: dict[tuple[str, str], list[tuple[datetime, datetime, FileFacts]]] = defaultdict(list)
    for file in files:
        scan = file.scan
        if file.file_type in file_types and scan is not None and scan.start is not None and scan.end is not None:
            place = file.groups.get("location", "")
            start, end = (moment.replace(tzinfo=None) for moment in (scan.start, scan.end))
            by_subject[(f"{file.file_type}/{place}", file.subject)].append((start, end, file))
    shared: dict[int, str] = {}
    for recordings in by_subject.values():
        recordings.sort(key=lambda entry: (entry[0], entry[1], entry[2].key))
        latest: tuple[datetime, datetime, FileFacts] | None = None
        for entry in recordings:
            if latest is not None and latest[1] - entry[0] > _SHARED and latest[2].recording != entry[2].recording:
                shared.setdefault(entry[2].file_id, latest[2].key)
                shared.setdefault(latest[2].file_id, entry[2].key)
            if latest is None or entry[1] > latest[1]:
                latest = entry
    return shared
