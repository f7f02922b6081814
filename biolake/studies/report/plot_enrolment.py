"""Subjects with recordings over time against the number expected."""

from collections.abc import Sequence
from datetime import date, timedelta

from biolake.studies.report.svg import GRID, INK, MUTED, WEAR, Picture, ticks

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 900.0, 210.0, 46.0, 120.0, 18.0, 30.0


def enrolment(first_seen: Sequence[date], expected: int | None, until: date) -> str:
    """Return the number of subjects over time.

    Args:
        first_seen: The day of each subject's first recording.
        expected: Planned enrolment, None where the study does not say.
        until: The day on which the picture ends.
    """
    days = sorted(first_seen)
    told = f"{len(days)} subjects" + (f" of {expected} expected" if expected else "")
    picture = Picture(_WIDTH, _HEIGHT, "Subjects with recordings over time", told)
    if not days:
        picture.text(_LEFT, 60, "No recording yet.", color=MUTED)
        return picture.svg()
    end = max(until, days[-1])
    # A first day alone has no width: it is shown after a day without subjects.
    begin = days[0] if days[0] < end else end - timedelta(days=1)
    span = (end - begin).days
    marks = [mark for mark in ticks(max(len(days), expected or 0)) if mark == int(mark)]
    plot_width, plot_height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def x(day: date) -> float:
        return _LEFT + plot_width * (day - begin).days / span

    def y(count: float) -> float:
        return _TOP + plot_height * (1 - count / marks[-1])

    for mark in marks:
        picture.line(_LEFT, y(mark), _LEFT + plot_width, y(mark), GRID)
        picture.text(_LEFT - 8, y(mark) + 4, f"{mark:g}", size=11, color=MUTED, anchor="end")
    if expected:
        picture.line(_LEFT, y(expected), _LEFT + plot_width, y(expected), INK, 1.2, "5 4")
        picture.text(_LEFT + plot_width + 8, y(expected) + 4, f"{expected} expected", size=11)
    points = [(x(begin), y(0))]
    for count, day in enumerate(days, start=1):
        points += [(x(day), points[-1][1]), (x(day), y(count))]
    points.append((x(end), y(len(days))))
    picture.path([*points, (x(end), y(0))], "none", fill=WEAR[1])
    picture.path(points, WEAR[4], width=2)
    picture.text(
        x(end) + 8,
        y(len(days)) + (4 if not expected or abs(y(expected) - y(len(days))) > 14 else 18),
        f"{len(days)} with data",
        size=11,
        bold=True,
    )
    for day, anchor in ((begin, "start"), (end, "end")):
        picture.text(x(day), _HEIGHT - 10, f"{day:%d %b %Y}", size=11, color=MUTED, anchor=anchor)
    return picture.svg()
