"""The messages that Amazon S3 sends of what happens in a bucket, for servers that send none.

Each call does it to the real bucket first, so that etags, sizes and versions are those of the server. Sources:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html and
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

import itertools
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

Record = dict[str, Any]


class NotifyingBucket:
    """A bucket whose every change gives the record that S3 would send."""

    def __init__(self, client: Any, name: str, *, seed: int = 0) -> None:
        """Remember the bucket, which keeps versions."""
        self._client, self.name = client, name
        self._steps = itertools.count(1)
        self._random = random.Random(seed)

    def put(self, key: str, data: bytes | str) -> Record:
        """Upload in one request."""
        body = data if isinstance(data, bytes) else data.encode()
        answer = self._client.put_object(Bucket=self.name, Key=key, Body=body)
        return self._created("Put", key, answer, len(body))

    def post(self, key: str, data: bytes | str) -> Record:
        """Upload as a form of a web page does; the server sees a put, the message says Post."""
        record = self.put(key, data)
        return {**record, "eventName": "ObjectCreated:Post"}

    def copy(self, source: str, key: str) -> Record:
        """Copy within the bucket."""
        self._client.copy_object(Bucket=self.name, Key=key, CopySource={"Bucket": self.name, "Key": source})
        return self.seen(key, "Copy")

    def upload_in_parts(self, key: str, *parts: bytes) -> Record:
        """Upload in several requests; every part but the last has 5 MiB at least."""
        named = {"Bucket": self.name, "Key": key}
        upload = {**named, "UploadId": self._client.create_multipart_upload(**named)["UploadId"]}
        done = [
            {"PartNumber": n, "ETag": self._client.upload_part(**upload, PartNumber=n, Body=part)["ETag"]}
            for n, part in enumerate(parts, 1)
        ]
        answer = self._client.complete_multipart_upload(**upload, MultipartUpload={"Parts": done})
        return self._created("CompleteMultipartUpload", key, answer, sum(map(len, parts)))

    def delete(self, key: str) -> Record:
        """Delete: in a bucket that keeps versions, a marker is made."""
        answer = self._client.delete_object(Bucket=self.name, Key=key)
        made = {"versionId": answer["VersionId"]} if answer.get("VersionId") else {}
        kind = "DeleteMarkerCreated" if answer.get("DeleteMarker") else "Delete"
        return self._record(f"ObjectRemoved:{kind}", key, made)

    def seen(self, key: str, kind: str = "Put") -> Record:
        """The record of an object that is there already."""
        answer = self._client.head_object(Bucket=self.name, Key=key)
        return self._created(kind, key, answer, answer["ContentLength"])

    def removed(self, key: str) -> Record:
        """The record of a deletion that was done already."""
        return self._record("ObjectRemoved:DeleteMarkerCreated", key, {"versionId": "made-before"})

    def _created(self, kind: str, key: str, answer: Any, size: int) -> Record:
        told = {"size": size, "eTag": answer["ETag"].strip('"')}
        if answer.get("VersionId"):
            told["versionId"] = answer["VersionId"]
        return self._record(f"ObjectCreated:{kind}", key, told)

    def _record(self, name: str, key: str, told: dict[str, Any]) -> Record:
        return {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": "us-east-1",
            "eventTime": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z",
            "eventName": name,
            "userIdentity": {"principalId": "AWS:AIDAEXAMPLE"},
            "requestParameters": {"sourceIPAddress": "127.0.0.1"},
            "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "FMyUVURIY8"},
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "landing",
                "bucket": {
                    "name": self.name,
                    "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                    "arn": f"arn:aws:s3:::{self.name}",
                },
                # S3 leaves the slash as it is.
                "object": {"key": quote_plus(key, safe="/"), **told, "sequencer": self._sequencer()},
            },
        }

    def _sequencer(self) -> str:
        """Later ones are greater, whatever their length."""
        more = "".join(self._random.choices("0123456789ABCDEF", k=self._random.choice([0, 0, 2, 4])))
        return f"0055AED6DC{next(self._steps):08X}{more}"


def message(*records: Record) -> str:
    """A message of one or more records."""
    return json.dumps({"Records": list(records)})


def messages(*records: Record) -> Iterator[str]:
    """A message for each record, as S3 sends them."""
    return (message(record) for record in records)


def test_event(bucket: str) -> str:
    """What S3 sends when notifications are set up."""
    return json.dumps(
        {
            "Service": "Amazon S3",
            "Event": "s3:TestEvent",
            "Time": "2014-10-13T15:57:02.089Z",
            "Bucket": bucket,
            "RequestId": "5582815E1AEA5ADF",
            "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR",
        }
    )


# Its name is S3's.
test_event.__test__ = False  # type: ignore[attr-defined]


def through_sns(body: str) -> str:
    """A message that went through a topic without raw delivery."""
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": "arn:aws:sns:us-east-1:000000000000:landing",
            "Subject": "Amazon S3 Notification",
            "Message": body,
            "Timestamp": "2026-01-01T00:00:00.000Z",
            "SignatureVersion": "1",
        }
    )


def through_event_bridge(record: Record, key: str) -> str:
    """The event as EventBridge sends it, which does not encode `key`."""
    created = record["eventName"].startswith("ObjectCreated")
    told = {**record["s3"]["object"], "key": key}
    if "versionId" in told:
        told["version-id"] = told.pop("versionId")
    if "eTag" in told:
        told["etag"] = told.pop("eTag")
    return json.dumps(
        {
            "version": "0",
            "id": "17793124-05d4-b198-2fde-7ededc63b103",
            "detail-type": "Object Created" if created else "Object Deleted",
            "source": "aws.s3",
            "account": "000000000000",
            "time": record["eventTime"],
            "region": "us-east-1",
            "resources": [record["s3"]["bucket"]["arn"]],
            "detail": {
                "version": "0",
                "bucket": {"name": record["s3"]["bucket"]["name"]},
                "object": told,
                "request-id": "N4N7GDK58NMKJ12R",
                "requester": "000000000000",
                "source-ip-address": "127.0.0.1",
                "reason": "PutObject" if created else "DeleteObject",
            },
        }
    )
