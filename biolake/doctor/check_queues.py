"""The queues of events and of notifications: there, with a way out for what cannot be processed, and ours to use.

Nothing is taken from a queue and nothing put into it: permissions are asked for with requests that cannot succeed, and
what matters is whether they are refused as not allowed or as not possible.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from biolake.doctor.aws import aws_client, denied, told
from biolake.doctor.clock import http_clock, now
from biolake.doctor.models import Examination, Finding, ok, problem, skipped, warning
from biolake.settings import Settings

_ACTIONS = {
    "receive": ("sqs:ReceiveMessage", "receive_message", {"MaxNumberOfMessages": 11}),
    "delete": ("sqs:DeleteMessage", "delete_message", {"ReceiptHandle": "none"}),
    "extend": (
        "sqs:ChangeMessageVisibility",
        "change_message_visibility",
        {"ReceiptHandle": "none", "VisibilityTimeout": 0},
    ),
}
_SHORTEST_VISIBILITY_SECONDS = 15
_FEWEST_RECEIPTS = 3
_OLDEST_RETENTION_SECONDS = 4 * 24 * 3600


def queues(settings: Settings) -> list[Examination]:
    """Look at the queues that are set."""
    return [
        Examination("events", lambda: _events(settings)),
        Examination("notifications", lambda: _notifications(settings)),
    ]


def _events(settings: Settings) -> Iterator[Finding]:
    if settings.events is None:
        yield skipped("events", "reachable", "no queue is set: arrivals are found by listing")
        return
    client = _client(settings.events)
    attributes = yield from _reached("events", client, settings.events)
    if attributes is None:
        return
    yield _waiting("events", attributes)
    yield _retention("events", attributes)
    yield _visibility(settings)
    yield from _dead_letters(client, attributes)
    for doing in ("receive", "delete", "extend"):
        yield _allowed("events", client, settings.events, doing)


def _notifications(settings: Settings) -> Iterator[Finding]:
    if settings.notifications is None:
        yield skipped("notifications", "reachable", "no queue is set")
        return
    client = _client(settings.notifications)
    # Whether we may send is not asked: some servers take what SQS would refuse, and people would be told nonsense.
    yield from _reached("notifications", client, settings.notifications)


def _client(queue: str) -> Any:
    """A client of the server that the queue's URL names."""
    parts = urlsplit(queue)
    return aws_client("sqs", endpoint_url=f"{parts.scheme}://{parts.netloc}")


def _reached(engine: str, client: Any, queue: str) -> Iterator[Any]:
    """Ask for the queue's attributes, which are the generator's value."""
    from botocore.exceptions import BotoCoreError, ClientError

    before = now()
    try:
        answer = client.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])
    except ClientError as error:
        missing = "NonExistent" in told(error) or "does not exist" in told(error)
        remedy = (
            f"Make the queue, or correct BIOLAKE_{engine.upper()}."
            if missing
            else "Allow sqs:GetQueueAttributes on it to the credentials in use, and see that AWS_REGION is the queue's."
        )
        yield problem(engine, "reachable", f"{queue}: {told(error)}", remedy)
        return None
    except BotoCoreError as error:
        yield problem(
            engine,
            "reachable",
            f"{queue}: {told(error)}",
            f"Start it, or correct BIOLAKE_{engine.upper()} and AWS_REGION.",
        )
        return None
    yield ok(engine, "reachable", queue)
    yield from http_clock(engine, answer["ResponseMetadata"]["HTTPHeaders"].get("date"), before, now())
    return answer["Attributes"]


def _waiting(engine: str, attributes: dict[str, str]) -> Finding:
    waiting = int(attributes.get("ApproximateNumberOfMessages", 0))
    in_work = int(attributes.get("ApproximateNumberOfMessagesNotVisible", 0))
    return ok(engine, "waiting", f"{waiting} messages, and {in_work} in work")


def _retention(engine: str, attributes: dict[str, str]) -> Finding:
    seconds = int(attributes.get("MessageRetentionPeriod", _OLDEST_RETENTION_SECONDS))
    found = f"messages are kept {seconds / 86_400:g} days"
    if seconds < _OLDEST_RETENTION_SECONDS:
        return warning(
            engine, "retention", found, "Set MessageRetentionPeriod to 14 days: what is lost waits for the listing."
        )
    return ok(engine, "retention", found)


def _visibility(settings: Settings) -> Finding:
    # The queue's own time-out does not count: the consumer says its own with each receipt.
    seconds = settings.events_visibility_seconds
    found = f"messages in work are hidden {seconds} s, renewed every {seconds / 3:g} s"
    if seconds < _SHORTEST_VISIBILITY_SECONDS:
        return warning(
            "events", "visibility", found, "Set BIOLAKE_EVENTS_VISIBILITY_SECONDS to 60: a pause must not make copies."
        )
    return ok("events", "visibility", found)


def _dead_letters(client: Any, attributes: dict[str, str]) -> Iterator[Finding]:
    from botocore.exceptions import BotoCoreError, ClientError

    engine, check = "events", "dead letters"
    policy = attributes.get("RedrivePolicy")
    if not policy:
        yield warning(
            engine,
            check,
            "the queue has no dead-letter queue",
            "Give it one with a RedrivePolicy (docs/operations.md): a message that cannot be read comes back for ever.",
        )
        return
    read = json.loads(policy)
    receipts = int(read["maxReceiveCount"])
    told_how = f"after {receipts} receipts messages go to {read['deadLetterTargetArn']}"
    if receipts < _FEWEST_RECEIPTS:
        yield warning(
            engine, "redrive policy", told_how, "Set maxReceiveCount to 5: consumers that are restarted count, too."
        )
    else:
        yield ok(engine, "redrive policy", told_how)
    name = str(read["deadLetterTargetArn"]).rsplit(":", 1)[-1]
    try:
        url = client.get_queue_url(QueueName=name)["QueueUrl"]
        found = client.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    except (ClientError, BotoCoreError) as error:
        yield problem(
            engine, check, f"{name}: {told(error)}", "Make that queue and allow sqs:GetQueueUrl and GetQueueAttributes."
        )
        return
    dead = int(found["Attributes"]["ApproximateNumberOfMessages"])
    if dead:
        yield warning(
            engine,
            check,
            f"{dead} in {name}",
            "See in the log of the sensor landing_events why they were not understood, then: biolake jobs redrive",
        )
    else:
        yield ok(engine, check, f"none in {name}")


def _allowed(engine: str, client: Any, queue: str, doing: str) -> Finding:
    """Ask for what cannot be done: only a refusal for lack of permission means that it may not be done."""
    from botocore.exceptions import BotoCoreError, ClientError

    action, call, arguments = _ACTIONS[doing]
    try:
        getattr(client, call)(QueueUrl=queue, **arguments)
    except ClientError as error:
        if denied(error):
            return problem(engine, doing, told(error), f"Allow {action} on the queue to the credentials in use.")
    except BotoCoreError as error:
        return problem(engine, doing, told(error), "See that the queue's server runs.")
    return ok(engine, doing, "allowed")
