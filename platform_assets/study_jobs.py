"""Jobs of one study."""

from typing import TYPE_CHECKING

import dagster as dg

from biolake.studies.configuration.study import StudyConfiguration
from partitions.recordings import group_name
from sensors.studies import recording_job_name, summary_job_name

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition


def study_jobs(study: StudyConfiguration) -> list["UnresolvedAssetJobDefinition"]:
    """The job that processes one recording, and the one that catalogs, sums up and reports."""
    group = group_name(study.id)
    biomarkers, catalog, participants, visits, report = (
        dg.AssetKey([group, name]) for name in ("biomarkers", "catalog", "participants", "subject_visits", "report")
    )
    return [
        dg.define_asset_job(
            recording_job_name(study.id),
            selection=dg.AssetSelection.assets(biomarkers),
            executor_def=dg.in_process_executor,
            description=f"Processes one recording of {study.id}.",
        ),
        dg.define_asset_job(
            summary_job_name(study.id),
            selection=dg.AssetSelection.assets(catalog, participants, visits, report),
            executor_def=dg.in_process_executor,
            description=f"Catalogs and sums up {study.id}, and writes its report.",
        ),
    ]
