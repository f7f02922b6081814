"""Studies' messages to the deployment's queue of notifications, beside whom each study names."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Engine, insert, select

from biolake.events.errors import QueueUnavailable
from biolake.events.queue import Queue
from biolake.studies.notifications.messages import Channel, DeliveryFailed, Notification, deliver, webhooks
from biolake.studies.tables import DELIVERIES, NOTIFICATIONS, writing

QUEUE = "queue"
# What is older when the queue is set up is nobody's news.
_NEWS = timedelta(days=1)


def deliver_due(engine: Engine, queue: str | None, environment: Mapping[str, str], now: datetime) -> int:
    """Deliver what is due to webhooks, and everything to the queue; return how many deliveries succeeded.

    Args:
        engine: Where the messages are.
        queue: URL of the queue; None where there is none.
        environment: Where the webhooks' addresses are.
        now: The time.
    """
    channels = webhooks(environment)
    if queue is not None:
        _address(engine, now)
        channels[QUEUE] = queue_channel(queue)
    return deliver(engine, channels, now)


def queue_channel(url: str) -> Channel:
    """Return a channel that puts a message as JSON into the queue at `url`."""
    queue = Queue(url)

    def send(notification: Notification) -> None:
        body = {
            "id": f"study/{notification.id}",
            "kind": notification.kind,
            "study": notification.study,
            "text": notification.text,
            "created_at": notification.created_at.isoformat(),
        }
        try:
            queue.send([json.dumps(body, ensure_ascii=False)])
        except QueueUnavailable as error:
            raise DeliveryFailed(str(error)) from error

    return send


def _address(engine: Engine, now: datetime) -> None:
    """Have the last day's messages that are not for the queue yet delivered to it."""
    addressed = select(DELIVERIES.c.notification).where(DELIVERIES.c.channel == QUEUE)
    query = select(NOTIFICATIONS.c.id).where(
        NOTIFICATIONS.c.created_at >= now - _NEWS, NOTIFICATIONS.c.id.not_in(addressed)
    )
    with writing(engine) as connection:
        rows = [
            {"notification": number, "channel": QUEUE, "state": "pending", "attempts": 0, "next_attempt_at": now}
            for number in connection.execute(query).scalars().all()
        ]
        if rows:
            connection.execute(insert(DELIVERIES), rows)
