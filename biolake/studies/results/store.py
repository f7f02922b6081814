"""Storing what one recording and pipeline gave: files in the study's place for results, rows in the lake.

The files come first, so that what the lake shows is also there as files; the manifest comes last, so that a result that
has one is stored everywhere and need not be computed again. Summaries over recordings are `read`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import polars as pl

from biolake.lake.lake import Lake
from biolake.objects.store import ObjectStore
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.models import Recording
from biolake.studies.processing.models import Outcome
from biolake.studies.results.exclude import exclusions
from biolake.studies.results.lake_tables import forget_other_runtimes, runs, write_recording
from biolake.studies.results.layout import layouts
from biolake.studies.results.manifest import SUPERSEDED, Manifest, manifest
from biolake.studies.results.publish import (
    publish_files,
    publish_manifest,
    read_manifest,
    records,
    supersede,
    table_files,
)
from biolake.studies.results.recipe import Recipe, recipe, results_prefix
from biolake.studies.results.summarise import summarise, summed_up
from biolake.studies.results.tables import RecordingTables, build_tables


@dataclass(frozen=True)
class StoredResults:
    """What was stored.

    Attributes:
        run_key: Of the result.
        prefix: Folder of its files below the study's results.
        uri: The same as an address.
        rows: Number of rows by table.
        tables: The tables themselves.
        manifest: Its record.
        same_as_before: Whether a result of the same run key was there and had the same values; None where none was.
    """

    run_key: str
    prefix: str
    uri: str
    rows: dict[str, int]
    tables: dict[str, pl.DataFrame]
    manifest: Manifest
    same_as_before: bool | None


def store_results(
    study: StudyConfiguration,
    recording: Recording,
    outcome: Outcome,
    lake: Lake,
    results_store: ObjectStore,
    run_id: str,
    *,
    pipeline: str,
    now: datetime | None = None,
    code_version: str | None = None,
    image: str | None = None,
) -> StoredResults:
    """Store what one pipeline made of a recording; repeating the call changes nothing.

    Args:
        study: The configuration.
        recording: The recording, with the inputs that processing began with.
        outcome: What processing answered; one that failed has a row in `file_qc` and no other.
        lake: The lake.
        results_store: The study's place for results.
        run_id: The run.
        pipeline: Name of the pipeline.
        now: The time, UTC.
        code_version: Version of the platform's code.
        image: Container image of this process.

    Raises:
        OutputUnusable: A step returned what its table has no place for.
        StoreUnavailable: The place for results did not take a file.
        LakeUnavailable: The lake did not answer.
        CommitContended: Other writers were faster each time.
    """
    now = now or datetime.now(UTC)
    code_version = code_version or version("biolake")
    made_from = recipe(study, recording, pipeline)
    tables = all_tables(made_from, outcome, code_version=code_version, run_id=run_id)
    wanted = study.document.results
    published = {name: frame for name, frame in tables.items() if name in _published(wanted.tables)}
    files = table_files(published, wanted.formats)
    record = manifest(made_from, outcome, records(tables, files), now, run_id, code_version, image)
    prefix = results_prefix(wanted.prefix, made_from)
    before = read_manifest(results_store, prefix)
    publish_files(results_store, prefix, files, record)
    earlier = _earlier(lake, made_from)
    write_recording(lake, record, tables, prefix)
    forget_other_runtimes(lake, record, earlier)
    # The one before is marked; those before it were when it came.
    for row in earlier.filter(pl.col("prefix") != prefix).tail(1).iter_rows(named=True):
        supersede(results_store, row["prefix"], made_from.run_key, now, keep=wanted.keep_superseded)
    publish_manifest(results_store, prefix, record)
    return StoredResults(
        run_key=made_from.run_key,
        prefix=prefix,
        uri=results_store.uri(prefix),
        rows={name: frame.height for name, frame in tables.items()},
        tables=tables,
        manifest=record,
        same_as_before=None if before is None else _same(before, record),
    )


def stored(
    study: StudyConfiguration, recording: Recording, pipeline: str, results_store: ObjectStore
) -> Manifest | None:
    """Return the record of a recording's result if it is there and current, so that nothing needs to be computed.

    Only a recording that was processed counts; one that crashed may be tried again.
    """
    prefix = results_prefix(study.document.results.prefix, recipe(study, recording, pipeline))
    found = read_manifest(results_store, prefix)
    if found is None or found.state != "processed":
        return None
    marked = any(version.key.endswith(f"/{SUPERSEDED}") for version in results_store.list(prefix))
    return None if marked else found


def all_tables(made_from: Recipe, outcome: Outcome, *, code_version: str, run_id: str) -> dict[str, pl.DataFrame]:
    """Return every table of one result, with what the study's rules say of this recording alone."""
    built = build_tables(made_from, outcome, code_version=code_version, run_id=run_id)
    return {**built.tables, **_judged(built, made_from), "biomarkers": built.biomarkers}


def _judged(built: RecordingTables, made_from: Recipe) -> dict[str, pl.DataFrame]:
    """Return what the study's rules say of this recording alone; over all recordings it is made anew by `read`."""
    tables, rules = built.tables, made_from.exclusion
    three = (tables["file_qc"], tables["day"], tables["night"])
    return {
        "exclusions": exclusions(*three, rules),
        "subject_visit": summarise(*three, summed_up(layouts(made_from)), rules),
    }


def _published(wanted: tuple[str, ...]) -> set[str]:
    # Steps belong to bouts; the long form is another shape of the same values; reports draw the movement.
    return {*wanted, "biomarkers", "movement", *(("step",) if "bout" in wanted else ())}


def _earlier(lake: Lake, made_from: Recipe) -> pl.DataFrame:
    return runs(lake, made_from.study, result=made_from.result)


def _same(before: Manifest, now: Manifest) -> bool:
    return all(
        before.tables[name].content_sha256 == record.content_sha256
        for name, record in now.tables.items()
        if name in before.tables
    )
