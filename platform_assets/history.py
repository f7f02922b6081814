"""The nightly end of history: what Dagster and the ledger remember of long ago, and nobody needs."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from biolake.ledger.retention import forget_versions
from biolake.studies.recordings.run_beats import forget_beats
from resources.event_retention import forget_runs_before
from resources.platform import PlatformResource


@dg.op(description="Forgets runs, their logs and replaced object versions that are older than BIOLAKE_HISTORY_DAYS.")
def forget_history(context: dg.OpExecutionContext, platform: PlatformResource) -> None:
    """Forget, and say how much in the run's log."""
    here = platform.platform
    moment = datetime.now(UTC) - timedelta(days=here.settings.history_days)
    runs = forget_runs_before(context.instance, moment)
    versions = forget_versions(here.ledger.engine, moment)
    beats = forget_beats(here.ledger.engine, moment)
    context.log.info(
        f"Before {moment:%Y-%m-%d %H:%M} UTC: {runs.runs:,} runs forgotten, {runs.emptied:,} kept without their logs; "
        f"{versions:,} object versions and {beats:,} beats forgotten."
    )


@dg.job(name="history", executor_def=dg.in_process_executor, description="Forgets what is older than it need be kept.")
def history() -> None:
    """One step."""
    forget_history()


def history_schedule() -> dg.ScheduleDefinition:
    """Every night, after the upkeep of tables."""
    return dg.ScheduleDefinition(
        job=history,
        cron_schedule="30 4 * * *",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        execution_timezone="UTC",
    )
