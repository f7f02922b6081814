"""A participant's days and nights: from one hour of the local clock to another, 23 or 25 hours long where it changes.

Made from the first and last sample, not from SKDH's own windows, so that they are there whatever the pipeline. Where
SKDH makes them too, both agree (tested).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from biolake.studies.results.clock import Span

_SLACK_SECONDS = 15.0
"""A recording that ends this shortly after midnight has no part in the next day; clocks drift."""


@dataclass(frozen=True)
class Window:
    """One day or night.

    Attributes:
        day: Date on which the window begins, by the local clock.
        whole: All of it, UTC seconds.
        recorded: What of it lies between the first and the last sample.
        first: Whether the recording begins in it.
        last: Whether the recording ends in it.
    """

    day: date
    whole: Span
    recorded: Span
    first: bool
    last: bool

    @property
    def hours(self) -> float:
        """Its length by the clock on the wall: 24, or 23 and 25 where the clock changes."""
        return self.whole.seconds / 3600

    @property
    def is_weekend_day(self) -> bool:
        """Whether it begins on a Saturday or Sunday."""
        return self.day.weekday() >= 5

    @property
    def is_weekend_night(self) -> bool:
        """Whether the night from it leads into a Saturday or Sunday."""
        return self.day.weekday() in (4, 5)


def windows(recording: Span, timezone: str, base: int, period: int) -> list[Window]:
    """Return the windows of `period` hours from `base` o'clock that a recording touches, by the local clock."""
    zone = ZoneInfo(timezone)
    first_day = _local(recording.start, zone).date() - timedelta(days=1)
    last_day = _local(recording.end, zone).date() + timedelta(days=1)
    found: list[tuple[date, Span]] = []
    for number in range((last_day - first_day).days + 1):
        day = first_day + timedelta(days=number)
        whole = _window(day, zone, base, period)
        if whole.overlap(recording) > _SLACK_SECONDS:
            found.append((day, whole))
    return [
        Window(
            day,
            whole,
            Span(max(whole.start, recording.start), min(whole.end, recording.end)),
            first=position == 0,
            last=position == len(found) - 1,
        )
        for position, (day, whole) in enumerate(found)
    ]


def local_text(moment: float, timezone: str) -> str:
    """Return a time as the participant's clock shows it, with its offset from UTC."""
    return _local(moment, ZoneInfo(timezone)).isoformat(timespec="seconds")


def utc(moment: float) -> datetime:
    """Return UTC seconds as a datetime."""
    return datetime.fromtimestamp(moment, UTC)


def _window(day: date, zone: ZoneInfo, base: int, period: int) -> Span:
    start = datetime(day.year, day.month, day.day, base, tzinfo=zone)
    # Hours are added on the wall's clock, so that a day of 24 ends at midnight though it lasts 23.
    end = (start.replace(tzinfo=None) + timedelta(hours=period)).replace(tzinfo=zone)
    return Span(start.timestamp(), end.timestamp())


def _local(moment: float, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(round(moment, 3), zone)


def local_date(moment: float, timezone: str) -> date:
    """Return the date of a time by the participant's clock."""
    return _local(moment, ZoneInfo(timezone)).date()
