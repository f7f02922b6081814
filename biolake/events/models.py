"""What a message says of an object."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ObjectEvent:
    """Something happened to a key.

    Attributes:
        bucket: The bucket's name.
        key: The whole key, decoded.
        name: As S3 says it: `ObjectCreated:Put`, or EventBridge: `Object Created`.
        sequencer: Orders events of this key; some kinds of event have none.
        version: The bucket's version id, where it keeps versions.
    """

    bucket: str
    key: str
    name: str
    sequencer: str | None = None
    version: str | None = None


@dataclass(frozen=True)
class Message:
    """One message of a queue as it was received.

    Attributes:
        receipt: Names this receipt: a message that comes back has another one.
        received: How often it was received, this time included.
    """

    id: str
    receipt: str
    body: str
    received: int
