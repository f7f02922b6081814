"""Tell the ledger that a run is alive while it works on a lot, and the run whether the lot is still its own.

Which runs count as dead is decided in `sensors.lost_runs`.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from biolake.ingest.errors import LotTaken
from biolake.ledger.errors import LedgerUnavailable
from biolake.ledger.ledger import Ledger
from biolake.ledger.lots import beat, get_lot
from biolake.ledger.models import Lot, LotState

_LOG = logging.getLogger(__name__)

BEAT_SECONDS = 3.0
_ALIVE = timedelta(seconds=3 * BEAT_SECONDS)


@contextmanager
def heartbeat(ledger: Ledger, lot: str, run_id: str) -> Iterator[None]:
    """Beat at once and then every few seconds until the block ends."""
    done = threading.Event()

    def work() -> None:
        while True:
            try:
                with ledger.writing() as connection:
                    if not beat(connection, lot, run_id, datetime.now(UTC)):
                        return
            except LedgerUnavailable:
                # A busy database costs a beat, not the run: the next one may pass.
                _LOG.warning("lot %s: a heartbeat was not taken", lot, exc_info=True)
            if done.wait(BEAT_SECONDS):
                return

    thread = threading.Thread(target=work, name=f"heartbeat-{lot}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def check_ownership(ledger: Ledger, lot: str, run_id: str) -> None:
    """Stop a run that another one has replaced.

    Raises:
        LotTaken: Another run works on the lot, or is asked for.
    """
    with ledger.reading() as connection:
        refuse_unless_owner(get_lot(connection, lot), run_id)


def refuse_unless_owner(lot: Lot, run_id: str) -> None:
    """As :func:`check_ownership`, for a lot that was just read."""
    if lot.run_id != run_id:
        raise LotTaken(
            f"lot {lot.key}: run {run_id} was silent for too long and was replaced by {lot.run_id or 'another run'}. "
            "Nothing is lost: the other run does the work."
        )


def refuse_divided(lot: Lot, run_id: str) -> None:
    """Keep a late run from a lot whose work is in other lots.

    Raises:
        LotTaken: The lot was divided.
    """
    if lot.state == LotState.DIVIDED:
        raise LotTaken(
            f"lot {lot.key}: it was divided into smaller lots before run {run_id} came to it. Nothing is lost: their "
            "runs do the work."
        )


def refuse_while_owned(lot: Lot, run_id: str, now: datetime) -> None:
    """Keep a second run from a lot whose run is alive, and any run from a lot that was divided.

    Raises:
        LotTaken: Another run beat a moment ago, or other lots have the work.
    """
    refuse_divided(lot, run_id)
    owned = lot.state == LotState.OPEN and lot.run_id not in {None, run_id}
    if owned and lot.heartbeat_at is not None and now - lot.heartbeat_at < _ALIVE:
        raise LotTaken(
            f"lot {lot.key}: run {lot.run_id} works on it and said so at {lot.heartbeat_at:%H:%M:%S} UTC. Wait until "
            "it has ended."
        )
