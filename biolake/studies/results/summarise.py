"""Means over a visit's days: all of them, weekdays, weekend days; of one subject, visit, place and pipeline each.

Reading the days from the lake is `read`; which of them count is `exclude`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from biolake.studies.configuration_pipelines import Exclusion
from biolake.studies.models import fingerprint
from biolake.studies.results import columns
from biolake.studies.results.exclude import (
    SCHEMA as EXCLUSIONS_SCHEMA,
)
from biolake.studies.results.exclude import (
    broken_by_visit,
    excluded_days,
    excluded_nights,
    with_exclusions,
)
from biolake.studies.results.measures import Measure

_KEY = ("study", "subject", "visit", "location", "file_type", "pipeline", "runtime", "runtime_sha256")
PARTS: Mapping[str, str] = {"ad": "all days", "wd": "weekdays", "we": "weekend days"}
"""Prefixes of the columns, as GGIR's users know them, and what is meant over."""


def rules_sha256(rules: Exclusion) -> str:
    """Return the hash of exclusion rules."""
    return fingerprint(rules.model_dump(mode="json"))


def summed_up(layouts: Mapping[str, Sequence[Measure]]) -> list[Measure]:
    """Return the measures of which means over days or nights are made."""
    return [
        entry
        for name in ("day", "night")
        for entry in layouts[name]
        if entry.summed_up or (name == "day" and entry.column in columns.DAY_SUMMED)
    ]


def mean_columns(measures: Sequence[Measure]) -> list[Measure]:
    """Return the columns of means, three for each measure; of nights' measures the prefix says `nights`."""
    return [
        Measure(
            "subject_visit",
            _mean_name(prefix, entry),
            "number",
            entry.unit,
            f"Mean over {what if entry.table == 'day' else what.replace('days', 'nights')}: {entry.description}",
            entry.step,
            entry.names,
        )
        for prefix, what in PARTS.items()
        for entry in measures
    ]


def _mean_name(prefix: str, entry: Measure) -> str:
    return f"{prefix}_{'night_' if entry.table == 'night' else ''}{entry.column}"


def summarise(
    file_qc: pl.DataFrame, day: pl.DataFrame, night: pl.DataFrame, measures: Sequence[Measure], rules: Exclusion
) -> pl.DataFrame:
    """Return a row per subject, visit, place, pipeline and runtime.

    A visit with too few days has a row with the rule and without means.

    Args:
        file_qc: Rows of `file_qc`.
        day: Rows of `day` of the same recordings.
        night: Rows of `night` of the same recordings.
        measures: Those of which means are made; ones that no row has are empty.
        rules: The study's.
    """
    schema = {**columns.schema_of(columns.SUBJECT_VISIT), **columns.schema_of(mean_columns(measures))}
    days = with_exclusions(day, excluded_days(day.to_dicts(), rules))
    nights = with_exclusions(night, excluded_nights(night.to_dicts(), rules))
    by_key = dict(file_qc.group_by(_KEY, maintain_order=True))
    days_by_key, nights_by_key = dict(days.group_by(_KEY)), dict(nights.group_by(_KEY))
    rows = [
        _row(key, files, days_by_key.get(key, days.clear()), nights_by_key.get(key, nights.clear()), measures, rules)
        for key, files in sorted(by_key.items(), key=lambda item: tuple(str(part) for part in item[0]))
    ]
    return pl.DataFrame(rows, schema=schema)


def _row(
    key: tuple[Any, ...],
    files: pl.DataFrame,
    days: pl.DataFrame,
    nights: pl.DataFrame,
    measures: Sequence[Measure],
    rules: Exclusion,
) -> dict[str, Any]:
    kept, kept_nights = days.filter(~pl.col("excluded")), nights.filter(~pl.col("excluded"))
    weekend = kept.filter("is_weekend")
    applies = days.is_empty() or bool(days["rules_apply"].any())
    broken = broken_by_visit(kept.height, weekend.height, rules) if applies else []
    row: dict[str, Any] = dict(zip(_KEY, key, strict=True))
    codes = [code for text in files["qc_codes"] for code in text.split("; ") if code]
    row |= {
        "included": not broken,
        "rule": "; ".join(entry.rule for entry in broken),
        "n_recordings": files.filter(pl.col("start_utc").is_not_null()).height,
        "n_days": days.height,
        "n_days_kept": kept.height,
        "n_weekdays_kept": kept.height - weekend.height,
        "n_weekend_days_kept": weekend.height,
        "n_nights": nights.height,
        "n_nights_kept": kept_nights.height,
        "wear_hours_mean": kept["wear_hours"].mean(),
        "qc_codes": "; ".join(dict.fromkeys(codes)),
        "run_keys": "; ".join(sorted(files["run_key"].unique())),
        "rules_sha256": rules_sha256(rules),
    }
    if not broken:
        row |= _means(kept, [entry for entry in measures if entry.table == "day"])
        row |= _means(kept_nights, [entry for entry in measures if entry.table == "night"])
    return row


def _means(frame: pl.DataFrame, measures: Sequence[Measure]) -> dict[str, float | None]:
    parts = {
        "ad": frame,
        "wd": frame.filter(~pl.col("is_weekend")),
        "we": frame.filter(pl.col("is_weekend")),
    }
    return {
        _mean_name(prefix, entry): part[entry.column].cast(pl.Float64).mean()  # type: ignore[misc]
        for prefix, part in parts.items()
        for entry in measures
        if entry.column in part.columns
    }


def excluded_visits(summary: pl.DataFrame) -> pl.DataFrame:
    """Return a row in the shape of `exclusions` for every visit that is left out."""
    out = summary.filter(~pl.col("included"))
    made = out.select(
        *(name for name in _KEY),
        level=pl.lit("visit"),
        rule=pl.col("rule").str.split("; ").list.first(),
        rules=pl.col("rule"),
        reason=pl.format(
            "{} of {} days count, {} of them on a weekend.", "n_days_kept", "n_days", "n_weekend_days_kept"
        ),
        qc_codes=pl.col("qc_codes"),
    )
    missing = [
        pl.lit(None, dtype=kind).alias(name) for name, kind in EXCLUSIONS_SCHEMA.items() if name not in made.columns
    ]
    return made.with_columns(missing).select(*EXCLUSIONS_SCHEMA)
