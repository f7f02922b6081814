"""Means over a visit's days: all of them, weekdays, weekend days; of one subject, visit, place and pipeline each.

Reading the days from the lake is `read`; which of them count is `exclude`.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from biolake.studies.configuration.pipelines import Exclusion
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
from biolake.studies.results.measures.measure import Measure

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
    days = with_exclusions(day, excluded_days(day, rules))
    nights = with_exclusions(night, excluded_nights(night, rules))
    counts = _counts(file_qc, days, nights, rules)
    means = _means(days, nights, measures)
    included = counts.filter("included").select(_KEY).join(means, on=_KEY, how="left")
    return _shaped(counts.join(included, on=_KEY, how="left"), schema).sort(_KEY)


def _counts(file_qc: pl.DataFrame, days: pl.DataFrame, nights: pl.DataFrame, rules: Exclusion) -> pl.DataFrame:
    """Return a row per visit with what was recorded, what of it counts, and the rules that the visit breaks."""
    kept, weekend = ~pl.col("excluded"), pl.col("is_weekend")
    of_days = days.group_by(_KEY).agg(
        n_days=pl.len().cast(pl.Int64),
        n_days_kept=kept.sum().cast(pl.Int64),
        n_weekdays_kept=(kept & ~weekend).sum().cast(pl.Int64),
        n_weekend_days_kept=(kept & weekend).sum().cast(pl.Int64),
        wear_hours_mean=pl.col("wear_hours").filter(kept).mean(),
        applies=pl.col("rules_apply").any(),
    )
    of_nights = nights.group_by(_KEY).agg(n_nights=pl.len().cast(pl.Int64), n_nights_kept=kept.sum().cast(pl.Int64))
    of_files = file_qc.group_by(_KEY).agg(
        n_recordings=pl.col("start_utc").is_not_null().sum().cast(pl.Int64),
        qc_codes=pl.col("qc_codes").str.split("; ").explode().unique(maintain_order=True),
        run_keys=pl.col("run_key").unique().sort().str.join("; "),
    )
    joined = (
        of_files.join(of_days, on=_KEY, how="left")
        .join(of_nights, on=_KEY, how="left")
        .with_columns(
            pl.col("^n_.*$").fill_null(0),
            pl.col("applies").fill_null(True),
            pl.col("qc_codes").list.eval(pl.element().filter(pl.element() != "")).list.join("; "),
        )
    )
    broken = [
        "; ".join(entry.rule for entry in broken_by_visit(kept_days, on_weekend, rules)) if applies else ""
        for kept_days, on_weekend, applies in joined.select("n_days_kept", "n_weekend_days_kept", "applies").rows()
    ]
    return joined.with_columns(
        pl.Series("rule", broken, dtype=pl.String),
        pl.Series("included", [not rule for rule in broken], dtype=pl.Boolean),
        pl.lit(rules_sha256(rules)).alias("rules_sha256"),
    )


def _means(days: pl.DataFrame, nights: pl.DataFrame, measures: Sequence[Measure]) -> pl.DataFrame:
    """Return a row per visit with its means over all that counts, weekdays and weekend days."""
    parts = {"ad": pl.lit(True), "wd": ~pl.col("is_weekend"), "we": pl.col("is_weekend")}
    found = pl.concat([days.select(_KEY), nights.select(_KEY)]).unique()
    for frame, table in ((days, "day"), (nights, "night")):
        mine = [entry for entry in measures if entry.table == table and entry.column in frame.columns]
        kept = frame.filter(~pl.col("excluded"))
        for prefix, part in parts.items():
            means = [pl.col(e.column).cast(pl.Float64).mean().alias(_mean_name(prefix, e)) for e in mine]
            found = found.join(kept.filter(part).group_by(_KEY).agg(means), on=_KEY, how="left")
    return found


def _shaped(frame: pl.DataFrame, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    missing = {name: kind for name, kind in schema.items() if name not in frame.columns}
    filled = frame.with_columns(pl.lit(None, dtype=kind).alias(name) for name, kind in missing.items())
    return filled.select(pl.col(name).cast(kind) for name, kind in schema.items())


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
