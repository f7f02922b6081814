"""A lot whose run ended before its work was done: ask for another run; when enough were tried, divide it or give up."""

import logging
from datetime import datetime

from biolake.arrivals.admit import describe
from biolake.arrivals.divide import divide, is_fruitless
from biolake.arrivals.errors import RunsFailed
from biolake.ledger.jobs import end_jobs, find_jobs, move_jobs
from biolake.ledger.ledger import Ledger
from biolake.ledger.lots import finish_lot_if_ended, get_lot, next_attempt, release_lot
from biolake.ledger.models import ENDED, JobState, Lot, LotState
from biolake.objects.store import ObjectStore

_LOG = logging.getLogger(__name__)

MOST_FAILURES = 3
MOST_RUNS = 10


def give_another_run(
    ledger: Ledger,
    lake: ObjectStore,
    lot: Lot,
    reason: str,
    failures: int,
    now: datetime,
    *,
    by_data: bool = False,
) -> bool:
    """Ask for another run of `lot`, or divide it, or end its jobs as errors and return False.

    Args:
        ledger: The deployment's ledger.
        lake: Where manifests are stored.
        lot: The lot as it was when its run was found dead.
        reason: Why the run ended.
        failures: How many of the lot's runs failed by themselves; :data:`MOST_FAILURES` are enough. Runs that were
            killed with their machine say little about the lot; only :data:`MOST_RUNS` of all kinds are enough then.
        now: The time.
        by_data: Whether the run may have died of what it worked on. Then a lot that had enough runs is divided, so that
            one dataset does not take the others with it.
    """
    with ledger.writing() as connection:
        known = get_lot(connection, lot.key)
        told = known.attempt != lot.attempt or known.state != LotState.OPEN
        if told or finish_lot_if_ended(connection, lot.key):
            return True
        unfinished = [job for job in find_jobs(connection, lot.repository, lot=lot.key) if job.state not in ENDED]
        if failures < MOST_FAILURES and lot.attempt < MOST_RUNS:
            _LOG.warning("lot %s: %s; another run is asked for", lot.key, reason)
            next_attempt(connection, lot.key)
            move_jobs(connection, [job.id for job in unfinished], JobState.IN_QUEUE, now, None)
            return True
        fruitless = by_data and is_fruitless(connection, lot)
        if by_data and len(unfinished) > 1 and not fruitless:
            parts = divide(connection, lot, unfinished, lake, now)
            _LOG.warning("lot %s: %s; divided into %s", lot.key, reason, ", ".join(part.key for part in parts))
            return True
        message = describe(RunsFailed(_story(lot, reason, alone=len(unfinished) == 1, fruitless=fruitless)))
        end_jobs(connection, [(job.id, JobState.ERRORED, message, None) for job in unfinished], now)
        release_lot(connection, lot.key, LotState.DONE)
        return False


def _story(lot: Lot, reason: str, *, alone: bool, fruitless: bool) -> str:
    runs = "1 run" if lot.attempt == 1 else f"{lot.attempt} runs"
    said = f"{runs} of lot {lot.key} ended before its work was done, the last: {reason}."
    if lot.divided_from is not None and alone:
        said += f" The dataset was alone in it, divided from lot {lot.divided_from}: it is the cause."
    elif fruitless:
        said += " No dataset of the lots that it was divided with came through: the cause is hardly one of them."
    return said + " See the runs' logs, then use `biolake reprocess`."
