"""The columns of a pipeline's tables, in order, and what each means; they depend on the pipeline, never on the data."""

from collections.abc import Sequence

import polars as pl

from biolake.studies.results import columns
from biolake.studies.results.measures.described import described
from biolake.studies.results.measures.gait import STEP_FACTS
from biolake.studies.results.measures.measure import Level, Measure
from biolake.studies.results.recipe import Recipe


def layouts(recipe: Recipe) -> dict[str, tuple[Measure, ...]]:
    """Return the columns of each table of a pipeline, in order, whatever the data."""
    by_table: dict[Level, list[Measure]] = {"file_qc": [], "day": [], "night": [], "bout": [], "step": []}
    for step in recipe.steps:
        if step.kept is not None:
            for entry in described(step.process, step.parameters):
                by_table[entry.table].append(entry)
    gait = any(step.process == "GaitLumbar" and step.kept is not None for step in recipe.steps)
    if gait:
        by_table["bout"] += [_bout_mean(entry) for entry in by_table["step"]]
        by_table["step"] += STEP_FACTS
    own: dict[Level, tuple[Measure, ...]] = {
        "file_qc": columns.FILE_QC,
        "day": columns.DAY,
        "night": columns.NIGHT,
        "bout": columns.BOUT,
        "step": columns.STEP,
    }
    return {
        name: _each_once((*columns.who(name), *own[name], *added, *columns.provenance(name)))
        for name, added in by_table.items()
    }


def _each_once(measures: Sequence[Measure]) -> tuple[Measure, ...]:
    """Two steps may give a measure of one name; the first one's is kept."""
    return tuple({entry.column: entry for entry in reversed(measures)}[name] for name in _names(measures))


def _names(measures: Sequence[Measure]) -> list[str]:
    return list(dict.fromkeys(entry.column for entry in measures))


def _bout_mean(entry: Measure) -> Measure:
    return Measure(
        "bout", entry.column, "number", entry.unit, f"Mean over the bout's steps: {entry.description}", entry.step
    )


def dictionary(recipe: Recipe) -> pl.DataFrame:
    """Return what every column of a pipeline's tables means."""
    source = f"scikit-digital-health {recipe.skdh_version} documentation and code, described for this platform"
    rows = [
        {
            "table": table,
            "column": entry.column,
            "unit": entry.unit,
            "description": entry.description,
            "step": entry.step,
            "skdh_name": entry.names[0] if entry.names else "",
            "skdh_version": recipe.skdh_version,
            "pipeline": recipe.pipeline,
            "source": source if entry.step != "biolake" else "Biolake",
        }
        for table, layout in {**layouts(recipe), "exclusions": columns.EXCLUSIONS}.items()
        for entry in layout
    ]
    return pl.DataFrame(rows, schema=dict(columns.DICTIONARY))
