"""Messages to a study's people: a table that anyone can read, and webhooks that are tried until they succeed.

A message is stored in the transaction that finds its cause, and delivered later, so that nothing is told of what did
not happen, and a failing webhook holds up nothing. Who is told is the study's `waiting.notify`.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, insert, select, update

from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.tables import DELIVERIES, NOTIFICATIONS, reading, writing

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 8
_FIRST_PAUSE = timedelta(seconds=30)
_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Message:
    """Something to be told.

    Attributes:
        kind: `waiting`, `requirement_expired`, `configuration`, `source`, `outage`, `metadata`.
        dedupe: Of two messages of a study with the same value only the first is kept.
        text: One sentence with what to do.
    """

    kind: str
    dedupe: str
    text: str


@dataclass(frozen=True)
class Notification:
    """A message that was stored, and how far it got: state by channel, and the last error of each."""

    id: int
    study: str
    kind: str
    text: str
    created_at: datetime
    deliveries: Mapping[str, str]
    errors: Mapping[str, str]


Channel = Callable[[Notification], None]
"""Delivers a message, or raises."""


class DeliveryFailed(Exception):
    """A channel could not deliver; the text says why, without any secret of the address."""


def enqueue(study: StudyConfiguration, message: Message, connection: Connection, now: datetime) -> bool:
    """Store a message for the channels a study names; return False if it was told before."""
    return enqueue_for(study.id, study.document.waiting.notify, message, connection, now)


def enqueue_for(study: str, channels: tuple[str, ...], message: Message, connection: Connection, now: datetime) -> bool:
    """Store a message for `channels`; return False if it was told before. Writers take turns, so it is stored once."""
    table = NOTIFICATIONS
    dedupe = message.dedupe[:128]
    told = connection.execute(select(table.c.id).where(table.c.study == study, table.c.dedupe == dedupe)).first()
    if told is not None:
        return False
    values = {"study": study, "kind": message.kind, "dedupe": dedupe, "message": message.text, "created_at": now}
    added = connection.execute(insert(table).values(values)).inserted_primary_key
    assert added is not None
    for channel in dict.fromkeys(channels):
        values = {"notification": added[0], "channel": channel, "state": "pending", "attempts": 0}
        connection.execute(insert(DELIVERIES).values(next_attempt_at=now, **values))
    return True


def notifications(engine: Engine, study: str | None = None, limit: int = 1000) -> list[Notification]:
    """Return stored messages, newest first."""
    with reading(engine) as connection:
        query = select(NOTIFICATIONS).order_by(NOTIFICATIONS.c.id.desc()).limit(limit)
        rows = connection.execute(query.where(NOTIFICATIONS.c.study == study) if study else query).all()
        numbers = [row.id for row in rows]
        sent = connection.execute(select(DELIVERIES).where(DELIVERIES.c.notification.in_(numbers))).all()
    states: dict[int, dict[str, str]] = {number: {} for number in numbers}
    errors: dict[int, dict[str, str]] = {number: {} for number in numbers}
    for delivery in sent:
        states[delivery.notification][delivery.channel] = delivery.state
        if delivery.error:
            errors[delivery.notification][delivery.channel] = delivery.error
    return [
        Notification(row.id, row.study, row.kind, row.message, row.created_at, states[row.id], errors[row.id])
        for row in rows
    ]


def deliver(engine: Engine, channels: Mapping[str, Channel], now: datetime) -> int:
    """Deliver what is due, and return how many deliveries succeeded. A failure is kept with its error and tried again.

    Args:
        engine: Where the messages are.
        channels: By name as studies write them, `webhook:<name>`; `log` is always there.
        now: Deliveries whose next attempt is later are left.
    """
    known: dict[str, Channel] = {"log": _log, **channels}
    with reading(engine) as connection:
        due = connection.execute(
            select(DELIVERIES.c.notification, DELIVERIES.c.channel, DELIVERIES.c.attempts, NOTIFICATIONS)
            .join(NOTIFICATIONS, NOTIFICATIONS.c.id == DELIVERIES.c.notification)
            .where(DELIVERIES.c.state == "pending", DELIVERIES.c.next_attempt_at <= now)
            .order_by(NOTIFICATIONS.c.id)
        ).all()
    delivered = 0
    for row in due:
        notification = Notification(row.id, row.study, row.kind, row.message, row.created_at, {}, {})
        error = _attempt(known, row.channel, notification)
        delivered += error is None
        with writing(engine) as connection:
            _note(connection, row, error, now)
    return delivered


def _attempt(channels: Mapping[str, Channel], name: str, notification: Notification) -> str | None:
    if name not in channels:
        return f"no channel {name} is set up in this deployment"
    try:
        channels[name](notification)
    except DeliveryFailed as error:
        logger.warning("notification %d to %s: %s", notification.id, name, error)
        return str(error)
    return None


def _note(connection: Connection, row: object, error: str | None, now: datetime) -> None:
    attempts = row.attempts + 1  # type: ignore[attr-defined]
    if error is None:
        values: dict[str, object] = {"state": "delivered", "delivered_at": now, "error": None}
    elif attempts >= MOST_ATTEMPTS:
        values = {"state": "failed", "error": error}
    else:
        values = {"error": error, "next_attempt_at": now + _FIRST_PAUSE * 2 ** (attempts - 1)}
    same = (DELIVERIES.c.notification == row.notification) & (DELIVERIES.c.channel == row.channel)  # type: ignore[attr-defined]
    connection.execute(update(DELIVERIES).where(same).values(attempts=attempts, **values))


def _log(notification: Notification) -> None:
    logger.info("%s: %s", notification.kind, notification.text)


def webhooks(environment: Mapping[str, str]) -> dict[str, Channel]:
    """Return the webhooks of a deployment: `webhook:study-team` is the address in `BIOLAKE_WEBHOOK_STUDY_TEAM`."""
    prefix = "BIOLAKE_WEBHOOK_"
    return {
        f"webhook:{name.removeprefix(prefix).lower().replace('_', '-')}": webhook(url)
        for name, url in environment.items()
        if name.startswith(prefix) and url
    }


def webhook(url: str) -> Channel:
    """Return a channel that posts a message as JSON to `url`; answers other than 2xx are failures.

    The body has `id` (the same at every attempt), `study`, `kind`, `text` and `created_at`.
    """

    def post(notification: Notification) -> None:
        import httpx

        body = {
            "id": notification.id,
            "study": notification.study,
            "kind": notification.kind,
            "text": notification.text,
            "created_at": notification.created_at.isoformat(),
        }
        try:
            # Redirects are not followed: the message goes where the deployment says and nowhere else.
            answer = httpx.post(url, json=body, timeout=_TIMEOUT_SECONDS, follow_redirects=False)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise DeliveryFailed(f"{type(error).__name__}: the webhook was not reached") from error
        if not answer.is_success:
            raise DeliveryFailed(f"the webhook answered {answer.status_code}")

    return post
