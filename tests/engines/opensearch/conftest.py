"""Indexes on a real cluster, each under a name of its own, that the search tests run on."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import pytest
from opensearchpy import OpenSearch

from biolake.search.open import open_index
from biolake.search.opensearch.index import OpenSearchIndex
from biolake.search.opensearch.mapping import Names
from tests.search.search_documents import STUDIES


class Opener(Protocol):
    """Opens the same index once more, as another process would."""

    def __call__(self, vector_dimension: int = 0, *, shards: int = 1, url: str | None = None) -> OpenSearchIndex: ...


@contextmanager
def named(url: str) -> Iterator[str]:
    """A name for indexes that are removed at the end."""
    name = f"t{uuid.uuid4().hex[:12]}"
    client = OpenSearch([url], timeout=60)
    try:
        yield name
    finally:
        for index in client.indices.get(index=f"{name}-*", params={"filter_path": "*.settings.index.uuid"}):
            client.indices.delete(index=index)
        client.indices.delete_index_template(name=f"{name}-*", params={"ignore": 404})
        client.transport.perform_request("DELETE", f"/_search/pipeline/{Names(name).pipeline}", params={"ignore": 404})
        client.close()


def opener(default: str, name: str) -> Opener:
    def opened(vector_dimension: int = 0, *, shards: int = 1, url: str | None = None) -> OpenSearchIndex:
        index = open_index(url or default, name=name, shards=shards, vector_dimension=vector_dimension)
        assert isinstance(index, OpenSearchIndex)
        return index

    return opened


@pytest.fixture
def index_name(opensearch_url: str) -> Iterator[str]:
    """What this test's indexes are called."""
    with named(opensearch_url) as found:
        yield found


@pytest.fixture
def client(opensearch_url: str) -> Iterator[OpenSearch]:
    """The cluster itself, to see what is there."""
    found = OpenSearch([opensearch_url], timeout=60)
    yield found
    found.close()


@pytest.fixture
def open_engine(opensearch_url: str, index_name: str) -> Opener:
    """Open the same index once more, as another process would."""
    return opener(opensearch_url, index_name)


@pytest.fixture
def index(open_engine: Opener) -> Iterator[OpenSearchIndex]:
    """An index in which nothing has been written yet."""
    opened = open_engine()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def studies(opensearch_url: str) -> Iterator[OpenSearchIndex]:
    """An index of STUDIES that tests only read."""
    with named(opensearch_url) as name:
        opened = opener(opensearch_url, name)()
        opened.upsert(STUDIES)
        yield opened
        opened.close()
