"""Jobs and schedules of one repository."""

from typing import TYPE_CHECKING

import dagster as dg

from biolake.repositories.models import Repository

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition


def lot_job(repository: Repository, checks: dg.AssetChecksDefinition) -> "UnresolvedAssetJobDefinition":
    """Store, check and index one lot in one process: a step of its own would cost more than most lots."""
    datasets, documents = dg.AssetKey([repository.name, "datasets"]), dg.AssetKey([repository.name, "search_documents"])
    return dg.define_asset_job(
        lot_job_name(repository.name),
        selection=dg.AssetSelection.assets(datasets, documents) | dg.AssetSelection.checks(checks),
        executor_def=dg.in_process_executor,
        description=f"Stores, checks and indexes one lot of {repository.name}.",
        tags={"biolake/repository": repository.name},
    )


def lot_job_name(repository: str) -> str:
    """Name of the job that processes a repository's lots."""
    return f"{repository}_lot"


def schedules(repository: Repository) -> list[dg.ScheduleDefinition]:
    """The hourly summary and the nightly upkeep."""
    return [
        _schedule(repository, "repository_summary", "0 * * * *"),
        _schedule(repository, "table_maintenance", "30 2 * * *"),
    ]


def _schedule(repository: Repository, asset: str, cron: str) -> dg.ScheduleDefinition:
    job = dg.define_asset_job(
        f"{repository.name}_{asset}",
        selection=dg.AssetSelection.assets(dg.AssetKey([repository.name, asset])),
        executor_def=dg.in_process_executor,
    )
    return dg.ScheduleDefinition(
        job=job, cron_schedule=cron, default_status=dg.DefaultScheduleStatus.RUNNING, execution_timezone="UTC"
    )
