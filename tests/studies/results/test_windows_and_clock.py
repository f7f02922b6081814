"""Days are the participant's, whatever the clock does; the time of a sample is right, whatever is missing."""

from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolake.studies.processing.worker.overview import keep_overview
from biolake.studies.results.clock import Span, read_clock, seconds_within
from biolake.studies.results.windows import windows

ZONES = ("Europe/London", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Cairo", "UTC")


def span(zone: str, start: str, end: str) -> Span:
    place = ZoneInfo(zone)
    return Span(*(datetime.fromisoformat(text).replace(tzinfo=place).timestamp() for text in (start, end)))


@pytest.mark.parametrize(
    ("zone", "start", "end", "expected"),
    [
        ("Europe/London", "2023-03-25", "2023-03-28", [24, 23, 24]),
        ("Europe/London", "2023-10-28", "2023-10-31", [24, 25, 24]),
        ("America/New_York", "2024-03-09", "2024-03-12", [24, 23, 24]),
        ("Australia/Lord_Howe", "2024-04-06", "2024-04-09", [24, 24.5, 24]),
        ("Africa/Cairo", "2024-04-25", "2024-04-28", [24, 23, 24]),
        ("Asia/Kathmandu", "2024-03-30", "2024-04-01", [24, 24]),
    ],
)
def test_days_are_as_long_as_the_wall_clock_makes_them(zone, start, end, expected):
    found = windows(span(zone, start, end), zone, 0, 24)
    assert [window.hours for window in found] == expected
    assert found[0].day == date.fromisoformat(start)


def test_a_night_across_the_change_of_clocks_has_an_hour_less():
    (night,) = windows(span("Europe/London", "2023-03-25T12:00", "2023-03-26T12:00"), "Europe/London", 12, 24)
    assert (night.day, night.hours) == (date(2023, 3, 25), 23)
    assert night.is_weekend_night


def test_a_recording_in_another_zone_has_other_days():
    utc = span("UTC", "2024-05-06T02:00", "2024-05-06T06:00")
    assert [window.day.day for window in windows(utc, "America/New_York", 0, 24)] == [5, 6]
    assert [window.day.day for window in windows(utc, "Europe/London", 0, 24)] == [6]


@given(
    zone=st.sampled_from(ZONES),
    start=st.integers(1_600_000_000, 1_800_000_000),
    hours=st.floats(0.1, 400),
    base=st.integers(0, 23),
)
def test_windows_of_24_hours_cover_a_recording_without_overlap(zone, start, hours, base):
    recording = Span(float(start), start + hours * 3600)
    found = windows(recording, zone, base, 24)
    assert abs(sum(window.recorded.seconds for window in found) - recording.seconds) <= 31
    for one, other in pairwise(found):
        assert one.whole.end == other.whole.start
        assert one.day < other.day
    for window in found:
        assert 22.4 <= window.hours <= 25.6
        assert window.first == (window is found[0])
        assert window.last == (window is found[-1])


def signal(gaps: list[tuple[int, float]], count: int = 60_000, hertz: float = 20.0):
    time = 1.7e9 + np.arange(count) / hertz
    for sample, seconds in gaps:
        time[sample:] += seconds
    rng = np.random.default_rng(1)
    return {"time": time, "accel": rng.normal(0, 0.1, (count, 3)) + np.array([0, 0, 1.0])}


@given(gaps=st.lists(st.tuples(st.integers(2, 59_000), st.floats(2.1, 90_000)), max_size=5))
def test_the_time_of_every_sample_is_known_across_gaps(tmp_path_factory, gaps):
    folder = tmp_path_factory.mktemp("overview")
    arrays = signal(gaps)
    keep_overview(arrays, str(folder))
    clock = read_clock(folder, {})
    assert clock is not None
    wanted = np.array([0, 1, 30_000, *(sample + step for sample, _ in gaps for step in (-1, 0, 1)), 59_999])
    assert np.allclose(clock.at(wanted), arrays["time"][wanted], atol=1e-3, rtol=0)
    recorded = sum(part.seconds for part in clock.recorded)
    # Samples at both sides of a gap are two neighbours further apart: their own twentieth of a second counts to it.
    assert recorded == pytest.approx(59_999 / 20, abs=0.05 * (len(gaps) + 1))
    assert sum(part.seconds for part in clock.spans(np.array([[0, 59_999]]))) == pytest.approx(recorded, abs=1e-3)


def test_minutes_of_movement_tell_rest_from_walking(tmp_path: Path):
    arrays = signal([])
    arrays["accel"][12_000:24_000, 2] += 0.5 * np.sin(np.arange(12_000))
    arrays["accel"][36_000:48_000] = [0, 0, 1.0]
    keep_overview(arrays, str(tmp_path))
    clock = read_clock(tmp_path, {})
    assert clock is not None
    assert len(clock.movement) == 50
    assert clock.movement[10:20].min() > 0.3 > 0.15 > clock.movement[:10].max()
    assert clock.movement[30:40].max() == 0
    assert clock.minutes[10] == pytest.approx(1.7e9 + 600)


def test_without_an_overview_the_clock_runs_evenly_from_first_to_last():
    clock = read_clock(None, {"samples": 101, "first": 1000.0, "last": 1100.0})
    assert clock is not None
    assert clock.at(np.array([50]))[0] == 1050
    assert read_clock(None, {}) is None


def test_only_the_part_inside_a_window_counts():
    assert seconds_within([Span(0, 10), Span(20, 30)], Span(5, 25)) == 10
