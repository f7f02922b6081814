"""Messages are kept, delivered once, tried again when a channel fails, and a failure is there for anyone to see."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from sqlalchemy.engine import Engine

from biolake.ledger.ledger import Ledger
from biolake.studies.notifications.messages import (
    MOST_ATTEMPTS,
    DeliveryFailed,
    Message,
    Notification,
    deliver,
    enqueue_for,
    notifications,
    webhook,
    webhooks,
)
from biolake.studies.tables import writing

NOW = datetime(2024, 3, 1, tzinfo=UTC)


@pytest.fixture
def engine(new_database: Callable[[], str]) -> Engine:
    return Ledger(new_database()).engine


def tell(engine: Engine, dedupe: str = "a", channels: tuple[str, ...] = ("webhook:team",)) -> bool:
    with writing(engine) as connection:
        return enqueue_for("TEST", channels, Message("waiting", dedupe, "It waits."), connection, NOW)


def test_a_message_is_kept_once(engine: Engine):
    assert tell(engine)
    assert not tell(engine)
    assert tell(engine, "b")
    assert len(notifications(engine)) == 2
    assert notifications(engine, "OTHER") == []


def test_a_message_is_delivered_once(engine: Engine):
    tell(engine)
    sent: list[str] = []
    for _ in range(3):
        deliver(engine, {"webhook:team": lambda n: sent.append(n.text)}, NOW)
    assert sent == ["It waits."]
    assert notifications(engine)[0].deliveries == {"webhook:team": "delivered"}


def test_a_failing_channel_is_tried_again_later_and_does_not_hold_up_another(engine: Engine):
    tell(engine, channels=("webhook:team", "log"))
    attempts: list[int] = []

    def fails(notification: Notification) -> None:
        attempts.append(notification.id)
        raise DeliveryFailed("the webhook answered 503")

    now = NOW
    for _ in range(40):
        deliver(engine, {"webhook:team": fails}, now)
        now += timedelta(minutes=20)
    [message] = notifications(engine)
    assert len(attempts) == MOST_ATTEMPTS
    assert message.deliveries == {"webhook:team": "failed", "log": "delivered"}
    assert message.errors == {"webhook:team": "the webhook answered 503"}


def test_a_channel_that_is_not_set_up_is_said(engine: Engine):
    tell(engine)
    deliver(engine, {}, NOW)
    assert notifications(engine)[0].errors == {"webhook:team": "no channel webhook:team is set up in this deployment"}


class _Server:
    def __init__(self, status: int) -> None:
        self.bodies: list[dict[str, object]] = []
        outer = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(status)
                self.send_header("Location", "http://127.0.0.1:9/")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/secret-token"


@pytest.mark.parametrize(("status", "state"), [(204, "delivered"), (500, "pending"), (302, "pending")])
def test_a_webhook_counts_only_when_it_takes_the_message(engine: Engine, status: int, state: str):
    tell(engine)
    server = _Server(status)
    deliver(engine, {"webhook:team": webhook(server.url)}, NOW)
    server.server.shutdown()
    [message] = notifications(engine)
    assert message.deliveries == {"webhook:team": state}
    assert [body["text"] for body in server.bodies] == ["It waits."]
    assert "secret-token" not in str(message.errors)


def test_webhooks_are_named_by_the_environment():
    found = webhooks({"BIOLAKE_WEBHOOK_STUDY_TEAM": "http://x/", "BIOLAKE_WEBHOOK_EMPTY": "", "HOME": "/root"})
    assert list(found) == ["webhook:study-team"]


def test_a_webhook_that_is_not_there_is_a_failure_without_its_address(engine: Engine):
    tell(engine)
    deliver(engine, {"webhook:team": webhook("http://127.0.0.1:9/secret-token")}, NOW)
    assert notifications(engine)[0].errors == {"webhook:team": "ConnectError: the webhook was not reached"}
