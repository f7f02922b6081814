"""One recording's tables from what SKDH returned: the same columns whatever was found, provenance in every row.

Rows are made in `rows_file`, `rows_day`, `rows_night` and `rows_bout`; rules for leaving some out are in `exclude`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from biolake.studies.processing.models import Outcome
from biolake.studies.results import columns
from biolake.studies.results.layout import dictionary, layouts
from biolake.studies.results.long import long_form
from biolake.studies.results.made import gather
from biolake.studies.results.measures.measure import Measure
from biolake.studies.results.movement import movement
from biolake.studies.results.recipe import Recipe
from biolake.studies.results.rows_bout import bout_rows, step_rows
from biolake.studies.results.rows_day import day_rows
from biolake.studies.results.rows_file import file_row
from biolake.studies.results.rows_night import night_rows


@dataclass(frozen=True)
class RecordingTables:
    """The tables of one recording and pipeline by name, and the long form of its measures."""

    tables: Mapping[str, pl.DataFrame]
    biomarkers: pl.DataFrame


def build_tables(recipe: Recipe, outcome: Outcome, *, code_version: str, run_id: str) -> RecordingTables:
    """Make all tables of a recording and pipeline.

    Args:
        recipe: What the result is made from.
        outcome: What processing answered.
        code_version: Version of the platform's code.
        run_id: The run.

    Raises:
        OutputUnusable: A step returned columns of different lengths.
        ResultMissing: The outcome's folder has lost its results.
    """
    made = gather(recipe, outcome)
    fixed = _fixed(recipe, outcome, code_version, run_id)
    layout = layouts(recipe)
    steps = step_rows(made)
    bouts = bout_rows(made, steps)
    rows = {
        "file_qc": [file_row(made, bouts)],
        "day": day_rows(made, bouts, steps),
        "night": night_rows(made),
        "bout": bouts,
        "step": steps,
    }
    tables = {name: _frame(rows[name], layout[name], fixed) for name in rows}
    tables["dictionary"] = dictionary(recipe)
    tables["movement"] = movement(made)
    return RecordingTables(tables, long_form(made, tables, layout))


def _fixed(recipe: Recipe, outcome: Outcome, code_version: str, run_id: str) -> dict[str, str]:
    return {
        "study": recipe.study,
        "subject": recipe.subject,
        "visit": recipe.visit,
        "location": recipe.location,
        "file_type": recipe.file_type,
        "recording": recipe.recording,
        "pipeline": recipe.pipeline,
        "qc_codes": "; ".join(dict.fromkeys((*recipe.flags, *outcome.qc_codes))),
        "timezone": recipe.timezone,
        "file_sha256": recipe.files_sha256,
        "configuration_sha256": recipe.configuration_sha256,
        "pipeline_sha256": recipe.pipeline_sha256,
        "runtime": recipe.runtime,
        "runtime_sha256": recipe.runtime_sha256,
        "skdh_version": recipe.skdh_version,
        "metadata_used": json.dumps(recipe.metadata, sort_keys=True, ensure_ascii=False),
        "run_key": recipe.run_key,
        "result": recipe.result,
        "code_version": code_version,
        "run_id": run_id,
    }


def _frame(rows: Sequence[Mapping[str, Any]], layout: Sequence[Measure], fixed: Mapping[str, str]) -> pl.DataFrame:
    schema = columns.schema_of(layout)
    data = {name: [row.get(name, fixed.get(name)) for row in rows] for name in schema}
    return pl.DataFrame(data, schema=schema, strict=True)
