"""Rows of `bout` and `step`: when the device was worn, bouts of gait, and the steps within them."""

from collections.abc import Sequence
from itertools import groupby
from statistics import fmean
from typing import Any

from biolake.studies.processing.results import StepResult
from biolake.studies.results.made import Made
from biolake.studies.results.measures.gait import BOUT, STEP, STEP_FACTS
from biolake.studies.results.outputs import Row, measured, rows_of
from biolake.studies.results.windows import local_date, local_text, utc

_CONTACT = ("IC Timestamp", "IC Time")


def step_rows(made: Made) -> list[Row]:
    """Return a row per step of gait, in order of time."""
    found = _gait_output(made)
    if found is None:
        return []
    rows: list[Row] = []
    bouts: dict[tuple[Any, Any], int] = {}
    for row in rows_of(found, "Bout N"):
        bout = bouts.setdefault((row.get("Day N"), row["Bout N"]), len(bouts) + 1)
        contact = next((row[name] for name in _CONTACT if isinstance(row.get(name), float)), None)
        rows.append(
            {
                **measured(row, (*STEP, *BOUT, *STEP_FACTS)),
                "bout": bout,
                "date": local_date(contact, made.recipe.timezone) if contact is not None else None,
                "contact_utc": utc(contact) if contact is not None else None,
                "contact_in_bout_s": contact - row["Bout Starts"] if contact is not None else None,
                "_start": row["Bout Starts"],
                "_seconds": row["Bout Duration"],
                "_steps": row.get("Bout Steps"),
                "_cycles": row.get("Gait Cycles"),
            }
        )
    return rows


def bout_rows(made: Made, steps: Sequence[Row]) -> list[Row]:
    """Return a row per stretch of wear and per bout of gait.

    Args:
        made: What rows are made from.
        steps: The rows of `step_rows`.
    """
    wear = [_bout(made, "wear", n, span.start, span.seconds) for n, span in enumerate(made.wear or [], start=1)]
    if made.kept_step("GaitLumbar") is not None:
        return [*wear, *_gait_bouts(made, steps)]
    return [*wear, *_detected(made)]


def _gait_bouts(made: Made, steps: Sequence[Row]) -> list[Row]:
    found: list[Row] = []
    for number, group in groupby(steps, key=lambda row: row["bout"]):
        rows = list(group)
        first = rows[0]
        means: Row = {entry.column: _mean([row.get(entry.column) for row in rows]) for entry in STEP}
        means |= {entry.column: first.get(entry.column) for entry in BOUT}
        counts = {"n_steps": first["_steps"], "n_gait_cycles": first["_cycles"]}
        found.append({**_bout(made, "gait", number, first["_start"], first["_seconds"]), **means, **counts})
    return found


def _detected(made: Made) -> list[Row]:
    """Bouts that were only detected, by a pipeline that does not analyse them."""
    step = made.kept_step("PredictGaitLumbarLgbm")
    if step is None or made.results is None:
        return []
    rows = rows_of(made.results.step(step.name), "Gait Bout Start")
    return [
        _bout(made, "gait", number, row["Gait Bout Start"], row["Gait Bout Stop"] - row["Gait Bout Start"])
        for number, row in enumerate(rows, start=1)
    ]


def _bout(made: Made, kind: str, number: int, start: float, seconds: float) -> Row:
    zone = made.recipe.timezone
    return {
        "kind": kind,
        "bout": number,
        "date": local_date(start, zone),
        "start_utc": utc(start),
        "end_utc": utc(start + seconds),
        "start_local": local_text(start, zone),
        "duration_s": float(seconds),
    }


def _gait_output(made: Made) -> StepResult | None:
    step = made.kept_step("GaitLumbar")
    return made.results.step(step.name) if step is not None and made.results is not None else None


def _mean(values: Sequence[Any]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
