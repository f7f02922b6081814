"""Engines on a real Trino over lakes on a real S3 server, under the names that the embedded engine's tests use."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from biolake.sql.models import Limits, SearchSource, SqlEngine
from biolake.sql.trino import TrinoEngine
from biolake.sql.trino_connection import TrinoAddress
from biolake.sql.versions import LakeVersions
from tests.engines.servers import trino as trino_server
from tests.engines.servers.missing import unavailable
from tests.engines.servers.opensearch import OpenSearchServer
from tests.engines.servers.trino import LAKE_CATALOG, TrinoServer
from tests.engines.servers.versitygw import S3Server
from tests.sql.conftest import made_search
from tests.sql.made_lake import MadeLake, fill_geo_lake

_HERE = Path(__file__).parent
LIMITS = Limits(processes=2, threads=1, memory_bytes=1536 * 1024**2, seconds=60.0)
SearchCalls = list[tuple[str, dict[str, str | int]]]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker("trino")


class LakeOnS3(MadeLake):
    """A lake below a URL."""

    def __init__(self, url: str) -> None:
        super().__init__(Path("/nonexistent"))
        self._url = url

    @property
    def url(self) -> str:
        return self._url

    def path(self, repository: str, table: str) -> str:
        return f"{self._url}/{repository}/{table}"


@pytest.fixture(scope="session")
def trino(
    tmp_path_factory: pytest.TempPathFactory, s3: S3Server, opensearch: OpenSearchServer
) -> Iterator[TrinoServer]:
    """A Trino with the lakes' catalog and the index's."""
    if missing := trino_server.tools():
        unavailable(missing)
    server = TrinoServer(tmp_path_factory.mktemp("trino") / "node", s3.environment, opensearch.port)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def bucket(s3: S3Server) -> Iterator[str]:
    """A bucket for all lakes; the environment names its server."""
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in s3.environment.items():
            patch.setenv(variable, value)
        yield s3.make_bucket(f"b{uuid.uuid4().hex[:12]}", versioned=False)


@pytest.fixture(scope="session")
def address(trino: TrinoServer) -> TrinoAddress:
    return TrinoAddress(trino.url, catalog=LAKE_CATALOG)


@pytest.fixture(scope="session")
def search_calls() -> SearchCalls:
    return []


@pytest.fixture(scope="session")
def read_lake(bucket: str) -> MadeLake:
    return fill_geo_lake(LakeOnS3(f"{bucket}/a lake"))


@pytest.fixture(scope="session")
def engine(address: TrinoAddress, read_lake: MadeLake, search_source: SearchSource) -> Iterator[SqlEngine]:
    with TrinoEngine(LakeVersions(read_lake.url), address, search_source, LIMITS) as opened:
        yield opened


@pytest.fixture
def own_lake(bucket: str) -> MadeLake:
    return fill_geo_lake(LakeOnS3(f"{bucket}/{uuid.uuid4().hex}"))


@pytest.fixture
def open_on(address: TrinoAddress) -> Iterator[Callable[..., SqlEngine]]:
    """Open engines that are closed when the test ends."""
    opened: list[SqlEngine] = []

    def open_(lake: MadeLake, limits: Limits = LIMITS) -> SqlEngine:
        opened.append(TrinoEngine(LakeVersions(lake.url), address, limits=limits))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


@pytest.fixture(scope="session")
def search_source(search_calls: SearchCalls) -> SearchSource:
    return made_search(search_calls)
