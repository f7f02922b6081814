"""The actogram of a recording: a row for each day of the participant's clock, movement, sleep, and time not worn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from biolake.studies.report.svg import ACTIVITY, GRID, INK, LEFT_OUT, MUTED, SLEEP, Picture

_LEFT, _TOP, _ROW, _PLOT = 118.0, 46.0, 46.0, 930.0
_HIGHEST_MG = 250.0


@dataclass(frozen=True)
class ActogramDay:
    """One row; times are hours from the day's beginning.

    Attributes:
        day: The date.
        hours: Length of the day: 23 or 25 where the clock changes.
        recorded: Stretches with samples.
        worn: Stretches of wear; None where no step detects it.
        sleep: Sleep opportunities: start, end, and whether the night counts.
        gait: Bouts of gait.
        movement: Minutes as (hour, mg).
        rules: Why the day is left out, empty where it counts.
    """

    day: date
    hours: float
    recorded: tuple[tuple[float, float], ...]
    worn: tuple[tuple[float, float], ...] | None
    sleep: tuple[tuple[float, float, bool], ...]
    gait: tuple[tuple[float, float], ...]
    movement: tuple[tuple[float, float], ...]
    rules: str


def actogram(days: Sequence[ActogramDay], title: str = "Movement, sleep and wear by day") -> str:
    """Return the actogram."""
    longest = max([24.0, *(day.hours for day in days)])
    per_hour = _PLOT / longest
    picture = Picture(_LEFT + _PLOT + 24, _TOP + len(days) * (_ROW + 6) + 24, title, f"{len(days)} days.")
    _legend(picture, any(day.gait for day in days))
    bottom = _TOP + len(days) * (_ROW + 6)
    for hour in range(0, 25, 3):
        x = _LEFT + hour * per_hour
        picture.line(x, _TOP - 4, x, bottom, GRID)
        picture.text(x, bottom + 14, f"{hour:02d}:00", size=10, color=MUTED, anchor="middle")
    for position, day in enumerate(days):
        _day(picture, day, _TOP + position * (_ROW + 6), per_hour)
    return picture.svg()


def _day(picture: Picture, day: ActogramDay, y: float, per_hour: float) -> None:
    picture.text(_LEFT - 10, y + 18, f"{day.day:%a %d %b}", anchor="end", bold=True)
    second = "left out" if day.rules else f"{day.hours:g} h day" if day.hours != 24 else ""
    picture.text(_LEFT - 10, y + 32, second, size=10, anchor="end", color=LEFT_OUT if day.rules else MUTED)
    for start, end in day.recorded:
        picture.rect(_LEFT + start * per_hour, y, (end - start) * per_hour, _ROW, "#fafbfc")
    for start, end, counts in day.sleep:
        tip = f"{day.day:%a %d %b}: sleep opportunity {_clock(start)} to {_clock(end)}"
        shade = "#e3ddf6" if counts else "#f5f2fc"
        picture.rect(_LEFT + start * per_hour, y, (end - start) * per_hour, _ROW, shade, tip=tip)
        if counts:
            picture.rect(_LEFT + start * per_hour, y + _ROW - 4, (end - start) * per_hour, 4, SLEEP)
    for start, end in _missing(day):
        tip = f"{day.day:%a %d %b}: not worn {_clock(start)} to {_clock(end)}"
        picture.hatch(_LEFT + start * per_hour, y, (end - start) * per_hour, _ROW, MUTED, tip)
    for start, end in day.gait:
        picture.rect(_LEFT + start * per_hour, y, max(1.0, (end - start) * per_hour), 4, "#2a8a6d")
    for piece in _pieces(day.movement):
        points = [(_LEFT + hour * per_hour, y + _ROW - min(1.0, mg / _HIGHEST_MG) * (_ROW - 4)) for hour, mg in piece]
        area = [(points[0][0], y + _ROW), *points, (points[-1][0], y + _ROW)]
        picture.path(area, ACTIVITY, fill=ACTIVITY, width=0.4)
    picture.line(_LEFT, y + _ROW, _LEFT + day.hours * per_hour, y + _ROW, MUTED, 0.8)


def _missing(day: ActogramDay) -> list[tuple[float, float]]:
    """Return the recorded time that was not worn."""
    if day.worn is None:
        return []
    found: list[tuple[float, float]] = []
    for start, end in day.recorded:
        at = start
        for a, b in sorted(day.worn):
            if b <= at or a >= end:
                continue
            if a > at:
                found.append((at, a))
            at = max(at, b)
        if at < end:
            found.append((at, end))
    # A last sample or a rounded second is no time off the wrist.
    return [(a, b) for a, b in found if b - a > 1 / 60]


def _pieces(movement: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """Return minutes that follow one another; over a gap no line is drawn."""
    found: list[list[tuple[float, float]]] = []
    for hour, mg in movement:
        if not found or hour - found[-1][-1][0] > 2.5 / 60:
            found.append([])
        found[-1].append((hour, mg))
    return found


def _clock(hour: float) -> str:
    minutes = round(hour * 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _legend(picture: Picture, gait: bool) -> None:
    x, y = _LEFT, 8.0
    picture.rect(x, y, 16, 11, ACTIVITY)
    picture.text(x + 22, y + 9.5, f"movement per minute, up to {_HIGHEST_MG:g} mg", size=11, color=MUTED)
    picture.rect(x + 258, y, 16, 11, "#e3ddf6")
    picture.rect(x + 258, y + 8, 16, 3, SLEEP)
    picture.text(x + 280, y + 9.5, "sleep opportunity, paler where the night is left out", size=11, color=MUTED)
    picture.hatch(x + 566, y, 16, 11, MUTED)
    picture.text(x + 588, y + 9.5, "not worn", size=11, color=MUTED)
    if gait:
        picture.rect(x + 652, y, 16, 4, "#2a8a6d")
        picture.text(x + 674, y + 9.5, "gait", size=11, color=MUTED)
    picture.text(x + _PLOT, y + 9.5, "hours since midnight, local", size=11, color=INK, anchor="end")
