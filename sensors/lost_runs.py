"""Lots whose run died: give them another one; after enough of them they are divided, or their jobs end."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from biolake.arrivals.recovery import MOST_FAILURES, give_another_run
from biolake.ingest.errors import LotTaken
from biolake.ledger.errors import LedgerUnavailable
from biolake.ledger.ledger import Ledger
from biolake.ledger.lots import open_lots
from biolake.ledger.models import Lot
from biolake.machines.choose import LARGEST
from biolake.machines.endings import FROM_OUTSIDE, Ending
from biolake.objects.store import ObjectStore
from resources.run_workers import ENDING_TAG, MACHINE_TAG, never_started, release_worker

LOT_TAG = "biolake/lot"

_FROM_OUTSIDE = {"DagsterExecutionInterruptedError", LotTaken.__name__, LedgerUnavailable.__name__}
_MACHINES = {Ending.EVICTED, Ending.NODE_LOST, Ending.DELETED}

UNFINISHED = {
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
}


def follow_lost_runs(
    instance: dg.DagsterInstance,
    ledger: Ledger,
    lake: ObjectStore,
    repository: str,
    now: datetime,
    silent: timedelta,
) -> None:
    """Find the repository's lots that no living run works on.

    A run counts as dead when Dagster says that it ended, when its pod ended before it began, or when it started and has
    then not beaten for `silent`: the default run launcher does not notice a killed process. A run that only seemed dead
    stops at its next commit, since the lot is no longer its own. Other runs that never start are left to Dagster's run
    monitoring.
    """
    with ledger.reading() as connection:
        lots = open_lots(connection, repository)
    for lot in lots:
        record = _run_of(instance, lot)
        if record is None:
            continue
        run = record.dagster_run
        reason = _why_lost(instance, lot, record, now, silent)
        if reason is None:
            continue
        if run.status in UNFINISHED:
            instance.report_run_failed(run, f"{reason}; the lot gets another run")
        ending = release_worker(instance, run) or run.tags.get(ENDING_TAG)
        failures = _failures(instance, lot)
        if ending == Ending.OUT_OF_MEMORY:
            size = run.tags.get(MACHINE_TAG)
            reason = f"it needed more memory than {'a machine of its size' if size is None else f'machine {size}'} has"
            failures = MOST_FAILURES if size == LARGEST else failures
        elif ending is not None and ending in FROM_OUTSIDE:
            reason = f"{reason} ({ending})"
        by_data = lot.run_id == run.run_id and ending not in _MACHINES and not _told_of_the_platform(instance, run)
        give_another_run(ledger, lake, lot, f"run {run.run_id}: {reason}", failures, now, by_data=by_data)


def runs_out_of_memory(instance: dg.DagsterInstance, lot: Lot) -> int:
    """How many runs of the lot were killed because their machine had too little memory."""
    tags = {LOT_TAG: lot.key, ENDING_TAG: Ending.OUT_OF_MEMORY.value}
    return instance.get_runs_count(dg.RunsFilter(tags=tags))


def _run_of(instance: dg.DagsterInstance, lot: Lot) -> dg.RunRecord | None:
    """The run that owns the lot; where none has taken it yet, the newest that was launched for it."""
    if lot.run_id is not None:
        owner = instance.get_run_record_by_id(lot.run_id)
        if owner is not None:
            return owner
    runs = instance.get_run_records(dg.RunsFilter(tags={"dagster/run_key": f"{lot.key}#{lot.attempt}"}), limit=1)
    return runs[0] if runs else None


def _failures(instance: dg.DagsterInstance, lot: Lot) -> int:
    """How many runs of the lot failed by themselves, rather than being killed, stopped or replaced."""
    runs = instance.get_runs(dg.RunsFilter(tags={LOT_TAG: lot.key}, statuses=[dg.DagsterRunStatus.FAILURE]))
    return sum(_failed_by_itself(instance, run.run_id) for run in runs)


def _failed_by_itself(instance: dg.DagsterInstance, run_id: str) -> bool:
    return any(
        all(error.cls_name not in _FROM_OUTSIDE for error in causes) for causes in _step_failures(instance, run_id)
    )


def _told_of_the_platform(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether the run said that something else than a dataset is at fault: what is a dataset's does not end a run."""
    return any(
        # Python names the module of a class that is not built in.
        error.cls_name in _FROM_OUTSIDE or error.message.startswith("biolake.")
        for causes in _step_failures(instance, run.run_id)
        for error in causes
    )


def _step_failures(instance: dg.DagsterInstance, run_id: str) -> Iterator[list[SerializableErrorInfo]]:
    """Yield the error of each failed step with its causes."""
    for record in instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records:
        event = record.event_log_entry.dagster_event
        error = event.step_failure_data.error if event is not None else None
        causes: list[SerializableErrorInfo] = []
        while error is not None:
            causes.append(error)
            error = error.cause
        yield causes


def _why_lost(
    instance: dg.DagsterInstance, lot: Lot, record: dg.RunRecord, now: datetime, silent: timedelta
) -> str | None:
    run = record.dagster_run
    if run.status not in UNFINISHED:
        return f"the run ended as {run.status.value} before the lot was done"
    if run.status == dg.DagsterRunStatus.STARTING:
        return never_started(instance, run)
    if run.status != dg.DagsterRunStatus.STARTED:
        return None
    beaten = lot.heartbeat_at if lot.run_id == run.run_id else None
    # A run may die between its start and its first beat.
    alive = beaten or (datetime.fromtimestamp(record.start_time, UTC) if record.start_time else None)
    if alive is not None and now - alive > silent:
        return f"the run has been silent since {alive:%H:%M:%S} UTC"
    return None
