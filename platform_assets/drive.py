"""Run a repository's or a study's own sensor and runs in this process until nothing is left to do: no daemon, no UI.

Used by `biolake ingest --wait`, `biolake study process --wait` and `biolake demo`; the sensors, jobs and assets are
those of the deployment.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from biolake.errors import BiolakeError
from biolake.ledger.jobs import find_jobs
from biolake.ledger.models import ENDED, Job, JobState
from biolake.platform import Platform
from biolake.settings import Settings
from biolake.studies.catalog.status import under_way
from partitions.lots import lots_name
from partitions.recordings import recordings_name
from platform_assets.definitions import build_definitions
from platform_assets.home import dagster_home, made_instance_folder, ready_instance
from platform_assets.jobs import lot_job_name
from resources.platform import PlatformResource
from sensors.arrivals import NOTHING_NEW, arrival_sensor_name
from sensors.landing_events import EVENTS_SENSOR
from sensors.studies import study_sensor_name

_PAUSE_SECONDS = 0.5


class DidNotFinish(BiolakeError):
    """Jobs were still unfinished when the time was over."""


@contextmanager
def deployment_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The deployment's Dagster instance: the same runs and assets that the UI shows.

    Raises:
        DagsterStorageNotSet: Dagster's database is not named.
        DagsterStorageUnavailable: It does not answer.
    """
    with ready_instance(settings.home, made_instance_folder(settings)) as instance:
        yield instance


@contextmanager
def local_instance(home: Path) -> Iterator[dg.DagsterInstance]:
    """The instance in a state folder."""
    with ready_instance(home, dagster_home(home)) as instance:
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
    events = platform.settings.events is not None
    definitions = build_definitions(platform.repositories, platform.studies, resources, events=events)
    sensor = definitions.get_sensor_def(arrival_sensor_name(repository))
    deadline = time.monotonic() + timeout
    with platform.ledger.reading() as connection:
        before = {job.id for job in find_jobs(connection, repository) if job.state in ENDED}
    while True:
        if events:
            with dg.build_sensor_context(instance=instance, resources=resources) as context:
                definitions.get_sensor_def(EVENTS_SENSOR)(context)
        tick = _tick(sensor, instance, resources, lots_name(repository))
        for request in tick.run_requests or ():
            _execute(definitions.resolve_job_def(lot_job_name(repository)), instance, request)
        with platform.ledger.reading() as connection:
            jobs = find_jobs(connection, repository)
        waiting = [job for job in jobs if job.state not in ENDED and job.state != JobState.PENDING_PAIR]
        if progress is not None:
            progress(waiting)
        said = (tick.skip_reason.skip_message if tick.skip_reason else None) or NOTHING_NEW
        unsettled = said != NOTHING_NEW
        # Only a tick without lots tells whether objects are still too young to be read.
        if not waiting and not unsettled and not tick.run_requests:
            return [job for job in jobs if job.state in ENDED and job.id not in before]
        if time.monotonic() > deadline:
            raise DidNotFinish(
                f"{repository}: {len(waiting)} jobs have not ended after {timeout:.0f} s ({said}). See `biolake jobs`; "
                "another process may hold their lot."
            )
        if waiting or unsettled:
            time.sleep(_PAUSE_SECONDS)


def drive_study(
    platform: Platform,
    instance: dg.DagsterInstance,
    study: str,
    *,
    timeout: float = 24 * 3600.0,
    progress: Callable[[str], None] | None = None,
) -> int:
    """Tick a study's sensor and execute what it asks for until nothing is ready any more.

    Recordings that wait for something, or for a person, stay as they are.

    Args:
        platform: The deployment.
        instance: Where runs are recorded.
        study: Id.
        timeout: Seconds.
        progress: Told the key of each recording before it is processed.

    Returns:
        How many runs were executed.

    Raises:
        StudyUnknown: There is no such study.
        SourceUnavailable: A source cannot be listed.
        DidNotFinish: Time was over.
    """
    one = platform.studies.get(study)
    resources = {"platform": PlatformResource()}
    definitions = build_definitions(platform.repositories, platform.studies, resources)
    sensor = definitions.get_sensor_def(study_sensor_name(one.id))
    deadline = time.monotonic() + timeout
    executed = 0
    while time.monotonic() < deadline:
        tick = _tick(sensor, instance, resources, recordings_name(one.id))
        fresh = [request for request in tick.run_requests or () if not _launched(instance, request)]
        for request in fresh:
            if progress is not None:
                progress(request.partition_key or "summary and report")
            _execute(definitions.resolve_job_def(request.job_name or ""), instance, request)
            executed += 1
        # Also what another process works on: if it is dead, its recordings are given back here.
        if not fresh and not under_way(one, platform.study_engine):
            return executed
        if not fresh:
            time.sleep(_PAUSE_SECONDS)
    raise DidNotFinish(f"{study}: not done after {timeout:.0f} s. `biolake study status {study}` tells what is left.")


def _tick(
    sensor: dg.SensorDefinition, instance: dg.DagsterInstance, resources: dict[str, PlatformResource], partitions: str
) -> dg.SensorResult:
    with dg.build_sensor_context(instance=instance, resources=resources) as context:
        tick = sensor(context)
    assert isinstance(tick, dg.SensorResult)
    for addition in tick.dynamic_partitions_requests or ():
        instance.add_dynamic_partitions(partitions, list(addition.partition_keys))
    return tick


def _launched(instance: dg.DagsterInstance, request: dg.RunRequest) -> bool:
    tags = {"dagster/run_key": request.run_key or ""}
    return bool(request.run_key and instance.get_runs(dg.RunsFilter(tags=tags), limit=1))


def _execute(job: dg.JobDefinition, instance: dg.DagsterInstance, request: dg.RunRequest) -> None:
    """Execute a request as the daemon would: once per run key."""
    if _launched(instance, request):
        return
    job.execute_in_process(
        instance=instance,
        partition_key=request.partition_key,
        tags={**request.tags, "dagster/run_key": request.run_key or ""},
        run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}},
        raise_on_error=False,
    )
