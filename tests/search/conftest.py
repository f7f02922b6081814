"""The engines that the conformance tests run on. `tests/engines/opensearch` runs the same tests on a real cluster."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from biolake.search.index import SearchIndex
from biolake.search.open import open_index
from tests.search.search_documents import STUDIES


class Opener(Protocol):
    """Opens the same index once more, as another process would."""

    def __call__(self, vector_dimension: int = 0) -> SearchIndex: ...


def _lance(folder: Path) -> Opener:
    def opened(vector_dimension: int = 0) -> SearchIndex:
        return open_index((folder / "index").as_uri(), vector_dimension=vector_dimension)

    return opened


ENGINES: dict[str, Callable[[Path], Opener]] = {"lance": _lance}


@pytest.fixture(params=ENGINES)
def open_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    """Open the same index once more, as another process would."""
    return ENGINES[request.param](tmp_path)


@pytest.fixture
def index(open_engine: Opener) -> Iterator[SearchIndex]:
    """An index in which nothing has been written yet."""
    opened = open_engine()
    yield opened
    opened.close()


@pytest.fixture(scope="module", params=ENGINES)
def studies(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchIndex]:
    """An index of STUDIES that tests only read."""
    opened = ENGINES[request.param](tmp_path_factory.mktemp("studies"))()
    opened.upsert(STUDIES)
    yield opened
    opened.close()
