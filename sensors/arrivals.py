"""One arrival sensor per repository: it asks for one run per lot."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from biolake.arrivals.observe import Observation
from biolake.arrivals.tick import due_tick
from biolake.ledger.models import Lot, Priority
from biolake.repositories.models import Repository
from partitions.lots import lots_of
from resources.platform import PlatformResource
from sensors.lost_runs import LOT_TAG, follow_lost_runs
from sensors.machines import machine_tags

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

NOTHING_NEW = "nothing new"
PRIORITY_TAG = "dagster/priority"
_PRIORITIES = {Priority.HIGH: 10, Priority.MEDIUM: 0, Priority.LOW: -10}


def arrival_sensor(
    repository: Repository, job: "UnresolvedAssetJobDefinition", *, interval_seconds: int = 5
) -> dg.SensorDefinition:
    """Look at a repository's folder, cut lots, and ask for a run of each lot that is not done."""

    @dg.sensor(
        name=arrival_sensor_name(repository.name),
        job=job,
        minimum_interval_seconds=interval_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            f"Finds new, changed and deleted objects in `{repository.folder}` and asks for one run per lot of them. "
            "An empty listing where there were objects is reported as an outage and deletes nothing."
        ),
    )
    def arrivals(context: dg.SensorEvaluationContext, platform: PlatformResource) -> dg.SensorResult:
        here = platform.platform
        silent = timedelta(seconds=here.settings.silent_seconds)
        follow_lost_runs(context.instance, here.ledger, here.lake_store, repository.name, datetime.now(UTC), silent)
        found = due_tick(repository, here.bucket, here.lake_store, here.ledger, here.settings)
        known = (
            set(context.instance.get_dynamic_partitions(lots_of(repository.name).name or "")) if found.lots else set()
        )
        fresh = [lot.key for lot in found.lots if lot.key not in known]
        return dg.SensorResult(
            run_requests=[
                run_request(lot, repository.priority, machine_tags(here, context.instance, lot)) for lot in found.lots
            ],
            dynamic_partitions_requests=[lots_of(repository.name).build_add_request(fresh)] if fresh else [],
            skip_reason=None if found.lots else _nothing_to_do(found.observation),
        )

    return arrivals


def arrival_sensor_name(repository: str) -> str:
    """Name of a repository's arrival sensor."""
    return f"{repository}_arrivals"


def run_request(lot: Lot, priority: str, machine: Mapping[str, str] | None = None) -> dg.RunRequest:
    """The request for a lot's current attempt; asking twice for one attempt launches one run.

    Args:
        lot: The lot.
        priority: The repository's.
        machine: Tags that say on which machine it runs.
    """
    tags = {LOT_TAG: lot.key, PRIORITY_TAG: str(_PRIORITIES[Priority(priority)]), **(machine or {})}
    return dg.RunRequest(run_key=f"{lot.key}#{lot.attempt}", partition_key=lot.key, tags=tags)


def _nothing_to_do(found: Observation) -> str:
    reasons = []
    if found.unsettled:
        reasons.append(f"{found.unsettled:,} objects are still being written")
    if found.left:
        reasons.append(f"{found.left:,} changes are left for the next look")
    return "; ".join(reasons) or NOTHING_NEW
