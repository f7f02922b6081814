"""The landing bucket and the lake's: reached, written to, and as careful about overwriting as Delta commits need."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from biolake.doctor.aws import aws_client, denied, told
from biolake.doctor.clock import http_clock, now
from biolake.doctor.models import Examination, Finding, ok, problem, skipped, warning
from biolake.errors import BiolakeError
from biolake.objects.errors import ObjectExists
from biolake.objects.store import ObjectStore, open_store
from biolake.settings import Settings

_PROBES = ".biolake-doctor"
_BY_CODE = {
    "InvalidAccessKeyId": "Correct AWS_ACCESS_KEY_ID: the store knows no such key.",
    "SignatureDoesNotMatch": "Correct AWS_SECRET_ACCESS_KEY: it is not that of AWS_ACCESS_KEY_ID.",
    "ExpiredToken": "Renew the credentials: AWS_SESSION_TOKEN has expired.",
    "InvalidToken": "Correct AWS_SESSION_TOKEN, or unset it where AWS_ACCESS_KEY_ID needs none.",
    "RequestTimeTooSkewed": (
        "Correct this machine's clock, or the store's (chrony, systemd-timesyncd): a request that was signed more than "
        "15 minutes before or after the store's own time is refused."
    ),
}


def stores(settings: Settings) -> list[Examination]:
    """Look at both stores."""
    return [
        Examination("landing", lambda: _look("landing", settings.landing, settings.events)),
        Examination("lake", lambda: _look("lake", settings.lake, None)),
    ]


def _look(engine: str, url: str, events: str | None) -> Iterator[Finding]:
    parts = urlsplit(url)
    if parts.scheme == "file":
        folder = Path(unquote(parts.path))
        if not folder.exists():
            yield skipped(engine, "reachable", f"{folder} is made at the first use")
            return
        yield ok(engine, "reachable", str(folder))
    else:
        reached = yield from _bucket(engine, parts.netloc, events)
        if not reached:
            return
    yield from _objects(engine, open_store(url))


def _objects(engine: str, store: ObjectStore) -> Iterator[Finding]:
    """Write a probe object, read it back, in the lake try to overwrite it, and remove it."""
    key = f"{_PROBES}/{uuid.uuid4().hex}"
    doing = "list"
    try:
        next(iter(store.list(_PROBES)), None)
        yield ok(engine, "list", "allowed")
        doing = "put"
        store.put(key, b"first", overwrite=False)
        yield ok(engine, "put", "allowed")
        doing = "get"
        if store.get(key) != b"first":
            yield problem(engine, "get", "other bytes came back than were put", "Look for a proxy that changes them.")
        else:
            yield ok(engine, "get", "allowed")
        if engine == "lake":
            yield _overwriting(engine, store, key)
        doing = "delete"
        store.delete([key])
        yield ok(engine, "delete", "allowed")
    except BiolakeError as error:
        yield problem(engine, doing, str(error).partition("\n")[0], _allow(doing, store.url, _setting(engine)))


def _overwriting(engine: str, store: ObjectStore, key: str) -> Finding:
    try:
        store.put(key, b"second", overwrite=False)
    except ObjectExists:
        return ok(engine, "conditional put", "an object that exists is not overwritten")
    except BiolakeError as error:
        found = str(error).partition("\n")[0]
    else:
        found = "an object was overwritten although the put said `If-None-Match: *`"
    return problem(
        engine,
        "conditional put",
        found,
        "Use a store that honours conditional writes, as S3 does: without them two commits to one table overwrite each "
        "other.",
    )


def _allow(doing: str, url: str, setting: str) -> str:
    actions = {
        "list": "s3:ListBucket",
        "put": "s3:PutObject",
        "get": "s3:GetObject",
        "delete": "s3:DeleteObject",
    }
    if url.startswith("file:"):
        return "Let this user read and write the folder."
    return (
        f"Allow {actions[doing]} on {url} ({setting}) to the credentials in use, and see that AWS_ENDPOINT_URL is the "
        "right one."
    )


def _bucket(engine: str, bucket: str, events: str | None) -> Iterator[Any]:
    """Look at the bucket as a whole; the generator's value says whether it was reached."""
    from botocore.exceptions import BotoCoreError, ClientError

    client = aws_client("s3")
    where = f"s3://{bucket} at {client.meta.endpoint_url}"
    before = now()
    try:
        answer = client.head_bucket(Bucket=bucket)
    except ClientError as error:
        refusal = _refusal(client, bucket, error)
        yield problem(engine, "reachable", f"{where}: {told(refusal)}", _reach(refusal, bucket, _setting(engine)))
        yield from http_clock(engine, error.response["ResponseMetadata"]["HTTPHeaders"].get("date"), before, now())
        return False
    except BotoCoreError as error:
        yield problem(
            engine,
            "reachable",
            f"{where}: {told(error)}",
            "Start it, or correct AWS_ENDPOINT_URL, AWS_REGION and the credentials; see docs/settings.md.",
        )
        return False
    yield ok(engine, "reachable", where)
    yield from http_clock(engine, answer["ResponseMetadata"]["HTTPHeaders"].get("date"), before, now())
    yield _versioning(engine, client, bucket)
    if events:
        yield _tells(engine, client, bucket, events)
    return True


def _refusal(client: Any, bucket: str, refused: Any) -> Any:
    """The refusal with its reason: an answer to HEAD has no body that could tell it."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client.list_objects_v2(Bucket=bucket, MaxKeys=1)
    except ClientError as error:
        return error
    except BotoCoreError:
        return refused
    return refused


def _reach(error: Any, bucket: str, setting: str) -> str:
    status = error.response["ResponseMetadata"].get("HTTPStatusCode")
    code = error.response.get("Error", {}).get("Code")
    if code in _BY_CODE:
        return _BY_CODE[code]
    if status == 404:
        return f"Make the bucket {bucket}, or correct {setting}."
    if status in {301, 400}:
        return "Set AWS_REGION to the bucket's region."
    return (
        f"Allow s3:ListBucket on {bucket}, which {setting} names, to the credentials in use; see that AWS_ACCESS_KEY_ID"
        " is the right one."
    )


def _setting(engine: str) -> str:
    return f"BIOLAKE_{engine.upper()}"


def _versioning(engine: str, client: Any, bucket: str) -> Finding:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        status = client.get_bucket_versioning(Bucket=bucket).get("Status", "off")
    except ClientError as error:
        if denied(error):
            return warning(
                engine, "versioning", "may not be asked for", f"Allow s3:GetBucketVersioning on {bucket} to tell."
            )
        return skipped(engine, "versioning", f"not known to this store: {told(error)}")
    except BotoCoreError as error:
        return skipped(engine, "versioning", told(error))
    if status == "Enabled":
        return ok(engine, "versioning", "on")
    return warning(
        engine,
        "versioning",
        status.lower(),
        f"Turn versioning on for {bucket}, or back it up otherwise: what is overwritten or deleted there is gone "
        "(docs/operations.md).",
    )


def _tells(engine: str, client: Any, bucket: str, events: str) -> Finding:
    """Whether the bucket tells the queue of uploads and of deletions."""
    from botocore.exceptions import BotoCoreError, ClientError

    check = "events"
    try:
        told_to = client.get_bucket_notification_configuration(Bucket=bucket)
    except ClientError as error:
        if denied(error):
            return warning(
                engine, check, "may not be asked for", f"Allow s3:GetBucketNotification on {bucket} to tell."
            )
        return skipped(engine, check, f"not known to this store: {told(error)}")
    except BotoCoreError as error:
        return skipped(engine, check, told(error))
    if "EventBridgeConfiguration" in told_to:
        return skipped(engine, check, "told to EventBridge; see that a rule of it sends them to the queue")
    name = urlsplit(events).path.rsplit("/", 1)[-1]
    queues = [one for one in told_to.get("QueueConfigurations", []) if one["QueueArn"].endswith(f":{name}")]
    kinds = {kind.split(":")[1] for one in queues for kind in one["Events"]}
    if {"ObjectCreated", "ObjectRemoved"} <= kinds:
        return ok(engine, check, f"uploads and deletions are told to {name}")
    topics = json.dumps(sorted(kinds)) if kinds else "nothing"
    return warning(
        engine,
        check,
        f"the bucket tells {name} {topics}",
        "Have it send s3:ObjectCreated:* and s3:ObjectRemoved:* there. Until then uploads and "
        "deletions wait for the next listing.",
    )
