"""Lots whose run died: give them another one, or end their jobs when three runs failed."""

from datetime import datetime, timedelta

import dagster as dg

from biolake.arrivals.recovery import give_another_run
from biolake.ledger.ledger import Ledger
from biolake.ledger.lots import open_lots
from biolake.ledger.models import Lot

SILENT_AFTER = timedelta(seconds=45)
_UNFINISHED = {
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
}


def follow_lost_runs(instance: dg.DagsterInstance, ledger: Ledger, repository: str, now: datetime) -> None:
    """Find the repository's lots that no living run works on.

    A run counts as dead when Dagster says that it ended, or when it started and has not beaten for
    :data:`SILENT_AFTER`: the default run launcher does not notice a killed machine. A run that only seemed dead is
    fenced by the lake's transactions.
    """
    with ledger.reading() as connection:
        lots = open_lots(connection, repository)
    for lot in lots:
        run = _newest_run(instance, lot)
        if run is None:
            continue
        reason = _why_lost(lot, run, now)
        if reason is None:
            continue
        if run.status in _UNFINISHED:
            instance.report_run_failed(run, f"{reason}; the lot gets another run")
        give_another_run(ledger, lot, f"run {run.run_id}: {reason}", now)


def _newest_run(instance: dg.DagsterInstance, lot: Lot) -> dg.DagsterRun | None:
    runs = instance.get_runs(dg.RunsFilter(tags={"dagster/run_key": f"{lot.key}#{lot.attempt}"}), limit=1)
    return runs[0] if runs else None


def _why_lost(lot: Lot, run: dg.DagsterRun, now: datetime) -> str | None:
    if run.status not in _UNFINISHED:
        return f"the run ended as {run.status.value} before the lot was done"
    beaten = lot.heartbeat_at if lot.run_id == run.run_id else None
    if run.status == dg.DagsterRunStatus.STARTED and beaten is not None and now - beaten > SILENT_AFTER:
        return f"the run has been silent since {beaten:%H:%M:%S} UTC"
    return None
