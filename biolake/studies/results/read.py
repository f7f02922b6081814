"""Reading a study's results: tables of one runtime, days and nights with the rule that leaves them out, summaries.

Exclusions and summaries are made from all recordings when they are read, by the rules as they are now.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

import polars as pl

from biolake.lake.lake import Lake
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.results import columns
from biolake.studies.results.errors import MixedRuntimes, UnknownTable
from biolake.studies.results.exclude import excluded_days, excluded_nights, exclusions, with_exclusions
from biolake.studies.results.lake_tables import (
    RECORDING_TABLES,
    current_runs,
    read_recordings,
    run_manifest,
    write_summary,
)
from biolake.studies.results.layout import layouts
from biolake.studies.results.long import SCHEMA as LONG
from biolake.studies.results.measures.measure import Measure
from biolake.studies.results.summarise import excluded_visits, summarise, summed_up
from biolake.studies.results.upkeep import compact

TABLES = (*RECORDING_TABLES, "subject_visit", "exclusions", "dictionary", "runs")
_SUMMARIES = ("subject_visit", "exclusions")
_ORDER = ("recording", "pipeline", "date", "start_utc", "window_start")


class ResultsReader:
    """A study's current results, every table read from the lake at most once."""

    def __init__(self, study: StudyConfiguration, lake: Lake) -> None:
        """Name the study; nothing is read yet."""
        self._study = study
        self._lake = lake
        self._frames: dict[tuple[str, str], pl.DataFrame] = {}

    @cached_property
    def runs(self) -> pl.DataFrame:
        """The newest result of each recording and pipeline."""
        return current_runs(self._lake, self._study.id)

    def table(
        self, table: str, *, runtime: str | None = None, pipeline: str | None = None, mixed: bool = False
    ) -> pl.DataFrame:
        """Return a table, as `results_table` does."""
        if table not in TABLES:
            raise UnknownTable(f"{self._study.id}: there is no table {table!r}. Choose one of {', '.join(TABLES)}.")
        newest = self.runs if pipeline is None else self.runs.filter(pl.col("pipeline") == pipeline)
        if table == "runs":
            return newest
        frames = [self._of_runtime(table, name, newest) for name in self._runtimes(newest, runtime, table, mixed=mixed)]
        if not frames:
            return pl.DataFrame(schema=_empty(table))
        return frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal_relaxed")

    def _runtimes(self, newest: pl.DataFrame, runtime: str | None, table: str, *, mixed: bool) -> Sequence[str]:
        """Return the runtimes to read: the one asked for, or the only one there is."""
        present = newest["runtime"].unique().sort().to_list()
        if runtime is not None:
            return [runtime] if runtime in present else []
        if mixed or len(present) <= 1:
            return present
        used = ", ".join(present)
        raise MixedRuntimes(
            f"{self._study.id}: {table} has results of {len(present)} runtimes ({used}), which must not be compared "
            "unawares. Choose one with --runtime, or one pipeline with --pipeline, or ask for all with --mixed."
        )

    def _of_runtime(self, table: str, runtime: str, newest: pl.DataFrame) -> pl.DataFrame:
        rules = self._study.document.exclusion
        mine = newest.filter(pl.col("runtime") == runtime)
        if table in _SUMMARIES:
            files, days, nights = (self._rows(name, runtime, mine) for name in ("file_qc", "day", "night"))
            summary = summarise(files, days, nights, self._measures(mine), rules)
            if table == "subject_visit":
                return summary
            return pl.concat([exclusions(files, days, nights, rules), excluded_visits(summary)])
        frame = self._rows(table, runtime, mine)
        if table == "day":
            return with_exclusions(frame, excluded_days(frame, rules))
        if table == "night":
            return with_exclusions(frame, excluded_nights(frame, rules))
        return frame

    def _rows(self, table: str, runtime: str, newest: pl.DataFrame) -> pl.DataFrame:
        """Return the rows of current results only: a recording may be stored in the lake and not yet in `runs`."""
        frame = self._stored(table, runtime)
        if table == "dictionary":
            return frame.filter(pl.col("pipeline").is_in(newest["pipeline"].unique().to_list()))
        current = newest.select("result", "run_key")
        order = [name for name in _ORDER if name in frame.columns]
        return frame.join(current, on=["result", "run_key"], how="semi").sort(order, maintain_order=True)

    def _stored(self, table: str, runtime: str) -> pl.DataFrame:
        key = (table, runtime)
        if key not in self._frames:
            frame = read_recordings(self._lake, self._study.id, table, runtime)
            self._frames[key] = frame if frame is not None else pl.DataFrame(schema=_empty(table))
        return self._frames[key]

    def _measures(self, newest: pl.DataFrame) -> list[Measure]:
        """Return the measures that are summed up over the current results' pipelines, each once."""
        found: dict[tuple[str, str], Measure] = {}
        for run in newest.unique(["pipeline", "pipeline_sha256"], maintain_order=True).iter_rows(named=True):
            for entry in summed_up(layouts(run_manifest(self._lake, self._study.id, run).recipe)):
                found.setdefault((entry.table, entry.column), entry)
        return list(found.values())


def results_table(
    study: StudyConfiguration,
    table: str,
    lake: Lake,
    *,
    runtime: str | None = None,
    pipeline: str | None = None,
    mixed: bool = False,
) -> pl.DataFrame:
    """Return a table of a study's current results.

    `day` and `night` have two columns more than stored: `excluded` and `exclusion_rules`, by the rules as they are now.

    Args:
        study: The configuration.
        table: `file_qc`, `day`, `night`, `bout`, `step`, `biomarkers`, `subject_visit`, `exclusions`, `dictionary` or
            `runs`.
        lake: The lake.
        runtime: Only results of this runtime.
        pipeline: Only results of this pipeline.
        mixed: Put results of several runtimes into one table; each row says which it is of.

    Raises:
        UnknownTable: There is no such table.
        MixedRuntimes: There are results of several runtimes and none was chosen.
        LakeUnavailable: The lake did not answer.
    """
    return ResultsReader(study, lake).table(table, runtime=runtime, pipeline=pipeline, mixed=mixed)


def summarise_subject_visits(
    study: StudyConfiguration, lake: Lake, *, runtime: str | None = None, mixed: bool = False
) -> pl.DataFrame:
    """Return a row per subject, visit, place and pipeline: days that count, and means over all, weekdays, weekends.

    Raises:
        MixedRuntimes: There are results of several runtimes and none was chosen.
    """
    return results_table(study, "subject_visit", lake, runtime=runtime, mixed=mixed)


def store_summaries(study: StudyConfiguration, lake: Lake, now: datetime) -> dict[str, int]:
    """Write `subject_visit` and `exclusions` of every runtime to the lake, and return their rows by lake table.

    Small files of the study's tables are joined before.
    """
    compact(lake, study.id)
    reader = ResultsReader(study, lake)
    written: dict[str, int] = {}
    for runtime in reader.runs["runtime"].unique().sort():
        for table in _SUMMARIES:
            frame = reader.table(table, runtime=runtime)
            write_summary(lake, study.id, runtime, table, frame, study.sha256[:16], now)
            written[f"{table} {runtime}"] = frame.height
    return written


def _empty(table: str) -> dict[str, pl.DataType]:
    """Return the columns of a table of which there are no rows yet."""
    if table == "biomarkers":
        return dict(LONG)
    if table == "dictionary":
        return dict(columns.DICTIONARY)
    if table == "subject_visit":
        return columns.schema_of(columns.SUBJECT_VISIT)
    own = {
        "file_qc": columns.FILE_QC,
        "day": columns.DAY,
        "night": columns.NIGHT,
        "bout": columns.BOUT,
        "step": columns.STEP,
        "exclusions": columns.EXCLUSIONS,
    }[table]
    return columns.schema_of((*columns.who("day"), *own, *columns.provenance("day")))
