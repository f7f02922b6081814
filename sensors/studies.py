"""One sensor per study: it catalogs, looks into arrivals, tells who waits, and asks for one run per ready recording."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg
from sqlalchemy import Engine

from biolake.machines.endings import FROM_OUTSIDE
from biolake.studies.catalog.check import check_arrivals
from biolake.studies.catalog.status import results_fingerprint, since_by_recording
from biolake.studies.catalog.update import catalog, sources_of
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.models import Recording
from biolake.studies.notifications.queue import deliver_due
from biolake.studies.recordings.progress import ready, set_state
from biolake.studies.recordings.run_beats import last_beat, recordings_in_work
from biolake.studies.states import State
from partitions.recordings import group_name, recordings_of
from resources.platform import PlatformResource
from resources.run_workers import ENDING_TAG, release_worker
from sensors.lost_runs import UNFINISHED
from sensors.machines import recording_machine_tags

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

_FILES_A_TICK = 200
_REQUESTS_A_TICK = 50
_MOST_LOST = 10
_REQUEST_TAG = "biolake/recording-request"


def study_sensor(
    study: StudyConfiguration, jobs: list["UnresolvedAssetJobDefinition"], *, interval_seconds: int = 15
) -> dg.SensorDefinition:
    """Bring a study's catalog up to date and ask for what is due."""
    partitions = recordings_of(study.id)

    @dg.sensor(
        name=study_sensor_name(study.id),
        jobs=jobs,
        minimum_interval_seconds=interval_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            f"Catalogs the sources of {study.id}, looks into files that have settled, re-evaluates what recordings "
            "wait for, delivers notifications, and asks for one run per ready recording."
        ),
    )
    def arrivals(context: dg.SensorEvaluationContext, platform: PlatformResource) -> dg.SensorResult:
        here = platform.platform
        engine, now = here.study_engine, datetime.now(UTC)
        _give_back_lost(context.instance, study, here.study_engine, now, here.settings.silent_seconds)
        try:
            stores = sources_of(study, engine, now)
            catalog(study, stores, engine, now)
            looked_into = check_arrivals(study, stores, engine, datetime.now(UTC), limit=_FILES_A_TICK)
        finally:
            # A source that is gone is told as well.
            deliver_due(engine, here.settings.notifications, os.environ, now)
        waiting = ready(study, engine)[:_REQUESTS_A_TICK]
        keys = [str(recording.key) for recording in waiting]
        known = set(context.instance.get_dynamic_partitions(partitions.name or "")) if keys else set()
        fresh = [key for key in keys if key not in known]
        since = since_by_recording(study, engine) if waiting else {}
        requests = [
            _after_lost_runs(
                context.instance,
                recording_request(
                    study.id, recording, since[str(recording.key)], recording_machine_tags(here, study, recording)
                ),
            )
            for recording in waiting
        ]
        done = results_fingerprint(study, engine)
        if not waiting and done is not None:
            requests.append(dg.RunRequest(run_key=f"summary#{done}", job_name=summary_job_name(study.id)))
        return dg.SensorResult(
            run_requests=requests,
            dynamic_partitions_requests=[partitions.build_add_request(fresh)] if fresh else [],
            skip_reason=None if requests else f"nothing is ready; looked into {looked_into} files",
        )

    return arrivals


def study_sensor_name(study: str) -> str:
    """Name of a study's sensor."""
    return f"{group_name(study)}_arrivals"


def recording_job_name(study: str) -> str:
    """Name of the job that processes one recording."""
    return f"{group_name(study)}_recording"


def summary_job_name(study: str) -> str:
    """Name of the job that sums a study up."""
    return f"{group_name(study)}_summary"


def recording_request(
    study: str, recording: Recording, since: str, machine: Mapping[str, str] | None = None
) -> dg.RunRequest:
    """The request for a recording that has been ready since then; asking twice launches one run.

    Args:
        study: Its id.
        recording: What is ready.
        since: Since when.
        machine: Tags that say on which machine it runs.
    """
    key = str(recording.key)
    return dg.RunRequest(
        run_key=f"{key}#{recording.inputs.run_key[:16]}#{since}",
        partition_key=key,
        job_name=recording_job_name(study),
        tags=dict(machine or {}),
    )


def _after_lost_runs(instance: dg.DagsterInstance, request: dg.RunRequest) -> dg.RunRequest:
    """Ask for a run anew where one ended before it took its recording up, which is then ready as it was."""
    asked = {_REQUEST_TAG: request.run_key or ""}
    ended = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    lost = min(instance.get_runs_count(dg.RunsFilter(tags=asked, statuses=ended)), _MOST_LOST)
    run_key = f"{request.run_key}#{lost}" if lost else request.run_key
    return dg.RunRequest(
        run_key=run_key,
        partition_key=request.partition_key,
        job_name=request.job_name,
        tags={**request.tags, **asked},
    )


def _give_back_lost(
    instance: dg.DagsterInstance, study: StudyConfiguration, engine: Engine, now: datetime, silent_seconds: float
) -> None:
    """Free recordings whose run ended or fell silent without saying what became of them.

    A run whose pod was taken away says nothing about its recording, which is ready again; else it counts as tried.
    """
    for key, run_id in recordings_in_work(engine, study.id).items():
        run = instance.get_run_by_id(run_id)
        beaten = last_beat(engine, run_id)
        silent = beaten is None or now - beaten > timedelta(seconds=silent_seconds)
        ended = run is None or run.status not in UNFINISHED
        if not silent and not ended:
            continue
        if run is not None and not ended:
            instance.report_run_failed(run, f"the run has been silent since {beaten}; its recording is given back")
        ending = None if run is None else release_worker(instance, run) or run.tags.get(ENDING_TAG)
        if ending in FROM_OUTSIDE and _runs_lost(instance, key) < _MOST_LOST:
            state, reason = State.READY, f"Its run was ended from outside ({ending})."
        else:
            state, reason = State.CRASHED, "Its run ended without a word" + (f" ({ending})." if ending else ".")
        set_state(study, engine, key, state, reason, now, run_id=run_id)


def _runs_lost(instance: dg.DagsterInstance, key: str) -> int:
    tags = {"dagster/partition": key}
    return sum(run.tags.get(ENDING_TAG) in FROM_OUTSIDE for run in instance.get_runs(dg.RunsFilter(tags=tags)))
