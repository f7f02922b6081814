"""Engines over small lakes. One engine serves all tests that only read; tests that write have a lake of their own."""

import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from biolake.sql.engine import open_engine
from biolake.sql.models import Limits, SearchSource, SqlEngine
from tests.sql.made_lake import MadeLake, geo_lake

LIMITS = Limits(processes=2, threads=1, memory_bytes=1536 * 1024**2, seconds=20.0)
SearchCalls = list[tuple[str, dict[str, str | int]]]


def made_search(calls: SearchCalls) -> SearchSource:
    """A search that notes how it is called and always finds the same."""

    def search(text: str, **options: str | int) -> pa.Table:
        calls.append((text, options))
        return pa.table(
            {
                "repository": ["geo", "lab", "geo"],
                "dataset_id": ["GSE1", "L1", "REMOVED"],
                "score": [3.0, 2.0, 1.0],
                "rank": [1, 2, 3],
                "title": ["Study GSE1", "O'Brien's study", "A study that is gone"],
            }
        )

    return search


@pytest.fixture(autouse=True)
def processor_time() -> Iterator[None]:
    """Give the tests' own process its time back, where a test had it answer statements as an engine's process does."""
    before = resource.getrlimit(resource.RLIMIT_CPU)
    yield
    resource.setrlimit(resource.RLIMIT_CPU, before)


@pytest.fixture(scope="session")
def search_calls() -> SearchCalls:
    return []


@pytest.fixture(scope="session")
def read_lake(tmp_path_factory: pytest.TempPathFactory) -> MadeLake:
    return geo_lake(tmp_path_factory.mktemp("a lake") / "lake")


@pytest.fixture(scope="session", params=["embedded"])
def engine(request: pytest.FixtureRequest, read_lake: MadeLake, search_calls: SearchCalls) -> Iterator[SqlEngine]:
    """Every engine that answers the dialect; the conformance tests run on each."""

    assert request.param == "embedded"
    with open_engine(read_lake.url, search=made_search(search_calls), limits=LIMITS) as opened:
        yield opened


@pytest.fixture
def own_lake(tmp_path: Path) -> MadeLake:
    return geo_lake(tmp_path / "lake")


@pytest.fixture
def open_on() -> Iterator[Callable[..., SqlEngine]]:
    """Open engines that are closed when the test ends."""
    opened: list[SqlEngine] = []

    def open_(lake: MadeLake, limits: Limits = LIMITS) -> SqlEngine:
        opened.append(open_engine(lake.url, limits=limits))
        return opened[-1]

    yield open_
    for engine in opened:
        engine.close()
