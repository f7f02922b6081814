"""Take the events of the landing bucket from their queue, and note in the ledger which keys are worth a look.

A message is deleted after the transaction that noted its keys; so a consumer that dies at any moment loses nothing, and
what is told twice is looked at once.
"""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from sqlalchemy import text

from biolake.events.errors import MalformedEvent
from biolake.events.models import Message, ObjectEvent
from biolake.events.parse import parse
from biolake.events.queue import Queue
from biolake.events.sequencer import newest
from biolake.events.visibility import Hidden, kept_hidden
from biolake.ledger.events import record_told
from biolake.ledger.ledger import Ledger
from biolake.objects.s3_listing import can_be_named
from biolake.repositories.models import Repository

_LOG = logging.getLogger(__name__)

_IN_A_TRANSACTION = 500


@dataclass
class Consumption:
    """What came from the queue.

    Attributes:
        messages: Messages that were received.
        events: Events in them.
        keys: Keys that now wait for a look because of them.
        elsewhere: Events of objects that are in no repository's folder.
        malformed: Messages that are no notification of S3: they stay, and end as dead letters.
        kept: Messages that were noted but not deleted; they come back, and are known then.
    """

    messages: int = 0
    events: int = 0
    keys: int = 0
    elsewhere: int = 0
    malformed: int = 0
    kept: int = 0


def consume(
    queue: Queue,
    landing: str,
    repositories: Iterable[Repository],
    ledger: Ledger,
    *,
    hidden_seconds: int,
    wait_seconds: int = 5,
    seconds: float = 30.0,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Consumption:
    """Take messages until the queue is empty or time is over.

    Args:
        queue: The queue.
        landing: URL of the landing bucket, whose events count.
        repositories: Whose folders count.
        ledger: Where keys are noted. Nothing is received while it does not answer.
        hidden_seconds: For how long others do not get a message; renewed while it is in work.
        wait_seconds: How long to wait for the first message.
        seconds: Begin no further round after so long.
        clock: Tells the time.

    Raises:
        QueueUnavailable: The queue did not answer; what was noted before that stays noted.
    """
    told, begun, known = Consumption(), time.monotonic(), list(repositories)
    with kept_hidden(queue, hidden_seconds) as hidden:
        while True:
            with ledger.reading() as connection:
                # A message that is received in vain comes nearer to being a dead letter.
                connection.execute(text("SELECT 1"))
            messages = _receive(queue, hidden, hidden_seconds, 1 if told.messages else wait_seconds)
            if messages:
                _note(messages, queue, hidden, told, _Place(landing, known), ledger, clock())
            if not messages or time.monotonic() - begun > seconds:
                return told


class _Place:
    """The landing bucket and its folders."""

    def __init__(self, landing: str, repositories: list[Repository]) -> None:
        parts = urlsplit(landing)
        self._bucket, prefix = parts.netloc, unquote(parts.path).strip("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._repositories = repositories

    def find(self, event: ObjectEvent) -> tuple[str, list[str]]:
        """The event's key below the landing URL, and the repositories in whose folder it is."""
        if event.bucket != self._bucket:
            _LOG.warning(
                "bucket %s tells %s of %r, and the landing bucket is %s; the event is left out. Connect only that one.",
                event.bucket, event.name, event.key, self._bucket,
            )  # fmt: skip
            return event.key, []
        if not event.key.startswith(self._prefix):
            return event.key, []
        key = event.key.removeprefix(self._prefix)
        there = [one.name for one in self._repositories if key.startswith(f"{one.folder}/")]
        if there and not key.endswith("/") and not can_be_named(key):
            _LOG.warning("%r is left out: its key has an empty part, `.`, `..` or a control character", event.key)
        return key, there if can_be_named(key) else []


def _receive(queue: Queue, hidden: Hidden, hidden_seconds: int, wait_seconds: int) -> list[Message]:
    received: list[Message] = []
    while len(received) < _IN_A_TRANSACTION:
        some = queue.receive(wait_seconds=0 if received else wait_seconds, hidden_seconds=hidden_seconds)
        hidden.add([message.receipt for message in some])
        received += some
        if not some:
            break
    return received


def _note(
    messages: list[Message],
    queue: Queue,
    hidden: Hidden,
    told: Consumption,
    place: _Place,
    ledger: Ledger,
    now: datetime,
) -> None:
    understood: list[str] = []
    sequencers: dict[str, dict[str, list[str | None]]] = {}
    for message in messages:
        events = _read(message, queue)
        if events is None:
            told.malformed += 1
            continue
        understood.append(message.receipt)
        told.events += len(events)
        for event in events:
            key, repositories = place.find(event)
            told.elsewhere += not repositories
            for name in repositories:
                sequencers.setdefault(name, {}).setdefault(key, []).append(event.sequencer)
    told.messages += len(messages)
    hidden.drop([message.receipt for message in messages if message.receipt not in set(understood)])
    if sequencers:
        with ledger.writing() as connection:
            for name, by_key in sequencers.items():
                news = set(record_told(connection, name, {key: newest(all_) for key, all_ in by_key.items()}, now))
                # An event without a place in the order may be the newest.
                unordered = {key: None for key, all_ in by_key.items() if None in all_ and key not in news}
                told.keys += len(news) + len(record_told(connection, name, unordered, now))
    kept = queue.delete(understood)
    if kept:
        _LOG.warning("%s: %d messages were noted but not deleted; they come back", queue.url, len(kept))
    told.kept += len(kept)
    hidden.drop(understood)


def _read(message: Message, queue: Queue) -> list[ObjectEvent] | None:
    try:
        return parse(message.body)
    except MalformedEvent as error:
        _LOG.error(
            "%s: message %s, received %d times: %s It is left to the dead-letter queue; `biolake jobs redrive` puts "
            "dead letters back. It begins: %.200r",
            queue.url, message.id, message.received, str(error), message.body,
        )  # fmt: skip
        return None
