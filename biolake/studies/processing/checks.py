"""Judging a recording by the study's limits: before SKDH sees it, and after, by what it read and found.

What is in the file is found by `biolake.studies.devices`, what was read by `worker/quality.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from biolake.studies.devices.clock import SHORTEST_GAP_SECONDS
from biolake.studies.devices.models import Problem, ProblemCode, RecordingFormat, Scan
from biolake.studies.processing.models import RecordingLimits, StepRun
from biolake.studies.processing.results import Results
from biolake.studies.states import State

REST_TOLERANCE_G = 0.15
"""A device at rest shows 1 g; uncalibrated ones are off by a few hundredths, another unit is off by far more."""

_BLOCKS = frozenset(
    {
        ProblemCode.TRUNCATED,
        ProblemCode.MISSING_BLOCKS,
        ProblemCode.BAD_CHECKSUM,
        ProblemCode.BAD_SEQUENCE,
        ProblemCode.BAD_PAGE_COUNT,
        ProblemCode.SESSION_RESTART,
    }
)
_CLOCK = frozenset({ProblemCode.CLOCK_BEFORE_MIN, ProblemCode.CLOCK_JUMP, ProblemCode.CLOCK_BACKWARDS})
_AFTER_READING = {
    "time_backwards": State.CLOCK_ERROR,
    "no_samples": State.CORRUPTED,
    "lengths_differ": State.CORRUPTED,
    "undated_samples": State.CORRUPTED,
    "samples_differ": State.CORRUPTED,
}


@dataclass(frozen=True)
class Verdict:
    """Whether a recording may be processed.

    Attributes:
        state: `READY`, or the state in which it is refused.
        reason: Why it is refused.
        qc_codes: Faults below the limits, which every row of its results carries.
        too_short: It is shorter than the study wants; nothing is computed, and its row says so.
    """

    state: State
    reason: str = ""
    qc_codes: tuple[str, ...] = ()
    too_short: bool = False


def check_before(scans: tuple[Scan, ...], limits: RecordingLimits) -> Verdict:
    """Judge the files of one recording by what the pre-scan found in them."""
    if not scans:
        return Verdict(State.WRONG_FORMAT, "the recording has no file")
    formats = {scan.format for scan in scans}
    if len(formats) > 1:
        return Verdict(State.WRONG_FORMAT, f"files of different formats: {', '.join(sorted(formats))}")
    codes: list[str] = []
    for scan in scans:
        verdict = _check_file(scan, limits)
        if verdict.state is not State.READY:
            return verdict
        codes.extend(verdict.qc_codes)
    between = _check_between(scans)
    if between.state is not State.READY:
        return between
    codes.extend(between.qc_codes)
    hours = sum(scan.hours or 0.0 for scan in scans)
    known = all(scan.hours is not None for scan in scans)
    if known and limits.max_hours is not None and hours > limits.max_hours:
        return Verdict(State.CLOCK_ERROR, f"the recording lasts {hours:.1f} h, more than {limits.max_hours:g} h")
    too_short = known and limits.min_hours is not None and hours < limits.min_hours
    if too_short:
        codes.append("too_short")
    return Verdict(State.READY, qc_codes=tuple(dict.fromkeys(codes)), too_short=too_short)


def _check_between(scans: tuple[Scan, ...]) -> Verdict:
    """Judge how the files of one recording follow each other; SKDH's reader of several fills what lies between."""
    spans = sorted((scan.start, scan.end) for scan in scans if scan.start is not None and scan.end is not None)
    codes: list[str] = []
    for (_, end), (start, _) in pairwise(spans):
        seconds = (start - end).total_seconds()
        if seconds < -SHORTEST_GAP_SECONDS:
            text = f"two files of the recording overlap by {-seconds:.1f} s at {start:%Y-%m-%d %H:%M:%S}"
            return Verdict(State.CLOCK_ERROR, text)
        if seconds > SHORTEST_GAP_SECONDS:
            codes.append("gap_between_files")
    return Verdict(State.READY, qc_codes=tuple(codes))


def _check_file(scan: Scan, limits: RecordingLimits) -> Verdict:
    if scan.format is RecordingFormat.UNKNOWN:
        return Verdict(State.WRONG_FORMAT, scan.problems[0].message if scan.problems else "an unknown format")
    codes: list[str] = []
    for problem in scan.problems:
        refused = _refuses(problem, scan, limits)
        if refused is not None:
            return Verdict(refused, problem.message)
        codes.append(problem.code.value)
    if limits.min_date is not None and scan.start is not None and scan.start < limits.min_date:
        text = f"the recording starts at {scan.start:%Y-%m-%d %H:%M}, before {limits.min_date:%Y-%m-%d}"
        return Verdict(State.CLOCK_ERROR, text)
    return Verdict(State.READY, qc_codes=tuple(codes))


def _refuses(problem: Problem, scan: Scan, limits: RecordingLimits) -> State | None:
    if problem.code is ProblemCode.WRONG_FORMAT:
        return State.WRONG_FORMAT
    if problem.code in (ProblemCode.NO_DATA, ProblemCode.BAD_HEADER):
        return State.CORRUPTED
    if problem.code in _CLOCK:
        return State.CLOCK_ERROR
    if problem.code is ProblemCode.GAP:
        too_long = limits.max_gap_seconds is not None and (problem.seconds or 0.0) > limits.max_gap_seconds
        return State.CLOCK_ERROR if too_long else None
    if problem.code in _BLOCKS:
        worst = max(problem.fraction, scan.bad_block_fraction)
        return State.CORRUPTED if worst > limits.max_bad_block_fraction else None
    raise AssertionError(f"no rule for {problem.code}")


def state_after_reading(code: str) -> State:
    """Return the state of a recording that a reader read and the look at it refused."""
    return _AFTER_READING[code]


def codes_after(read: Mapping[str, Any], steps: tuple[StepRun, ...], results: Results) -> tuple[str, ...]:
    """Return the codes that a recording's results earn by what was read and what was found."""
    codes: list[str] = []
    rest = read.get("rest_g")
    if rest is not None and abs(rest - 1.0) > REST_TOLERANCE_G:
        codes.append("rest_not_1g")
    if read.get("steps_back"):
        codes.append("time_steps_back")
    if any(step.calibrated is False for step in steps):
        codes.append("calibration_not_done")
    for step in results.steps:
        if step.process.endswith("WearDetection") or step.process == "DETACH":
            if step.has("wear") and len(step.array("wear")) == 0:
                codes.append("never_worn")
        elif step.process == "Sleep":
            if not _any_known(step.column("TSO Start Timestamp") if step.has("TSO Start Timestamp") else ()):
                codes.append("no_night")
        elif step.process == "GaitLumbar" and not (step.has("Bout N") and len(step.column("Bout N"))):
            codes.append("no_gait")
    return tuple(dict.fromkeys(codes))


def _any_known(values: Any) -> bool:
    return any(not (isinstance(value, float | np.floating) and np.isnan(value)) for value in values)
