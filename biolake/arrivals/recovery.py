"""A lot whose run ended before its work was done: ask for another run, or end its jobs when enough were tried."""

import logging
from datetime import datetime

from biolake.arrivals.admit import describe
from biolake.arrivals.errors import RunsFailed
from biolake.ledger.jobs import end_jobs, find_jobs, move_jobs
from biolake.ledger.ledger import Ledger
from biolake.ledger.lots import finish_lot_if_ended, get_lot, next_attempt
from biolake.ledger.models import ENDED, JobState, Lot

_LOG = logging.getLogger(__name__)

MOST_FAILURES = 3
MOST_RUNS = 10


def give_another_run(ledger: Ledger, lot: Lot, reason: str, failures: int, now: datetime) -> bool:
    """Ask for another run of `lot`, or end its jobs as errors and return False.

    Args:
        ledger: The deployment's ledger.
        lot: The lot as it was when its run was found dead.
        reason: Why the run ended.
        failures: How many of the lot's runs failed by themselves; :data:`MOST_FAILURES` are enough. Runs that were
            killed with their machine say little about the lot; only :data:`MOST_RUNS` of all kinds are enough then.
        now: The time.
    """
    with ledger.writing() as connection:
        if get_lot(connection, lot.key).attempt != lot.attempt or finish_lot_if_ended(connection, lot.key):
            return True
        unfinished = [job for job in find_jobs(connection, lot.repository, lot=lot.key) if job.state not in ENDED]
        if failures < MOST_FAILURES and lot.attempt < MOST_RUNS:
            _LOG.warning("lot %s: %s; another run is asked for", lot.key, reason)
            next_attempt(connection, lot.key)
            move_jobs(connection, [job.id for job in unfinished], JobState.IN_QUEUE, now, None)
            return True
        message = describe(
            RunsFailed(
                f"{lot.attempt} runs of lot {lot.key} ended before its work was done, the last: {reason}. See the "
                "runs' logs, then use `biolake reprocess`."
            )
        )
        end_jobs(connection, [(job.id, JobState.ERRORED, message, None) for job in unfinished], now)
        finish_lot_if_ended(connection, lot.key)
        return False
