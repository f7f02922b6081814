"""Recomputing a stored result from what was recorded with it, and saying whether it comes out the same.

On the machine it was made on, and on any whose CPU runs the runtime's BLAS kernels, every value is the same to the last
bit; where it is not, the differences are named. Nothing that is stored is changed.
"""

import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import polars as pl

from biolake.lake.lake import Lake
from biolake.objects.errors import ObjectNotFound
from biolake.objects.store import ObjectStore
from biolake.studies.processing.models import ProcessingTask
from biolake.studies.processing.runner import process
from biolake.studies.results.columns import VOLATILE
from biolake.studies.results.errors import InputGone, RuntimeChanged, UnknownRunKey
from biolake.studies.results.lake_tables import run_manifest, runs
from biolake.studies.results.manifest import Manifest
from biolake.studies.results.publish import content_sha256
from biolake.studies.results.recipe import Recipe
from biolake.studies.results.store import all_tables
from biolake.studies.runtimes import Runtime

_TOLERANCE = 1e-9
_MOST_DIFFERENCES = 100


@dataclass(frozen=True)
class Difference:
    """Something that came out differently.

    Attributes:
        table: The table.
        column: The column; empty where the number of rows or the columns themselves differ.
        rows: Rows that differ.
        message: What differs.
        relative: Largest relative difference of numbers, None where values are missing or no numbers.
    """

    table: str
    column: str
    rows: int
    message: str
    relative: float | None = None


@dataclass(frozen=True)
class Replay:
    """How a recomputed result compares with the stored one.

    Attributes:
        run_key: Of the result.
        recording: The recording.
        pipeline: The pipeline.
        differences: All that differs, empty where every value is the same to the last bit.
    """

    run_key: str
    recording: str
    pipeline: str
    differences: tuple[Difference, ...]

    @property
    def identical(self) -> bool:
        """Whether every value is the same to the last bit."""
        return not self.differences

    @property
    def equivalent(self) -> bool:
        """Whether all that differs are last digits, as another CPU's kernels give them (1e-9 relative)."""
        return all(entry.relative is not None and entry.relative <= _TOLERANCE for entry in self.differences)

    def __str__(self) -> str:
        what = f"{self.run_key} ({self.recording}, {self.pipeline})"
        if self.identical:
            return f"{what}: identical"
        kind = "equal within 1e-9" if self.equivalent else "different"
        lines = [f"  {entry.table}: {entry.message}" for entry in self.differences]
        return "\n".join([f"{what}: {kind}", *lines])


def find_results(run_key: str, study: str, lake: Lake) -> list[tuple[Manifest, str]]:
    """Return the records and prefixes of the results with a run key: of a pipeline, or of a recording as a whole.

    Raises:
        UnknownRunKey: There are none.
    """
    known = runs(lake, study)
    found = known.filter((pl.col("run_key") == run_key) | (pl.col("recording_run_key") == run_key))
    newest = found.unique(["result", "run_key"], keep="last", maintain_order=True)
    if newest.is_empty():
        raise UnknownRunKey(
            f"{study}: no results were stored under the run key {run_key}. "
            f"`biolake study results {study} runs` lists those there are."
        )
    return [(run_manifest(lake, study, run), run["prefix"]) for run in newest.iter_rows(named=True)]


def replay(
    run_key: str,
    study: str,
    lake: Lake,
    results_store: ObjectStore,
    stores: Mapping[str, ObjectStore],
    open_runtime: Callable[[str], Runtime],
    folder: Path,
) -> list[Replay]:
    """Recompute the results with a run key and compare them with what is stored.

    Args:
        run_key: Of a pipeline's result, or of a recording: then all its pipelines.
        study: The study's id.
        lake: The lake.
        results_store: The study's place for results.
        stores: The study's sources by name.
        open_runtime: Gives a runtime by its name.
        folder: An empty folder for inputs and outputs.

    Raises:
        UnknownRunKey: Nothing was stored under it.
        InputGone: A file is no longer there, or no longer what it was.
        RuntimeChanged: The runtime of that name is another one now.
        RuntimeBroken: The runtime cannot be started.
    """
    found = find_results(run_key, study, lake)
    return [
        _replay(made, prefix, results_store, stores, open_runtime, folder / str(number))
        for number, (made, prefix) in enumerate(found)
    ]


def _replay(
    made: Manifest,
    prefix: str,
    results_store: ObjectStore,
    stores: Mapping[str, ObjectStore],
    open_runtime: Callable[[str], Runtime],
    folder: Path,
) -> Replay:
    recipe = made.recipe
    runtime = open_runtime(recipe.runtime)
    if runtime.digest != recipe.runtime_sha256:
        raise RuntimeChanged(
            f"{recipe.runtime}: its lock, interpreter or patches are not those of run {made.run_id}. "
            "Take the runtime's folder from the version of the project that was used then."
        )
    folder.mkdir(parents=True, exist_ok=True)
    files = tuple(_fetch(recipe, number, stores, folder / "in") for number in range(len(recipe.files)))
    pipeline = folder / "pipeline.skdh"
    pipeline.write_text(recipe.pipeline_text)
    task = ProcessingTask(
        f"replay {recipe.run_key}", files, pipeline, folder / "out", recipe.arguments, clock=recipe.clock
    )
    outcome = process(task, runtime, recipe.processing_limits())
    tables = all_tables(recipe, outcome, code_version=made.code_version, run_id=made.run_id)
    return Replay(
        recipe.run_key, recipe.recording, recipe.pipeline, compare(made, tables, _reader(results_store, prefix))
    )


def _fetch(recipe: Recipe, number: int, stores: Mapping[str, ObjectStore], folder: Path) -> Path:
    file = recipe.files[number]
    # Each in a folder of its own: two files of a recording may have one name.
    target = folder / str(number) / PurePosixPath(file.key).name
    target.parent.mkdir(parents=True, exist_ok=True)
    if file.source not in stores:
        raise InputGone(f"{file.uri}: the study has no source {file.source!r} any more. Add it again to replay.")
    store = stores[file.source]
    try:
        digest = store.fetch(store.head(file.key), target)
    except ObjectNotFound as error:
        raise InputGone(f"{file.uri} is no longer there. Restore it to replay the result.") from error
    if digest != file.sha256:
        raise InputGone(
            f"{file.uri} has other bytes than when the result was computed ({file.sha256[:12]}). "
            "Restore that version to replay the result."
        )
    return target


def _reader(store: ObjectStore, prefix: str) -> Callable[[str], pl.DataFrame | None]:
    def read(table: str) -> pl.DataFrame | None:
        try:
            return pl.read_parquet(io.BytesIO(store.get(f"{prefix}{table}.parquet")))
        except ObjectNotFound:
            return None

    return read


def compare(
    made: Manifest, tables: Mapping[str, pl.DataFrame], stored: Callable[[str], pl.DataFrame | None]
) -> tuple[Difference, ...]:
    """Return what differs between recomputed tables and stored ones.

    Args:
        made: The record of the stored result.
        tables: The recomputed tables.
        stored: Gives a stored table, None where only its hash is kept.
    """
    found: list[Difference] = []
    for name, record in made.tables.items():
        if name not in tables:
            found.append(Difference(name, "", record.rows, "is not made any more"))
        elif content_sha256(tables[name]) != record.content_sha256:
            before = stored(name)
            if before is None:
                found.append(Difference(name, "", tables[name].height, "has other values; the table was not published"))
            else:
                found += differences(name, before, tables[name])
    return tuple(found[:_MOST_DIFFERENCES])


def differences(table: str, before: pl.DataFrame, now: pl.DataFrame) -> list[Difference]:
    """Return what differs between two versions of a table, column by column."""
    found: list[Difference] = []
    missing = sorted(set(before.columns) ^ set(now.columns))
    if missing:
        found.append(Difference(table, "", 0, f"columns differ: {', '.join(missing)}"))
    if before.height != now.height:
        return [*found, Difference(table, "", 0, f"{before.height} rows before, {now.height} now")]
    for name in before.columns:
        if name in now.columns and name not in VOLATILE:
            unequal = _column(table, before[name], now[name])
            found += [unequal] if unequal is not None else []
    # The hash differs though no value does: a column's type or its place changed.
    return found or [Difference(table, "", 0, "the order or the types of columns differ")]


def _column(table: str, before: pl.Series, now: pl.Series) -> Difference | None:
    if before.dtype != now.dtype:
        return Difference(table, before.name, before.len(), f"{before.name}: {before.dtype} before, {now.dtype} now")
    unequal = (before.ne_missing(now)).to_list()
    rows = sum(unequal)
    if not rows:
        return None
    pairs = [(a, b) for a, b, other in zip(before, now, unequal, strict=True) if other]
    relative = _relative(pairs) if before.dtype.is_float() else None
    first = f"{pairs[0][0]} before, {pairs[0][1]} now"
    size = f", at most {relative:.1e} relative" if relative is not None else ""
    return Difference(table, before.name, rows, f"{before.name}: {rows} rows differ{size} ({first})", relative)


def _relative(pairs: list[tuple[float | None, float | None]]) -> float | None:
    largest = 0.0
    for a, b in pairs:
        if a is None or b is None or not (math.isfinite(a) and math.isfinite(b)):
            return None
        largest = max(largest, abs(a - b) / max(abs(a), abs(b)))
    return largest
