"""One queue of Amazon SQS, or of a server that speaks its protocol: receive, keep hidden, delete, send, give back.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from biolake.events.errors import NoDeadLetterQueue, QueueUnavailable
from biolake.events.models import Message

MOST_AT_ONCE = 10
_LONGEST_POLL_SECONDS = 20


class Queue:
    """A queue by its URL. Safe to use from several threads.

    Credentials and region are read from the usual `AWS_*` variables; the server is the URL's.
    """

    def __init__(self, url: str) -> None:
        """Remember the queue; nothing is asked yet."""
        self.url = url

    def receive(self, *, most: int = MOST_AT_ONCE, wait_seconds: int = 0, hidden_seconds: int) -> list[Message]:
        """Receive up to `most` messages (10 at most), waiting for the first of them.

        Args:
            most: How many are wanted.
            wait_seconds: How long to wait while there is none, 20 at most.
            hidden_seconds: For how long others do not get them.

        Raises:
            QueueUnavailable: The queue did not answer, or refused.
        """
        with self._failures("receiving"):
            answer = self._client.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=min(most, MOST_AT_ONCE),
                WaitTimeSeconds=min(wait_seconds, _LONGEST_POLL_SECONDS),
                VisibilityTimeout=hidden_seconds,
                AttributeNames=["ApproximateReceiveCount"],
            )
        return [
            Message(
                one["MessageId"],
                one["ReceiptHandle"],
                one["Body"],
                int(one.get("Attributes", {}).get("ApproximateReceiveCount", 1)),
            )
            for one in answer.get("Messages", ())
        ]

    def hide(self, receipts: Sequence[str], seconds: int) -> list[str]:
        """Keep received messages from others for `seconds` from now; return the receipts that no longer hold."""
        return self._in_tens(
            "extending visibility",
            "change_message_visibility_batch",
            [{"ReceiptHandle": receipt, "VisibilityTimeout": seconds} for receipt in receipts],
        )

    def delete(self, receipts: Sequence[str]) -> list[str]:
        """Delete received messages; return the receipts that no longer hold: those messages come back.

        Raises:
            QueueUnavailable: The queue did not answer, or refused; what was deleted before that is.
        """
        return self._in_tens("deleting", "delete_message_batch", [{"ReceiptHandle": receipt} for receipt in receipts])

    def send(self, bodies: Sequence[str]) -> None:
        """Put messages into the queue.

        Raises:
            QueueUnavailable: The queue did not answer or refused; some messages may have been taken.
        """
        refused = self._in_tens("sending", "send_message_batch", [{"MessageBody": body} for body in bodies])
        if refused:
            raise QueueUnavailable(f"{self.url}: sending: {len(refused)} of {len(bodies)} messages were not taken.")

    def attributes(self) -> dict[str, str]:
        """Return all that the queue says of itself.

        Raises:
            QueueUnavailable: The queue did not answer, or refused.
        """
        with self._failures("looking"):
            return self._client.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])["Attributes"]

    def dead_letters(self) -> "Queue":
        """Return the queue that takes the messages nobody understands.

        Raises:
            NoDeadLetterQueue: There is none.
            QueueUnavailable: A queue did not answer, or refused.
        """
        policy = self.attributes().get("RedrivePolicy")
        if not policy:
            raise NoDeadLetterQueue(
                f"{self.url} has no dead-letter queue. Give it one with a RedrivePolicy (docs/operations.md)."
            )
        name = str(json.loads(policy)["deadLetterTargetArn"]).rsplit(":", 1)[-1]
        with self._failures(f"looking for {name}"):
            return Queue(self._client.get_queue_url(QueueName=name)["QueueUrl"])

    def _in_tens(self, doing: str, call: str, entries: list[dict[str, Any]]) -> list[str]:
        """Make a batch call for every ten entries; return what of the failed ones names them."""
        failed: list[str] = []
        for start in range(0, len(entries), MOST_AT_ONCE):
            chunk = entries[start : start + MOST_AT_ONCE]
            with self._failures(doing):
                answer = getattr(self._client, call)(
                    QueueUrl=self.url, Entries=[{"Id": str(number), **entry} for number, entry in enumerate(chunk)]
                )
            refused = [chunk[int(one["Id"])] for one in answer.get("Failed", ())]
            failed += [entry.get("ReceiptHandle") or entry["MessageBody"] for entry in refused]
        return failed

    @cached_property
    def _client(self) -> Any:
        import boto3
        from botocore.config import Config

        parts = urlsplit(self.url)
        # Not the session that all threads share: making clients of it is not safe, and it keeps the first credentials.
        return boto3.Session().client(
            "sqs",
            endpoint_url=f"{parts.scheme}://{parts.netloc}",
            region_name=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
            config=Config(
                connect_timeout=5,
                # Longer than the longest poll.
                read_timeout=_LONGEST_POLL_SECONDS + 10,
                retries={"total_max_attempts": 3, "mode": "standard"},
            ),
        )

    @contextmanager
    def _failures(self, doing: str) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (BotoCoreError, ClientError) as error:
            first_line = str(error).partition("\n")[0]
            raise QueueUnavailable(
                f"{self.url}: {doing}: {first_line}. Nothing was lost: messages stay in the queue. See that the queue "
                "exists, and that AWS_REGION and the credentials are those of its owner."
            ) from error
