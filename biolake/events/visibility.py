"""Received messages stay hidden from other consumers for as long as they are worked on."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from biolake.events.errors import QueueUnavailable
from biolake.events.queue import Queue

_LOG = logging.getLogger(__name__)


class Hidden:
    """The messages in hand."""

    def __init__(self) -> None:
        """Begin with none."""
        self._receipts: list[str] = []
        self._changing = threading.Lock()

    def add(self, receipts: list[str]) -> None:
        """Take messages into the care of the block."""
        with self._changing:
            self._receipts += receipts

    def drop(self, receipts: list[str]) -> None:
        """Let go of messages that were deleted."""
        gone = set(receipts)
        with self._changing:
            self._receipts = [receipt for receipt in self._receipts if receipt not in gone]

    def all(self) -> list[str]:
        """The receipts in hand."""
        with self._changing:
            return list(self._receipts)


@contextmanager
def kept_hidden(queue: Queue, seconds: int) -> Iterator[Hidden]:
    """Renew the visibility time-out of what is in hand every third of `seconds`, until the block ends.

    A renewal that fails is logged: the worst that follows is that another consumer gets the message as well.
    """
    hidden, over = Hidden(), threading.Event()

    def renew() -> None:
        while not over.wait(seconds / 3):
            try:
                lost = queue.hide(hidden.all(), seconds)
            except QueueUnavailable as error:
                _LOG.warning("%s", error)
                continue
            if lost:
                _LOG.warning("%s: %d messages in work are visible to others again", queue.url, len(lost))

    thread = threading.Thread(target=renew, name="visibility", daemon=True)
    thread.start()
    try:
        yield hidden
    finally:
        over.set()
        thread.join()
