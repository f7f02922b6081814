"""List an S3 bucket with AWS's own library, where one key that obstore cannot name ends obstore's listing.

What such keys are: https://docs.rs/object_store/latest/object_store/path/struct.Path.html.
"""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from biolake.objects.models import ObjectVersion

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def every_object(url: str, folder: str, config: Mapping[str, Any]) -> Iterator[ObjectVersion]:
    """Yield every object in `folder` of the bucket and prefix that `url` names, whatever its key.

    Version ids are not told, as obstore's listing tells none: an object must look the same in both.

    Args:
        url: `s3://bucket/prefix`.
        folder: Folder below it, empty for all.
        config: What the store was opened with, by obstore's names; the rest is read from the environment.

    Raises:
        botocore.exceptions.BotoCoreError: The bucket cannot be reached.
        botocore.exceptions.ClientError: It refuses.
    """
    parts = urlsplit(url)
    above = parts.path.strip("/")
    below = "/".join(part for part in (above, folder) if part)
    client = _client(config)
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=parts.netloc, Prefix=f"{below}/" if below else "", EncodingType="url"
    )
    for page in pages:
        for found in page.get("Contents", ()):
            yield ObjectVersion(
                found["Key"].removeprefix(f"{above}/") if above else found["Key"],
                found["ETag"].strip('"'),
                found["Size"],
                found["LastModified"],
            )


def _client(config: Mapping[str, Any]) -> Any:
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    virtual = str(config.get("virtual_hosted_style_request", "")).lower() == "true"
    anonymous = str(config.get("skip_signature", "")).lower() == "true"
    # Not the session that all threads share: making clients of it is not safe, and it keeps the first credentials.
    return boto3.Session().client(
        "s3",
        # obstore has the first of these names, AWS's own tools have the second.
        endpoint_url=config.get("endpoint") or os.environ.get("AWS_ENDPOINT") or os.environ.get("AWS_ENDPOINT_URL"),
        region_name=config.get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
        aws_access_key_id=config.get("access_key_id"),
        aws_secret_access_key=config.get("secret_access_key"),
        aws_session_token=config.get("session_token"),
        config=Config(
            s3={"addressing_style": "virtual" if virtual else "auto"},
            signature_version=UNSIGNED if anonymous else None,
        ),
    )


def can_be_named(key: str) -> bool:
    """Whether obstore can address the key: no empty, `.` or `..` part, and no control character."""
    return not _CONTROL.search(key) and not {"", ".", ".."} & set(key.split("/"))
