"""A study's results as tables of the lake: one table per kind and runtime, rows replaced per recording and pipeline.

Results of two runtimes are in two tables, so that no query mixes them unawares. `runs` alone is over all of them: one
row for every result ever stored, with its manifest.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl
import pyarrow.dataset as pads

from biolake.lake.frames import read_frame, write_frame
from biolake.lake.lake import Lake
from biolake.studies.results import columns
from biolake.studies.results.manifest import Manifest

_SEPARATOR = re.compile(r"[^a-z0-9]+")
RECORDING_TABLES = ("file_qc", "day", "night", "bout", "step", "biomarkers")
SUMMARY_TABLES = ("subject_visit", "exclusions")

RUNS = {
    "study": pl.String(),
    "subject": pl.String(),
    "visit": pl.String(),
    "recording": pl.String(),
    "pipeline": pl.String(),
    "runtime": pl.String(),
    "runtime_sha256": pl.String(),
    "run_key": pl.String(),
    "recording_run_key": pl.String(),
    "result": pl.String(),
    "state": pl.String(),
    "prefix": pl.String(),
    "run_id": pl.String(),
    "code_version": pl.String(),
    "image": pl.String(),
    "configuration_sha256": pl.String(),
    "pipeline_sha256": pl.String(),
    "host": pl.String(),
    "started": pl.Datetime("us", "UTC"),
    "ended": pl.Datetime("us", "UTC"),
    "stored_at": pl.Datetime("us", "UTC"),
    "wall_seconds": pl.Float64(),
    "cpu_seconds": pl.Float64(),
    "peak_bytes": pl.Int64(),
    "manifest": pl.String(),
}
"""Columns of `runs`."""

_DESCRIPTIONS = {
    "file_qc": "One row per recording: what it is, what is wrong with it, what was found.",
    "day": "One row per day of the participant's calendar.",
    "night": "One row per night.",
    "bout": "One row per stretch of wear and per bout of gait.",
    "step": "One row per step of gait.",
    "biomarkers": "One row per day, night or bout and measure.",
    "subject_visit": "One row per subject and visit: means over the days that count.",
    "exclusions": "Every file, day, night and visit that is left out, with the rule.",
    "dictionary": "What every column means.",
    "runs": "One row per result ever stored, with its manifest.",
}


def repository(study: str) -> str:
    """Return the lake's folder of a study."""
    return "study_" + _SEPARATOR.sub("_", study.lower()).strip("_")


def lake_table(table: str, runtime: str) -> str:
    """Return the name of a table of one runtime, as `day_skdh_0_17_18_py311_a`."""
    return f"{table}_{_SEPARATOR.sub('_', runtime.lower()).strip('_')}"


def write_recording(lake: Lake, made: Manifest, tables: dict[str, pl.DataFrame], prefix: str) -> None:
    """Replace the rows of a recording and pipeline, once per run however often it is tried.

    `runs` is written last: a result that is in it is in all tables.

    Raises:
        LakeUnavailable: The lake did not answer.
        CommitContended: Other writers were faster each time. Repeating the call is safe.
    """
    recipe, folder = made.recipe, repository(made.recipe.study)
    attempt = f"{recipe.result}/{recipe.run_key}/{made.run_id}"
    for name in RECORDING_TABLES:
        write_frame(
            lake,
            folder,
            lake_table(name, recipe.runtime),
            tables[name],
            partition=("result", recipe.result),
            transaction=f"{name}/{attempt}",
            description=_DESCRIPTIONS[name],
        )
    write_frame(
        lake,
        folder,
        lake_table("dictionary", recipe.runtime),
        tables["dictionary"],
        partition=("pipeline", recipe.pipeline),
        # The same for all recordings of a pipeline: written once for it.
        transaction=f"dictionary/{recipe.pipeline}/{recipe.pipeline_sha256}/{recipe.runtime_sha256}/{_outputs(made)}",
        description=_DESCRIPTIONS["dictionary"],
    )
    write_frame(
        lake,
        folder,
        "runs",
        _run_row(made, prefix),
        partition=None,
        transaction=f"runs/{attempt}",
        description=_DESCRIPTIONS["runs"],
    )


def _outputs(made: Manifest) -> str:
    return made.tables["dictionary"].content_sha256[:16]


def forget_other_runtimes(lake: Lake, made: Manifest, earlier: pl.DataFrame) -> None:
    """Remove a recording's rows from the tables of runtimes that it was computed in before.

    Args:
        lake: The lake.
        made: The result that takes their place.
        earlier: Rows of `runs` of the same recording and pipeline.
    """
    recipe, folder = made.recipe, repository(made.recipe.study)
    for runtime in earlier["runtime"].unique().sort():
        if runtime == recipe.runtime:
            continue
        for name in RECORDING_TABLES:
            table = lake_table(name, runtime)
            if lake.find(folder, table) is None:
                continue
            write_frame(
                lake,
                folder,
                table,
                read_frame(lake, folder, table, partition=("result", recipe.result)).clear(),
                partition=("result", recipe.result),
                transaction=f"forget/{name}/{recipe.result}/{recipe.run_key}/{made.run_id}",
            )


def write_summary(
    lake: Lake, study: str, runtime: str, table: str, frame: pl.DataFrame, columns_version: str, now: datetime
) -> None:
    """Replace a summary of one runtime as a whole."""
    write_frame(
        lake,
        repository(study),
        lake_table(table, runtime),
        frame,
        partition=("study", study),
        transaction=f"{table}/{columns_version}/{now.isoformat()}",
        description=_DESCRIPTIONS[table],
    )


def runs(lake: Lake, study: str, **equal: str) -> pl.DataFrame:
    """Return every result ever stored for a study, oldest first, without manifests; empty where there is none.

    Args:
        lake: The lake.
        study: The study's id.
        equal: Only rows whose columns have these values.
    """
    return _runs(lake, study, [name for name in RUNS if name != "manifest"], equal).sort("stored_at", "run_key")


def current_runs(lake: Lake, study: str, **equal: str) -> pl.DataFrame:
    """Return the newest result of each recording and pipeline, as `runs` does."""
    return runs(lake, study, **equal).unique("result", keep="last", maintain_order=True)


def run_manifest(lake: Lake, study: str, run: Mapping[str, Any]) -> Manifest:
    """Return the record of one result, given its row of `runs`."""
    chosen = {name: run[name] for name in ("result", "run_key", "run_id")}
    return Manifest.model_validate_json(_runs(lake, study, ["manifest"], chosen)["manifest"][0])


def _runs(lake: Lake, study: str, names: list[str], equal: Mapping[str, str]) -> pl.DataFrame:
    table = lake.find(repository(study), "runs")
    if table is None:
        return pl.DataFrame(schema={name: RUNS[name] for name in names})
    wanted = None
    for name, value in equal.items():
        same = pads.field(name) == value
        wanted = same if wanted is None else wanted & same
    rows = table.to_pyarrow_dataset()
    # Tables of before the first release that knows a column lack it until the next result is stored.
    there = [name for name in names if name in rows.schema.names]
    found = pl.DataFrame(rows.to_table(columns=there, filter=wanted))
    lacking = [pl.lit(None, dtype=RUNS[name]).alias(name) for name in names if name not in there]
    return found.with_columns(lacking).select(names)


def read_recordings(lake: Lake, study: str, table: str, runtime: str) -> pl.DataFrame | None:
    """Return a table of one runtime, None where nothing was ever stored in it."""
    folder, name = repository(study), lake_table(table, runtime)
    if lake.find(folder, name) is None:
        return None
    frame = read_frame(lake, folder, name)
    fixed = {entry.column for entry in columns.provenance("day")}
    return frame.select(
        *(name for name in frame.columns if name not in fixed), *(name for name in frame.columns if name in fixed)
    )


def _run_row(made: Manifest, prefix: str) -> pl.DataFrame:
    recipe = made.recipe
    row = {
        **{name: getattr(recipe, name) for name in ("study", "subject", "visit", "recording", "pipeline", "runtime")},
        "runtime_sha256": recipe.runtime_sha256,
        "run_key": recipe.run_key,
        "recording_run_key": recipe.recording_run_key,
        "result": recipe.result,
        "state": made.state,
        "prefix": prefix,
        "run_id": made.run_id,
        "code_version": made.code_version,
        "image": made.image,
        "configuration_sha256": recipe.configuration_sha256,
        "pipeline_sha256": recipe.pipeline_sha256,
        "host": made.host,
        "started": made.started,
        "ended": made.ended,
        "stored_at": made.stored_at,
        "wall_seconds": made.cost.get("wall_seconds"),
        "cpu_seconds": made.cost.get("cpu_seconds"),
        "peak_bytes": int(made.cost.get("peak_bytes", 0)),
        "manifest": made.model_dump_json(),
    }
    return pl.DataFrame([row], schema=RUNS)
