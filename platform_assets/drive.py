"""Run a repository's own sensor and its runs in this process until nothing is left to do: no daemon, no UI.

Used by `biolake ingest --wait` and `biolake demo`; the sensor, the jobs and the assets are those of the deployment.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from biolake.errors import BiolakeError
from biolake.ledger.jobs import find_jobs
from biolake.ledger.models import ENDED, Job, JobState
from biolake.platform import Platform
from partitions.lots import lots_name
from platform_assets.definitions import build_definitions
from platform_assets.home import dagster_home
from platform_assets.jobs import lot_job_name
from resources.platform import PlatformResource
from sensors.arrivals import arrival_sensor_name

_LOG = logging.getLogger(__name__)

_PAUSE_SECONDS = 0.5


class DidNotFinish(BiolakeError):
    """Jobs were still unfinished when the time was over."""


@contextmanager
def local_instance(home: Path) -> Iterator[dg.DagsterInstance]:
    """The deployment's Dagster instance: the same runs and assets that the UI shows."""
    with dg.DagsterInstance.from_config(str(dagster_home(home))) as instance:
        yield instance


def drive_repository(
    platform: Platform,
    instance: dg.DagsterInstance,
    repository: str,
    *,
    timeout: float = 3600.0,
    progress: Callable[[list[Job]], None] | None = None,
) -> list[Job]:
    """Tick the repository's arrival sensor and execute what it asks for until all jobs have ended.

    Args:
        platform: The deployment.
        instance: Where runs are recorded.
        repository: Name.
        timeout: Seconds.
        progress: Told the unfinished jobs after each round.

    Returns:
        The jobs that ended meanwhile, oldest first. Jobs that wait for other files stay as they are.

    Raises:
        UnknownRepository: No document describes it.
        EmptyListing: The folder lists nothing but held objects.
        DidNotFinish: Time was over.
    """
    platform.repositories.get(repository)
    resources = {"platform": PlatformResource()}
    definitions = build_definitions(platform.repositories, resources)
    sensor = definitions.get_sensor_def(arrival_sensor_name(repository))
    deadline = time.monotonic() + timeout
    with platform.ledger.reading() as connection:
        before = {job.id for job in find_jobs(connection, repository) if job.state in ENDED}
    while True:
        with dg.build_sensor_context(instance=instance, resources=resources) as context:
            tick = sensor(context)
        assert isinstance(tick, dg.SensorResult)
        for addition in tick.dynamic_partitions_requests or ():
            instance.add_dynamic_partitions(lots_name(repository), list(addition.partition_keys))
        for request in tick.run_requests or ():
            _execute(definitions, instance, repository, request)
        with platform.ledger.reading() as connection:
            jobs = find_jobs(connection, repository)
        waiting = [job for job in jobs if job.state not in ENDED and job.state != JobState.PENDING_PAIR]
        if progress is not None:
            progress(waiting)
        unsettled = "still being written" in (tick.skip_reason.skip_message or "" if tick.skip_reason else "")
        # Only a tick without lots tells whether objects are still too young to be read.
        if not waiting and not unsettled and not tick.run_requests:
            return [job for job in jobs if job.state in ENDED and job.id not in before]
        if time.monotonic() > deadline:
            raise DidNotFinish(
                f"{repository}: {len(waiting)} jobs have not ended after {timeout:.0f} s. See `biolake jobs`; another "
                "process may hold their lot."
            )
        if waiting or unsettled:
            time.sleep(_PAUSE_SECONDS)


def _execute(
    definitions: dg.Definitions, instance: dg.DagsterInstance, repository: str, request: dg.RunRequest
) -> None:
    """Execute a request as the daemon would: once per run key."""
    if request.run_key and instance.get_runs(dg.RunsFilter(tags={"dagster/run_key": request.run_key}), limit=1):
        return
    job = definitions.resolve_job_def(lot_job_name(repository))
    job.execute_in_process(
        instance=instance,
        partition_key=request.partition_key,
        tags={**request.tags, "dagster/run_key": request.run_key or ""},
        run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}},
        raise_on_error=False,
    )
