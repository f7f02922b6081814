"""A study's limits decide what of a scan is refused, what is only told, and what nobody minds."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from biolake.studies.devices.models import Problem, ProblemCode, RecordingFormat, Scan
from biolake.studies.processing.checks import check_before
from biolake.studies.processing.models import RecordingLimits
from biolake.studies.states import State

START = datetime(2024, 3, 4, 10)
WEEK = Scan(RecordingFormat.CWA, start=START, end=START + timedelta(days=7), n_samples_expected=60_480_000)
STUDY = RecordingLimits(
    min_hours=24, max_hours=720, max_gap_seconds=60, max_bad_block_fraction=0.01, min_date=datetime(2023, 1, 1)
)


def with_problem(code: ProblemCode, fraction: float = 0.001, seconds: float | None = None) -> Scan:
    problem = Problem(code, 1024, fraction, "what is wrong", seconds)
    return replace(WEEK, problems=(problem,), bad_block_fraction=fraction)


def test_whole_week_is_ready() -> None:
    verdict = check_before((WEEK,), STUDY)

    assert (verdict.state, verdict.qc_codes, verdict.too_short) == (State.READY, (), False)


@pytest.mark.parametrize(
    "code",
    [
        ProblemCode.TRUNCATED,
        ProblemCode.MISSING_BLOCKS,
        ProblemCode.BAD_CHECKSUM,
        ProblemCode.BAD_PAGE_COUNT,
        ProblemCode.BAD_SEQUENCE,
        ProblemCode.SESSION_RESTART,
    ],
)
def test_fraction_decides_over_damage(code: ProblemCode) -> None:
    below, above = (check_before((with_problem(code, fraction),), STUDY) for fraction in (0.009, 0.011))

    assert (below.state, below.qc_codes) == (State.READY, (code.value,))
    assert (above.state, above.reason) == (State.CORRUPTED, "what is wrong")


@pytest.mark.parametrize("code", [ProblemCode.CLOCK_BEFORE_MIN, ProblemCode.CLOCK_JUMP, ProblemCode.CLOCK_BACKWARDS])
def test_wrong_clock_is_never_accepted(code: ProblemCode) -> None:
    assert check_before((with_problem(code),), STUDY).state is State.CLOCK_ERROR


def test_length_decides_over_gaps() -> None:
    short, long = (check_before((with_problem(ProblemCode.GAP, seconds=n),), STUDY) for n in (59, 61))

    assert (short.state, short.qc_codes) == (State.READY, ("gap",))
    assert long.state is State.CLOCK_ERROR


def test_start_before_the_study_is_a_clock_error() -> None:
    early = replace(WEEK, start=datetime(2022, 12, 31), end=datetime(2023, 1, 7))

    assert check_before((early,), STUDY).state is State.CLOCK_ERROR


def test_short_recording_is_told_and_long_one_refused() -> None:
    short = check_before((replace(WEEK, end=START + timedelta(hours=23)),), STUDY)
    long = check_before((replace(WEEK, end=START + timedelta(hours=721)),), STUDY)

    assert (short.state, short.too_short, short.qc_codes) == (State.READY, True, ("too_short",))
    assert long.state is State.CLOCK_ERROR


def test_every_kind_of_problem_has_a_rule() -> None:
    for code in ProblemCode:
        assert check_before((with_problem(code),), STUDY).state in (
            State.READY,
            State.WRONG_FORMAT,
            State.CORRUPTED,
            State.CLOCK_ERROR,
        )


def half_hours(*begin: float) -> tuple[Scan, ...]:
    return tuple(
        Scan(
            RecordingFormat.EMPATICA_AVRO,
            start=START + timedelta(hours=hour),
            end=START + timedelta(hours=hour + 0.5),
            n_samples_expected=115_200,
        )
        for hour in begin
    )


def test_files_of_one_recording() -> None:
    limits = RecordingLimits()

    assert check_before(half_hours(0, 0.5, 1.0), limits).qc_codes == ()
    assert check_before(half_hours(0.5, 0, 2.0), limits).qc_codes == ("gap_between_files",)
    assert check_before(half_hours(0, 0.4), limits).state is State.CLOCK_ERROR
    assert check_before((*half_hours(0), WEEK), limits).state is State.WRONG_FORMAT
    assert check_before((), limits).state is State.WRONG_FORMAT
