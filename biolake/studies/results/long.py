"""The long form of measures: one row per day, night or bout and measure, whatever the pipeline."""

from collections.abc import Mapping, Sequence

import polars as pl

from biolake.studies.results import columns
from biolake.studies.results.made import OWN_TABLES, Made
from biolake.studies.results.measures.described import described
from biolake.studies.results.measures.measure import Measure
from biolake.studies.results.outputs import Row, further, rows_of

_KEPT = ("study", "subject", "visit", "location", "file_type", "recording", "pipeline")
_PROVENANCE = tuple(entry.column for entry in columns.provenance("day"))
_SHAPE: Mapping[str, pl.DataType] = {
    "level": pl.String(),
    "window_start": pl.Datetime("us", "UTC"),
    "window_end": pl.Datetime("us", "UTC"),
    "date": pl.Date(),
    "step": pl.String(),
    "measure": pl.String(),
    "value": pl.Float64(),
    "unit": pl.String(),
}
SCHEMA: Mapping[str, pl.DataType] = {
    **dict.fromkeys(_KEPT, pl.String()),
    **_SHAPE,
    **dict.fromkeys(_PROVENANCE, pl.String()),
}
"""Columns of `biomarkers`."""

_BOOKKEEPING = frozenset({"bout"})


def long_form(made: Made, tables: Mapping[str, pl.DataFrame], layouts: Mapping[str, Sequence[Measure]]) -> pl.DataFrame:
    """Return every measure of days, nights and gait bouts as a row; a missing value is a row with none.

    Args:
        made: What the tables are made from.
        tables: The tables of the recording.
        layouts: Their columns.
    """
    parts = [_melted(tables[name], name, layouts[name]) for name in ("day", "night", "bout")]
    extra = _undescribed(made)
    if extra:
        first = tables["file_qc"].select(*_KEPT, *_PROVENANCE)
        frame = pl.DataFrame(extra, schema=dict(_SHAPE))
        parts.append(frame.join(first, how="cross").select(*SCHEMA))
    return pl.concat(parts).sort("level", "window_start", "step", "measure", maintain_order=True)


def _melted(frame: pl.DataFrame, level: str, layout: Sequence[Measure]) -> pl.DataFrame:
    measures = [entry for entry in layout if entry.kind in ("number", "count") and entry.column not in _BOOKKEEPING]
    if level == "bout":
        frame = frame.filter(pl.col("kind") == "gait")
    if frame.is_empty() or not measures:
        return pl.DataFrame(schema=dict(SCHEMA))
    names = [entry.column for entry in measures]
    about = pl.DataFrame(
        {
            "measure": names,
            "unit": [entry.unit for entry in measures],
            "step": [entry.step for entry in measures],
        }
    )
    index = [*_KEPT, "start_utc", "end_utc", "date", *_PROVENANCE]
    return (
        frame.select(*index, *(pl.col(name).cast(pl.Float64) for name in names))
        .unpivot(names, index=index, variable_name="measure", value_name="value")
        .join(about, on="measure", how="left", maintain_order="left")
        .rename({"start_utc": "window_start", "end_utc": "window_end"})
        .with_columns(level=pl.lit(level))
        .select(*SCHEMA)
    )


def _undescribed(made: Made) -> list[Row]:
    """Numbers of kept steps that have no column of their own, so that nothing that was asked for is lost."""
    if made.results is None:
        return []
    found: list[Row] = []
    for step in made.recipe.steps:
        if step.kept != "table" or not any(result.name == step.name for result in made.results.steps):
            continue
        result = made.results.step(step.name)
        own = step.process in OWN_TABLES
        extra = further(result, described(step.process, step.parameters), _FACTS if own else frozenset(), "bout")
        if not extra:
            continue
        for row in rows_of(result, extra[0].names[0]):
            moment = next((row[name] for name in _MOMENTS if isinstance(row.get(name), float)), None)
            window = pl.from_epoch(pl.Series([moment]), "s")[0] if moment is not None else None
            found += [
                {
                    "level": step.name,
                    "window_start": window,
                    "window_end": None,
                    "date": None,
                    "step": step.process,
                    "measure": entry.column,
                    "value": row.get(entry.names[0]),
                    "unit": entry.unit,
                }
                for entry in extra
            ]
    return found


_MOMENTS = ("IC Timestamp", "IC Time", "TSO Start Timestamp", "Bout Starts", "Time", "Gait Bout Start")
_FACTS = frozenset(
    {
        *("Day N", "N hours", "N wear hours", "N wear wake hours", "TSO Start Timestamp"),
        *("Processing Start Hour", "Processing End Hour", "Bout N", "Bout Starts", "Bout Duration", "Bout Steps"),
        *("Gait Cycles", "IC Timestamp", "IC Time", "IC Rel Timestamp", "debug:mean step freq", "Turn"),
        *("debug:v axis est", "debug:ap axis est"),
    }
)
"""Numbers of SKDH's tables that say where a row belongs, or that other columns here already say."""
