"""Real servers, one of each for the whole run of tests, and the marker that says who needs them."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.engines.servers import elasticmq, opensearch_security, versitygw
from tests.engines.servers import opensearch as opensearch_server
from tests.engines.servers import postgres as postgres_server
from tests.engines.servers.elasticmq import SqsServer
from tests.engines.servers.kubernetes import build as kubernetes_build
from tests.engines.servers.kubernetes.cluster import Cluster, running_cluster
from tests.engines.servers.missing import unavailable
from tests.engines.servers.opensearch import OpenSearchServer
from tests.engines.servers.postgres import PostgresServer
from tests.engines.servers.versitygw import S3Server

_HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        # Trino, the image and the kills are commands of their own: docs/engines-in-tests.md.
        apart = any(item.path.is_relative_to(_HERE / name) for name in ("trino", "image"))
        apart = apart or item.get_closest_marker("kills") is not None
        if item.path.is_relative_to(_HERE) and not apart:
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
def sqs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqsServer]:
    """A server of queues."""
    if missing := elasticmq.tools():
        unavailable(missing)
    server = SqsServer(tmp_path_factory.mktemp("sqs"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def opensearch() -> Iterator[OpenSearchServer]:
    """An OpenSearch node."""
    if missing := opensearch_server.tools():
        unavailable(missing)
    with folder_for_others() as folder:
        server = OpenSearchServer(folder)
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def secured_opensearch() -> Iterator[OpenSearchServer]:
    """An OpenSearch node that speaks TLS and asks who one is."""
    if missing := opensearch_server.tools() or opensearch_security.tools():
        unavailable(missing)
    with folder_for_others() as folder:
        server = OpenSearchServer(folder, secured=True)
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def opensearch_url(opensearch: OpenSearchServer) -> str:
    """The node's address."""
    return opensearch.url


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server."""
    if missing := postgres_server.tools():
        unavailable(missing)
    with folder_for_others() as folder:
        server = PostgresServer(folder)
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def kubernetes() -> Iterator[Cluster]:
    """A Kubernetes cluster of one node."""
    if missing := kubernetes_build.tools():
        unavailable(missing)
    with running_cluster() as cluster:
        yield cluster


@contextmanager
def folder_for_others() -> Iterator[Path]:
    """A folder for a server that is another user; pytest's own are for their owner alone, and made so again."""
    with tempfile.TemporaryDirectory(prefix="biolake-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)
