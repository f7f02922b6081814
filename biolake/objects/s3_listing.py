"""List an S3 bucket with AWS's own library, where one key that obstore cannot name ends obstore's listing.

What such keys are: https://docs.rs/object_store/latest/object_store/path/struct.Path.html.
"""

import os
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from biolake.objects.models import ObjectVersion

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def every_object(url: str, folder: str) -> Iterator[ObjectVersion]:
    """Yield every object in `folder` of the bucket and prefix that `url` names, whatever its key.

    Raises:
        botocore.exceptions.BotoCoreError: The bucket cannot be reached.
        botocore.exceptions.ClientError: It refuses.
    """
    import boto3
    from botocore.config import Config

    parts = urlsplit(url)
    above = parts.path.strip("/")
    below = "/".join(part for part in (above, folder) if part)
    client = boto3.client(
        "s3",
        # obstore has the first of these names, AWS's own tools have the second.
        endpoint_url=os.environ.get("AWS_ENDPOINT") or os.environ.get("AWS_ENDPOINT_URL"),
        region_name=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
        config=Config(s3={"addressing_style": "auto"}),
    )
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


def can_be_named(key: str) -> bool:
    """Whether obstore can address the key: no empty, `.` or `..` part, and no control character."""
    return not _CONTROL.search(key) and not {"", ".", ".."} & set(key.split("/"))
