"""Rows of `night`: one for every night that the recording touches, whether or not sleep was found in it."""

from biolake.studies.results.clock import Span
from biolake.studies.results.made import Made
from biolake.studies.results.measures.sleep import SLEEP
from biolake.studies.results.outputs import Row, measured, rows_of
from biolake.studies.results.rows_day import window_columns
from biolake.studies.results.windows import Window, local_text, utc, windows


def night_rows(made: Made) -> list[Row]:
    """Return a row per night; none where the pipeline does not look for sleep."""
    step, recorded = made.kept_step("Sleep"), made.recorded
    if step is None or recorded is None or made.results is None:
        return []
    base, period = made.recipe.windows["sleep"]
    found = {str(row["Date"]): row for row in rows_of(made.results.step(step.name), "Date")}
    return [
        {
            **window_columns(made, window, weekend=window.is_weekend_night),
            "cut": is_cut(window),
            **_sleep(found.get(window.day.isoformat(), {}), made.recipe.timezone),
        }
        for window in windows(recorded, made.recipe.timezone, base, period)
    ]


def is_cut(window: Window) -> bool:
    """Say whether a recording misses some of the middle half of a window, in which sleep is expected.

    For a night from noon to noon that is 18:00 to 06:00: a device handed out at 15:00 has seen the whole night, one
    given back at 19:00 has not, though both have hours of wear in the window.
    """
    quarter = window.whole.seconds / 4
    middle = Span(window.whole.start + quarter, window.whole.end - quarter)
    return middle.seconds - middle.overlap(window.recorded) > 1.0


def _sleep(row: Row, zone: str) -> Row:
    found = measured(row, SLEEP)
    start, minutes = row.get("TSO Start Timestamp"), row.get("TSO Duration")
    if not isinstance(start, float) or not isinstance(minutes, int | float):
        return found
    end = start + 60 * minutes
    times = {"sleep_start_utc": utc(start), "sleep_end_utc": utc(end)}
    return {**found, **times, "sleep_start_local": local_text(start, zone), "sleep_end_local": local_text(end, zone)}
