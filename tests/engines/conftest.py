"""Real servers, one of each for the whole run of tests, and the marker that says who needs them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.servers import opensearch as opensearch_server
from tests.engines.servers import versitygw
from tests.engines.servers.missing import unavailable
from tests.engines.servers.opensearch import OpenSearchServer
from tests.engines.servers.versitygw import S3Server

_HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker("engines")


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """An S3 server."""
    if missing := versitygw.tools():
        unavailable(missing)
    server = S3Server(tmp_path_factory.mktemp("s3"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def opensearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSearchServer]:
    """An OpenSearch node."""
    if missing := opensearch_server.tools():
        unavailable(missing)
    folder = tmp_path_factory.mktemp("opensearch")
    # Temporary folders are for their owner alone; the node is another user.
    for place in (folder, *folder.parents[:2]):
        place.chmod(0o755)
    server = OpenSearchServer(folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def opensearch_url(opensearch: OpenSearchServer) -> str:
    """The node's address."""
    return opensearch.url
