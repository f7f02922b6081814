"""Rows of `day`: one for every day of the participant's calendar that the recording touches."""

from collections.abc import Sequence
from statistics import fmean

from biolake.studies.results.clock import Span, seconds_within
from biolake.studies.results.made import DAY_STEPS, Made
from biolake.studies.results.measures.described import described
from biolake.studies.results.outputs import Row, measured, rows_of
from biolake.studies.results.windows import Window, local_text, utc, windows


def day_rows(made: Made, bouts: Sequence[Row], steps: Sequence[Row]) -> list[Row]:
    """Return a row per day.

    Args:
        made: What rows are made from.
        bouts: The rows of `bout`.
        steps: The rows of `step`.
    """
    recorded = made.recorded
    if recorded is None:
        return []
    base, period = made.recipe.windows["activity"]
    by_date = _skdh_days(made)
    applies = made.wear is not None or made.kept_step(*DAY_STEPS) is not None
    gait = [bout for bout in bouts if bout["kind"] == "gait"] if _looks_for_gait(made) else None
    return [
        {
            **by_date.get(window.day.isoformat(), {}),
            **window_columns(made, window, weekend=window.is_weekend_day),
            "rules_apply": applies,
            **(_gait_of_day(window.whole, gait, steps) if gait is not None else {}),
        }
        for window in windows(recorded, made.recipe.timezone, base, period)
    ]


def window_columns(made: Made, window: Window, *, weekend: bool) -> Row:
    """Return the columns that days and nights have in common."""
    zone, part = made.recipe.timezone, window.recorded
    covered = seconds_within(made.clock.recorded, window.whole) if made.clock is not None else 0.0
    worn = seconds_within(made.wear, window.whole) if made.wear is not None else None
    return {
        "date": window.day,
        "weekday": f"{window.day:%A}",
        "is_weekend": weekend,
        "start_utc": utc(part.start),
        "end_utc": utc(part.end),
        "start_local": local_text(part.start, zone),
        "end_local": local_text(part.end, zone),
        "window_hours": window.hours,
        "hours": _hours(covered),
        "wear_hours": _hours(worn) if worn is not None else None,
        "partial": window.whole.seconds - part.seconds > _SLACK_SECONDS,
    }


def _hours(seconds: float) -> float:
    # The last sample of a recording has no length: 23.99999 h of a whole day are 24.
    return round(seconds / 3600, 3)


_SLACK_SECONDS = 60.0


def _looks_for_gait(made: Made) -> bool:
    return made.kept_step("GaitLumbar", "PredictGaitLumbarLgbm") is not None


def _skdh_days(made: Made) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for step in made.recipe.steps:
        if step.process not in DAY_STEPS or step.kept is None or made.results is None:
            continue
        measures = described(step.process, step.parameters)
        for row in rows_of(made.results.step(step.name), "Date"):
            known = found.setdefault(str(row["Date"]), {})
            known.update({name: value for name, value in measured(row, measures).items() if name not in known})
    return found


def _gait_of_day(day: Span, bouts: Sequence[Row], steps: Sequence[Row]) -> Row:
    def within(row: Row, column: str) -> bool:
        return row[column] is not None and day.start <= row[column].timestamp() < day.end

    mine = [bout for bout in bouts if within(bout, "start_utc")]
    own_steps = [step for step in steps if within(step, "contact_utc")]
    counted = any(bout.get("n_steps") is not None for bout in bouts) or not bouts
    return {
        "gait_bouts": len(mine),
        "gait_steps": len(own_steps) if counted else None,
        "gait_minutes": sum(bout["duration_s"] for bout in mine) / 60,
        "gait_speed_m_per_s": _mean(own_steps, "gait_speed_m_per_s"),
        "gait_cadence_steps_per_min": _mean(own_steps, "cadence_steps_per_min"),
    }


def _mean(rows: Sequence[Row], column: str) -> float | None:
    known = [row[column] for row in rows if row.get(column) is not None]
    return fmean(known) if known else None
