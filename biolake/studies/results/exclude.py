"""The study's rules for days, nights and visits: which count, which are left out, and by which rule. Pure functions.

Rows themselves are never changed or dropped; who sums up leaves out what is listed here. Days in are always days kept
plus days left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from biolake.studies.configuration.pipelines import DayExclusion, Exclusion, NightExclusion
from biolake.studies.results import columns
from biolake.studies.states import State

Row = Mapping[str, Any]
_WHO = ("study", "subject", "visit", "location", "file_type", "recording", "pipeline")
_PROVENANCE = tuple(entry.column for entry in columns.provenance("exclusions"))
SCHEMA: Mapping[str, pl.DataType] = {
    **columns.schema_of(columns.who("exclusions")),
    **columns.schema_of(columns.EXCLUSIONS),
    **columns.schema_of(columns.provenance("exclusions")),
}
"""Columns of `exclusions`."""


@dataclass(frozen=True)
class Broken:
    """A rule that a day, a night or a visit breaks, and how."""

    rule: str
    reason: str


def broken_by_day(day: Row, rules: DayExclusion, partial: str) -> list[Broken]:
    """Return the rules that a row of `day` breaks by itself.

    Args:
        day: The row.
        rules: For days.
        partial: What becomes of days in which the recording begins or ends.
    """
    if not day["rules_apply"]:
        return []
    found: list[Broken] = []
    if partial == "exclude" and day["partial"]:
        found.append(
            Broken("partial_day", f"The recording covers {day['hours']:.1f} h of the {day['window_hours']:g} h.")
        )
    if day["hours"] < rules.min_hours:
        found.append(Broken("min_hours", f"{day['hours']:.1f} h recorded, at least {rules.min_hours:g} h are asked."))
    return found + _wear(day, rules.min_wear_hours)


def broken_by_night(night: Row, rules: NightExclusion, partial: str) -> list[Broken]:
    """Return the rules that a row of `night` breaks by itself."""
    found: list[Broken] = []
    if partial == "exclude" and night["cut"]:
        text = f"The recording covers {night['start_local'][11:16]} to {night['end_local'][11:16]} of the night only."
        found.append(Broken("partial_night", text))
    found += _wear(night, rules.min_wear_hours)
    if night["sleep_start_utc"] is None:
        found.append(Broken("no_sleep_found", "SKDH found no sleep opportunity in it, or too little data."))
    return found


def _wear(row: Row, least: float) -> list[Broken]:
    if row["wear_hours"] is None or row["wear_hours"] >= least:
        return []
    return [Broken("min_wear_hours", f"{row['wear_hours']:.1f} h worn, at least {least:g} h are asked.")]


def broken_by_visit(kept_days: int, kept_weekend_days: int, rules: Exclusion) -> list[Broken]:
    """Return the rules that a visit breaks by the days that count."""
    found: list[Broken] = []
    if kept_days < rules.subject.min_valid_days:
        text = f"{kept_days} days count, at least {rules.subject.min_valid_days} are asked."
        found.append(Broken("min_valid_days", text))
    if kept_weekend_days < rules.subject.min_weekend_days:
        text = f"{kept_weekend_days} days of a weekend count, at least {rules.subject.min_weekend_days} are asked."
        found.append(Broken("min_weekend_days", text))
    return found


def excluded_days(days: pl.DataFrame, rules: Exclusion) -> dict[int, list[Broken]]:
    """Return, by position, the days that are left out and the rules they break; of overlapping days all but one.

    A date of one subject, place and pipeline counts once: the recording that was worn longest on it stays, then the one
    with more data, then the first by name. Days that are left out anyway do not take part.
    """
    rows = _judged(days)
    broken = {i: broken_by_day(row, rules.day, rules.first_last_partial_day) for i, row in enumerate(rows)}
    return _with_overlaps(rows, broken)


def excluded_nights(nights: pl.DataFrame, rules: Exclusion) -> dict[int, list[Broken]]:
    """Return, by position, the nights that are left out and the rules they break, as `excluded_days` does."""
    rows = _judged(nights)
    broken = {i: broken_by_night(row, rules.night, rules.first_last_partial_day) for i, row in enumerate(rows)}
    return _with_overlaps(rows, broken)


_JUDGED_BY = (
    *("subject", "location", "file_type", "pipeline", "recording", "runtime_sha256", "date", "hours", "window_hours"),
    *("wear_hours", "partial", "rules_apply", "cut", "sleep_start_utc", "start_local", "end_local"),
)


def _judged(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Return rows with the columns that rules look at; the others are many."""
    return frame.select(name for name in _JUDGED_BY if name in frame.columns).to_dicts()


def _with_overlaps(rows: Sequence[Row], broken: dict[int, list[Broken]]) -> dict[int, list[Broken]]:
    same: dict[tuple[Any, ...], list[int]] = {}
    for i, row in enumerate(rows):
        if not broken[i] and row.get("rules_apply", True):
            key = tuple(row[name] for name in ("subject", "location", "file_type", "pipeline", "runtime_sha256"))
            same.setdefault((*key, row["date"]), []).append(i)
    for positions in same.values():
        best = min(positions, key=lambda i: (-(rows[i]["wear_hours"] or 0.0), -rows[i]["hours"], rows[i]["recording"]))
        for i in positions:
            if i != best:
                other = rows[best]["recording"]
                broken[i].append(Broken("overlap", f"{other} covers the same date and was worn longer or as long."))
    return {i: rules for i, rules in broken.items() if rules}


def exclusions(file_qc: pl.DataFrame, day: pl.DataFrame, night: pl.DataFrame, rules: Exclusion) -> pl.DataFrame:
    """Return a row for every file, day and night that is left out.

    Args:
        file_qc: Rows of `file_qc`.
        day: Rows of `day` of the same recordings.
        night: Rows of `night` of the same recordings.
        rules: The study's.
    """
    days, nights = _named(day), _named(night)
    found = [_row(row, "file", [Broken("state", f"{row['state']}: {row['reason']}")]) for row in _failed(file_qc)]
    found += [_row(days[i], "day", why) for i, why in excluded_days(day, rules).items()]
    found += [_row(nights[i], "night", why) for i, why in excluded_nights(night, rules).items()]
    return pl.DataFrame(found, schema=dict(SCHEMA))


def _named(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return frame.select(*_WHO, *_PROVENANCE, "date", "hours", "wear_hours").to_dicts()


def _failed(file_qc: pl.DataFrame) -> list[dict[str, Any]]:
    """Files without results; one too short for its study is processed and has none."""
    nothing = (pl.col("state") != State.PROCESSED.value) | pl.col("start_utc").is_null()
    return file_qc.filter(nothing).to_dicts()


def _row(row: Row, level: str, why: Sequence[Broken]) -> dict[str, Any]:
    return {
        **{name: row[name] for name in (*_WHO, *_PROVENANCE)},
        "level": level,
        "date": row.get("date"),
        "rule": why[0].rule,
        "rules": "; ".join(broken.rule for broken in why),
        "reason": " ".join(broken.reason for broken in why),
        "hours": row.get("hours", row.get("recorded_hours")),
        "wear_hours": row.get("wear_hours"),
    }


def with_exclusions(frame: pl.DataFrame, excluded: Mapping[int, Sequence[Broken]]) -> pl.DataFrame:
    """Return days or nights with the columns `excluded` and `exclusion_rules` added."""
    flags = [i in excluded for i in range(frame.height)]
    rules = ["; ".join(broken.rule for broken in excluded.get(i, ())) for i in range(frame.height)]
    return frame.with_columns(
        pl.Series("excluded", flags, dtype=pl.Boolean), pl.Series("exclusion_rules", rules, dtype=pl.String)
    )
