"""Tell the ledger that a run is alive while it works on a lot, so that a dead one is noticed and followed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from biolake.ledger.ledger import Ledger
from biolake.ledger.lots import beat

BEAT_SECONDS = 5.0


@contextmanager
def heartbeat(ledger: Ledger, lot: str, run_id: str) -> Iterator[None]:
    """Beat every few seconds until the block ends."""
    done = threading.Event()

    def work() -> None:
        while not done.wait(BEAT_SECONDS):
            with ledger.writing() as connection:
                if not beat(connection, lot, run_id, datetime.now(UTC)):
                    return

    thread = threading.Thread(target=work, name=f"heartbeat-{lot}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
