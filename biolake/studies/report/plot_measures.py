"""One measure over a study: a dot for every visit, the median marked."""

from collections.abc import Sequence
from statistics import median

from biolake.studies.report.svg import GRID, INK, MUTED, Picture, ticks

_WIDTH, _HEIGHT, _LEFT, _RIGHT = 430.0, 96.0, 14.0, 14.0


def strip(title: str, unit: str, values: Sequence[tuple[str, float]], color: str, digits: int = 1) -> str:
    """Return dots along a line.

    Args:
        title: What is measured.
        unit: Of the values.
        values: Label and value of each visit.
        color: Of the dots.
        digits: After the decimal point.
    """
    numbers = [value for _, value in values]
    middle = median(numbers) if numbers else None
    told = f"{len(numbers)} visits" + (f", median {middle:,.{digits}f} {unit}" if middle is not None else "")
    picture = Picture(_WIDTH, _HEIGHT, title, told)
    picture.text(_LEFT, 16, title, size=13, bold=True)
    if middle is None:
        picture.text(_LEFT, 50, "No visit has enough days yet.", color=MUTED)
        return picture.svg()
    lowest = min(0.0, min(numbers))
    # Hours are of a day, and a scale that goes on beyond it would mislead.
    hours = unit == "h" and 12 < max(numbers) <= 24 and lowest == 0
    marks = [0.0, 6.0, 12.0, 18.0, 24.0] if hours else ticks(max(numbers) - lowest, 4)
    width = _WIDTH - _LEFT - _RIGHT

    def x(value: float) -> float:
        return _LEFT + width * (value - lowest) / marks[-1]

    for mark in marks:
        picture.line(x(mark + lowest), 28, x(mark + lowest), 72, GRID)
        anchor = "start" if mark == marks[0] else "end" if mark == marks[-1] else "middle"
        picture.text(x(mark + lowest), 88, f"{mark + lowest:g}", size=11, color=MUTED, anchor=anchor)
    for number, (label, value) in enumerate(values):
        # Spread by their place in the list, so that equal values are seen as several.
        y = 50 + ((number * 7) % 5 - 2) * 6
        picture.circle(x(value), y, 4.5, color, tip=f"{label}: {value:,.{digits}f} {unit}", opacity=0.7)
    picture.line(x(middle), 26, x(middle), 74, INK, 2)
    picture.text(_WIDTH - _RIGHT, 16, f"median {middle:,.{digits}f} {unit}", size=12, color=MUTED, anchor="end")
    return picture.svg()
