"""Opening the search index that a URL names, whichever engine serves it."""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from biolake.search.errors import UnknownIndexUrl
from biolake.search.index import SearchIndex


def open_index(
    url: str,
    storage_options: Mapping[str, str] | None = None,
    *,
    name: str = "biolake",
    user: str | None = None,
    password: SecretStr | None = None,
    authority: Path | None = None,
    shards: int = 1,
    vector_dimension: int = 0,
) -> SearchIndex:
    """Open a search index; nothing is created before the first write.

    Args:
        url: `file:///folder` or `s3://bucket/prefix` for the embedded engine, `http(s)://host:port` for OpenSearch.
        storage_options: Of the object store (`aws_endpoint`, `aws_region`, ...); what is not given is read from the
            environment as AWS tools do.
        name: What the names in OpenSearch begin with.
        user: Who the platform is in OpenSearch.
        password: The user's.
        authority: File of the authority that signed OpenSearch's certificate.
        shards: Shards of an OpenSearch index that is created or filled anew.
        vector_dimension: Length of the vectors that the index holds, 0 for none.

    Raises:
        UnknownIndexUrl: No engine serves the URL's scheme.
    """
    options = dict(storage_options or {})
    parts = urlsplit(url)
    if parts.scheme in {"http", "https"} and parts.hostname:
        from biolake.search.opensearch.cluster import Access
        from biolake.search.opensearch.index import OpenSearchIndex

        access = Access(url, user, password, authority)
        return OpenSearchIndex(access, name=name, shards=shards, vector_dimension=vector_dimension)
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
            f"{url}: no search engine serves this URL. Set BIOLAKE_INDEX to file:///folder, s3://bucket/prefix or "
            "https://host:9200."
        )
    from biolake.search.lance.index import LanceIndex

    return LanceIndex(location, options, vector_dimension=vector_dimension)
