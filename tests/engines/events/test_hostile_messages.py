"""Whatever is in the queue: what names a key is looked at, the rest is a dead letter, and neither holds others up.

The ledger is PostgreSQL, which refuses what SQLite takes: zero bytes, and text that is longer than its column.
"""

import json
import time
import uuid
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from biolake.events.errors import MalformedEvent
from biolake.events.parse import parse
from biolake.events.queue import Queue
from biolake.events.redrive import redrive
from tests.engines.events.conftest import Landing
from tests.engines.servers.postgres import PostgresServer
from tests.engines.servers.s3_events import message, through_event_bridge, through_sns
from tests.platform.conftest import matrix_csv

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda some: st.lists(some, max_size=4) | st.dictionaries(st.text(max_size=8), some, max_size=4),
    max_leaves=10,
)
NAMES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
    st.sampled_from(
        ["a\0b.csv", "..", "../other/a.csv", "a//b.csv", "%", "+", "x" * 1100 + ".csv", "é" * 600, "x" * 900]
    ),
)


@pytest.fixture
def on_postgres(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger of the deployment that is made next."""
    monkeypatch.setenv("BIOLAKE_LEDGER", postgres.make_database())


@st.composite
def bodies(draw: st.DrawFn, bucket: str) -> str:
    """A message: anything, or an event of which a field may be anything, as it comes or wrapped."""
    if draw(st.integers(0, 4)) == 0:
        return draw(
            ANYTHING.map(json.dumps) | st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1)
        )
    key = f"landing/lab/{draw(NAMES)}"
    told: dict[str, Any] = {"key": quote_plus(key, safe="/"), "sequencer": draw(st.sampled_from(["0A", "0B", "0A00"]))}
    record: dict[str, Any] = {
        "eventVersion": draw(st.sampled_from(["2.1", "2.9", "2.1", "3.0"])),
        "eventTime": "2026-01-01T00:00:00.000Z",
        "eventName": draw(st.sampled_from(["ObjectCreated:Put", "ObjectRemoved:Delete", "ObjectRestore:Post"])),
        "s3": {"bucket": {"name": draw(st.sampled_from([bucket, bucket, "another"])), "arn": "arn"}, "object": told},
    }
    if draw(st.integers(0, 3)) == 0:
        place = draw(st.sampled_from([record, record["s3"], record["s3"]["bucket"], told]))
        place[draw(st.sampled_from(sorted(place)))] = draw(ANYTHING)
    try:
        plain = draw(st.sampled_from([message(record), message(record, record), through_event_bridge(record, key)]))
    except (AttributeError, KeyError, TypeError):
        plain = message(record)
    return draw(st.sampled_from([plain, plain, through_sns(plain)]))


@pytest.mark.usefixtures("on_postgres")
def test_whatever_is_in_the_queue_what_is_right_in_it_is_followed(landing: Landing) -> None:
    understood: list[str] = []
    refused: list[str] = []

    @settings(max_examples=6, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(st.lists(bodies(landing.bucket.name), min_size=30, max_size=60))
    def attack(hostile: list[str]) -> None:
        right = f"D{uuid.uuid4().hex[:8]}"
        good = message(landing.bucket.put(f"landing/lab/{right}.csv", matrix_csv()))
        half = len(hostile) // 2
        landing.queues.send(*hostile[:half], good, *hostile[half:])
        for body in hostile:
            (understood if is_event(body) else refused).append(body)
        deadline = time.monotonic() + 60
        while right not in landing.datasets() and time.monotonic() < deadline:
            landing.consume(hidden_seconds=2, wait_seconds=2)
            landing.look()
        assert right in landing.datasets()

    attack()
    assert understood
    assert refused
    deadline = time.monotonic() + 120
    while landing.queues.counts() != (0, 0) and time.monotonic() < deadline:
        landing.consume(hidden_seconds=1, wait_seconds=2)
        time.sleep(1)
    dead = Queue(landing.queues.dead_letters)
    found = []
    while some := dead.receive(hidden_seconds=60, wait_seconds=1):
        found += some
    assert sorted(one.body for one in found) == sorted(refused)
    dead.hide([one.receipt for one in found], 0)
    assert redrive(Queue(landing.queues.url)) == len(refused)


def is_event(body: str) -> bool:
    try:
        parse(body)
    except MalformedEvent:
        return False
    return True
