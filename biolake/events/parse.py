"""Read what a queue may hold of a bucket's events: from S3 itself, through an SNS topic, or through EventBridge.

Sources, pages of the Amazon S3 user guide:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html and
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

import json
import re
from typing import Any
from urllib.parse import unquote_plus

from biolake.events.errors import MalformedEvent
from biolake.events.models import ObjectEvent

_HEX = re.compile(r"[0-9A-Fa-f]{1,64}")
_LONGEST_KEY_BYTES = 1024


def parse(body: str) -> list[ObjectEvent]:
    """Return the events of a message, none for the test message that S3 sends when it is connected.

    Raises:
        MalformedEvent: The message is something else.
    """
    document = _document(body)
    if document.get("Type") == "Notification" and isinstance(document.get("Message"), str):
        document = _document(document["Message"])
    if document.get("Type") in {"SubscriptionConfirmation", "UnsubscribeConfirmation"}:
        raise MalformedEvent(
            "an SNS topic asks to confirm a subscription. Confirm it by the message's SubscribeURL, or subscribe the "
            "queue by its ARN."
        )
    if document.get("Event") == "s3:TestEvent":
        return []
    if document.get("source") == "aws.s3":
        return [_read(document, _of_event_bridge)]
    records = document.get("Records")
    if not isinstance(records, list) or not records:
        raise MalformedEvent("the message has no Records. Connect only a bucket's notifications to this queue.")
    return [_read(record, _of_s3) for record in records]


def _document(body: str) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedEvent(f"the message is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise MalformedEvent("the message is JSON, but no object. Connect only a bucket's notifications to this queue.")
    return document


def _read(record: Any, kind: Any) -> ObjectEvent:
    try:
        event: ObjectEvent = kind(record)
        if not all(isinstance(value, str) and value for value in (event.name, event.bucket, event.key)):
            raise TypeError("the event's name, bucket and key must be text")
        if len(event.key.encode()) > _LONGEST_KEY_BYTES:
            raise TypeError(f"the key is longer than the {_LONGEST_KEY_BYTES} bytes that S3 allows")
    except (KeyError, TypeError, AttributeError, UnicodeError) as error:
        raise MalformedEvent(f"a record is not an S3 notification: {type(error).__name__}: {error}") from error
    return event


def _of_s3(record: Any) -> ObjectEvent:
    # Greater versions of 2 add fields; a first number of another kind says that their meaning changed.
    _check_version(record, "eventVersion", "2")
    told = record["s3"]["object"]
    # Keys are encoded as forms are: a plus is a blank.
    key = unquote_plus(told["key"], errors="strict")
    return ObjectEvent(
        record["s3"]["bucket"]["name"], key, record["eventName"], _sequencer(told), _version(told.get("versionId"))
    )


def _of_event_bridge(document: Any) -> ObjectEvent:
    _check_version(document["detail"], "version", "0")
    told = document["detail"]["object"]
    # EventBridge tells keys as they are.
    bucket = document["detail"]["bucket"]["name"]
    return ObjectEvent(bucket, told["key"], document["detail-type"], _sequencer(told), _version(told.get("version-id")))


def _check_version(told: Any, name: str, known: str) -> None:
    version = told.get(name, known)
    if not isinstance(version, str) or version.partition(".")[0] != known:
        raise TypeError(f"{name} is {str(version)[:20]!r}, and only {known} is understood")


def _version(version: Any) -> str | None:
    if version is not None and not isinstance(version, str):
        raise TypeError("the version id must be text")
    return version or None


def _sequencer(told: Any) -> str | None:
    sequencer = told.get("sequencer")
    if sequencer is None or (isinstance(sequencer, str) and _HEX.fullmatch(sequencer)):
        return sequencer
    raise TypeError("the sequencer must be hexadecimal")
