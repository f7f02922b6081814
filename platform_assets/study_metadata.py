"""What a study's materializations show in Dagster's UI."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg
import polars as pl
from sqlalchemy import Engine

from biolake.objects.store import open_store
from biolake.platform import Platform
from biolake.studies.catalog.status import counts, status
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.participants.store import load_participants
from biolake.studies.recordings.journey import ProcessedRecording
from biolake.studies.report.gather_recording import recording_page
from biolake.studies.report.gather_study import study_page
from biolake.studies.report.publish import publish_recording_page, publish_study_page
from biolake.studies.tables import reading

_MOST_ROWS = 200


@dataclass(frozen=True)
class CatalogMetadata:
    """What the catalog and the participants show."""

    catalog: dict[str, dg.MetadataValue]
    participants: dict[str, dg.MetadataValue]


def catalog_metadata(study: StudyConfiguration, engine: Engine) -> CatalogMetadata:
    """Files by state, those that need a person, and how many participants there are."""
    files = status(study, engine)
    by_state = counts(study, engine)
    told = files.filter(pl.col("current") & ~pl.col("state").is_in(["processed", "ready", "processing"]))
    with reading(engine) as connection:
        subjects = load_participants(study, connection).subjects
    return CatalogMetadata(
        {
            "dagster/row_count": dg.MetadataValue.int(files.height),
            "by_state": dg.MetadataValue.table(
                [dg.TableRecord({"state": state.value, "files": number}) for state, number in sorted(by_state.items())]
                or [dg.TableRecord({"state": "no files", "files": 0})]
            ),
            "not_processed": dg.MetadataValue.table(
                [
                    dg.TableRecord({"file": row["key"], "state": row["state"], "reason": row["reason"]})
                    for row in told.head(_MOST_ROWS).iter_rows(named=True)
                ]
                or [dg.TableRecord({"file": "none", "state": "", "reason": ""})]
            ),
        },
        {"dagster/row_count": dg.MetadataValue.int(len(subjects))},
    )


def recording_metadata(
    study: StudyConfiguration, done: ProcessedRecording, platform: Platform
) -> dict[str, dg.MetadataValue]:
    """Write a recording's page; show what became of it: state, each pipeline's codes, cost, results and actogram."""
    rows = [
        dg.TableRecord(
            {
                "pipeline": name,
                "state": outcome.state.value,
                "quality": ", ".join(outcome.qc_codes),
                "reason": outcome.reason,
                "seconds": round(outcome.cost.wall_seconds, 1),
                "peak_gib": round(outcome.cost.peak_bytes / 1024**3, 2),
                "results": done.stored[name].uri if name in done.stored else "",
            }
        )
        for name, outcome in done.outcomes.items()
    ]
    metadata: dict[str, dg.MetadataValue] = {"state": dg.MetadataValue.text(done.state.value)}
    if done.reason:
        metadata["reason"] = dg.MetadataValue.text(done.reason)
    if done.qc_codes:
        metadata["quality"] = dg.MetadataValue.text(", ".join(done.qc_codes))
    store = open_store(study.document.results.uri, create=True)
    key = done.recording.key
    page = recording_page(study, platform.study_engine, platform.lake, store, key, datetime.now(UTC))
    metadata["page"] = _link(publish_recording_page(study, page))
    for result in page.results:
        if result.actogram:
            metadata[f"actogram_{result.pipeline}"] = _picture(result.actogram)
    if rows:
        metadata["pipelines"] = dg.MetadataValue.table(rows)
    if done.reused:
        metadata["unchanged_pipelines"] = dg.MetadataValue.text(", ".join(sorted(done.reused)))
    row_counts = {name: stored.rows for name, stored in done.stored.items()}
    if row_counts:
        metadata["rows"] = dg.MetadataValue.json(row_counts)
    metadata["files"] = dg.MetadataValue.json([file.key for file in done.recording.files])
    metadata["run_key"] = dg.MetadataValue.text(done.recording.inputs.run_key)
    metadata["inputs"] = dg.MetadataValue.json(dict(done.recording.inputs.parts))
    return metadata


def report_metadata(study: StudyConfiguration, platform: Platform) -> dict[str, dg.MetadataValue]:
    """Write the study's report to its place for results; show its address and its plots."""
    page = study_page(study, platform.study_engine, platform.lake, datetime.now(UTC))
    metadata: dict[str, dg.MetadataValue] = {"report": _link(publish_study_page(study, page))}
    for name, picture in (("wear_time", page.wear), ("enrolment", page.enrolment)):
        if picture:
            metadata[name] = _picture(picture)
    return metadata


def _link(uri: str) -> dg.MetadataValue:
    return dg.MetadataValue.url(uri) if uri.startswith("http") else dg.MetadataValue.path(uri)


def _picture(svg: str) -> dg.MetadataValue:
    return dg.MetadataValue.md(f"![picture](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})")
