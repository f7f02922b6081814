"""Opening the search index that a URL names, whichever engine serves it."""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from biolake.search.errors import UnknownIndexUrl
from biolake.search.index import SearchIndex


def open_index(url: str, storage_options: Mapping[str, str] | None = None) -> SearchIndex:
    """Open a search index; nothing is created before the first write.

    Args:
        url: `file:///folder` or `s3://bucket/prefix` for the embedded engine.
        storage_options: Of the object store (`aws_endpoint`, `aws_region`, ...); what is not given is read from the
            environment as AWS tools do.

    Raises:
        UnknownIndexUrl: No engine serves the URL's scheme.
    """
    options = dict(storage_options or {})
    parts = urlsplit(url)
    if parts.scheme == "s3" and parts.netloc:
        location = url
        endpoint = (
            options.get("aws_endpoint") or os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT", "")
        )
        if endpoint.startswith("http://"):
            # Lance refuses an endpoint without TLS, which local S3 servers are, unless told.
            options.setdefault("allow_http", "true")
    elif parts.scheme == "file" and parts.netloc in ("", "localhost"):
        location = str(Path(unquote(parts.path)))
    else:
        raise UnknownIndexUrl(
            f"{url}: no search engine serves this URL. Set BIOLAKE_INDEX to file:///folder or s3://bucket/prefix."
        )
    from biolake.search.lance import LanceIndex

    return LanceIndex(location, options)
