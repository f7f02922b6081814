"""Messages of a queue are events, S3's own test, or a typed error; never anything else."""

import json
import re
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolake.events.errors import MalformedEvent
from biolake.events.parse import parse
from biolake.events.sequencer import is_newer, newest
from tests.engines.servers.s3_events import test_event as connected
from tests.engines.servers.s3_events import through_sns

KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=256)


def body(key: str, sequencer: object = "0A1B", **told: object) -> str:
    s3 = {"bucket": {"name": "b"}, "object": {"key": key, "sequencer": sequencer, **told}}
    record = {"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": s3}
    return json.dumps({"Records": [record]})


def bridged(key: str) -> str:
    detail = {"bucket": {"name": "b"}, "object": {"key": key, "sequencer": "0A1B", "version-id": "v"}}
    return json.dumps({"source": "aws.s3", "detail-type": "Object Created", "detail": detail})


@given(KEYS, st.sampled_from(["", "/"]))
def test_a_key_comes_back_as_it_is_in_the_bucket(key: str, safe: str) -> None:
    plain = body(quote_plus(key, safe=safe), versionId="v")
    for text in (plain, through_sns(plain), bridged(key)):
        (event,) = parse(text)
        assert (event.bucket, event.key, event.sequencer, event.version) == ("b", key, "0A1B", "v")


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        (body("k").replace('"2.1"', '"3.0"'), "eventVersion is '3.0'"),
        (body("k").replace('"2.1"', "2.1"), "eventVersion is '2.1'"),
        (bridged("k").replace('"bucket"', '"version": "1", "bucket"'), "version is '1'"),
        (body("k" * 1025), "longer than the 1024 bytes"),
        (bridged("ä" * 513), "longer than the 1024 bytes"),
        (json.dumps({"Type": "SubscriptionConfirmation", "SubscribeURL": "https://…"}), "confirm a subscription"),
    ],
)
def test_what_is_refused_says_why_however_it_came(bad: str, named: str) -> None:
    for text in (bad, through_sns(bad)):
        with pytest.raises(MalformedEvent, match=re.escape(named)):
            parse(text)


@pytest.mark.parametrize("version", ["2.0", "2.3", "2.99"])
def test_versions_that_only_add_fields_are_understood(version: str) -> None:
    assert parse(body("k").replace("2.1", version))[0].key == "k"


def test_event_bridge_may_come_through_a_topic() -> None:
    assert parse(through_sns(bridged("a+b c"))) == parse(bridged("a+b c"))


def test_what_s3_sends_when_it_is_connected_holds_no_event() -> None:
    assert parse(connected("b")) == []
    assert parse(through_sns(connected("b"))) == []


def test_a_sequencer_may_be_missing() -> None:
    assert parse(body("k", None))[0].sequencer is None


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda some: st.lists(some) | st.dictionaries(st.text(), some),
)


@given(JSON_VALUES)
def test_anything_else_is_a_typed_error(value: object) -> None:
    known = {"s3": {"bucket": {"name": value}, "object": {"key": value}}, "eventName": value}
    texts = [
        str(value),
        json.dumps(value),
        json.dumps({"Records": value}),
        json.dumps({"Records": [value]}),
        json.dumps({"Type": "Notification", "Message": value}),
        json.dumps({"source": "aws.s3", "detail": value}),
    ]
    for text in texts:
        with pytest.raises(MalformedEvent):
            parse(text)
    if not isinstance(value, str) or not value:
        with pytest.raises(MalformedEvent):
            parse(json.dumps({"Records": [known]}))


@pytest.mark.parametrize(
    "bad",
    [body("%FF"), body("k", "xyz"), body("k", 3), body(""), body("k", versionId=3), bridged("\ud800"), "[" * 100_000],
)
def test_wrong_fields(bad: str) -> None:
    with pytest.raises(MalformedEvent):
        parse(bad)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("0B", "0A", True),
        ("0A", "0A", False),
        ("0A00", "0A", False),
        ("0A01", "0A", True),
        ("0a", "0A", False),
        ("0B", "0AFFFF", True),
        ("", "0", False),
    ],
)
def test_the_order_of_sequencers(one: str, other: str, expected: bool) -> None:
    assert is_newer(one, other) is expected


@given(st.lists(st.text("0123456789abcdefABCDEF", min_size=1, max_size=20), min_size=1))
def test_the_newest_has_none_newer(sequencers: list[str]) -> None:
    found = newest([None, *sequencers])
    assert found in sequencers
    assert not any(is_newer(one, found) for one in sequencers)


def test_events_without_a_sequencer_have_no_newest() -> None:
    assert newest([None, None]) is None
