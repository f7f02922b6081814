"""The wear-time heat map: a row for each recording, a cell for each of its days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from biolake.studies.report.svg import INK, LEFT_OUT, MUTED, NOTHING, PAPER, WEAR, Picture, shade

_CELL, _GAP, _LEFT, _TOP = 26.0, 2.0, 190.0, 44.0
_MOST_DAYS = 60


@dataclass(frozen=True)
class WornDay:
    """One day of a recording; `wear_hours` is None where no step detects wear."""

    day: date
    hours: float
    wear_hours: float | None
    window_hours: float
    weekend: bool
    rules: str


@dataclass(frozen=True)
class WornRecording:
    """One row of the map."""

    label: str
    days: tuple[WornDay, ...]


def wear_map(recordings: Sequence[WornRecording], title: str = "Wear time by recording and day") -> str:
    """Return the map: darker is more hours worn; days that do not count are hatched."""
    longest = min(_MOST_DAYS, max((len(row.days) for row in recordings), default=1))
    width = max(_LEFT + longest * (_CELL + _GAP) + 70, 560)
    picture = Picture(width, _TOP + len(recordings) * (_CELL + _GAP) + 12, title, _describe(recordings))
    _legend(picture)
    for number in range(longest):
        if number == 0 or (number + 1) % (1 if longest <= 20 else 5) == 0:
            x = _LEFT + number * (_CELL + _GAP) + _CELL / 2
            picture.text(x, _TOP - 5, number + 1, size=10, color=MUTED, anchor="middle")
    picture.text(_LEFT - 10, _TOP - 5, "day of recording", size=10, color=MUTED, anchor="end")
    for position, row in enumerate(recordings):
        y = _TOP + position * (_CELL + _GAP)
        picture.text(_LEFT - 10, y + _CELL / 2 + 4, _short(row.label), anchor="end")
        for number, day in enumerate(row.days[:_MOST_DAYS]):
            _cell(picture, _LEFT + number * (_CELL + _GAP), y, day, row.label)
        kept = sum(not day.rules for day in row.days)
        x = _LEFT + min(_MOST_DAYS, len(row.days)) * (_CELL + _GAP) + 6
        picture.text(x, y + _CELL / 2 + 4, f"{kept} of {len(row.days)}", size=11, color=MUTED)
    return picture.svg()


def _cell(picture: Picture, x: float, y: float, day: WornDay, label: str) -> None:
    worn = day.wear_hours
    told = f"{worn:.1f} h worn" if worn is not None else "wear not detected"
    why = f", left out: {day.rules}" if day.rules else ""
    tip = f"{label}, {day.day:%a %d %b %Y}: {told} of {day.hours:.1f} h recorded{why}"
    fraction = (worn if worn is not None else 0.0) / 24
    # A day that is left out is pale, or its hatching could not be seen on a dark one.
    fill = shade(fraction) if worn is not None and not day.rules else NOTHING
    picture.rect(x, y, _CELL, _CELL, fill, tip=tip, radius=3)
    if day.rules:
        picture.hatch(x, y, _CELL, _CELL, LEFT_OUT, tip=tip)
    if worn is not None:
        # On a hatched cell the number stands on paper, or it could not be read.
        if day.rules:
            picture.rect(x + 4, y + 7, _CELL - 8, _CELL - 14, PAPER, tip=tip, radius=2)
        light = fraction > 0.5 and not day.rules
        picture.text(
            x + _CELL / 2, y + _CELL / 2 + 4, round(worn), size=10, anchor="middle", color=PAPER if light else INK
        )
    if day.weekend:
        dark = fraction > 0.5 and not day.rules
        picture.rect(x + 3, y + _CELL - 3.5, _CELL - 6, 1.6, PAPER if dark else INK)


def _legend(picture: Picture) -> None:
    x = 8.0
    for number, color in enumerate(WEAR):
        picture.rect(x + number * 20, 8, 20, 11, color)
    picture.text(x + 128, 17, "0 to 24 h worn", size=11, color=MUTED)
    picture.rect(x + 230, 8, 20, 11, NOTHING)
    picture.hatch(x + 230, 8, 20, 11, LEFT_OUT)
    picture.text(x + 256, 17, "day left out", size=11, color=MUTED)
    picture.rect(x + 340, 16.4, 20, 1.8, INK)
    picture.text(x + 366, 17, "weekend; numbers are hours", size=11, color=MUTED)


def _short(label: str) -> str:
    return label if len(label) <= 28 else label[:27] + "…"


def _describe(recordings: Sequence[WornRecording]) -> str:
    days = [day for row in recordings for day in row.days]
    kept = sum(not day.rules for day in days)
    return f"{len(recordings)} recordings with {len(days)} days, of which {kept} count."
