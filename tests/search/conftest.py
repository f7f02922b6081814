"""The engines that the conformance tests run on: one more entry here is one more engine held to the same answers."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from biolake.search.index import SearchIndex
from biolake.search.open import open_index
from tests.search.search_documents import STUDIES

ENGINES: dict[str, Callable[[Path], SearchIndex]] = {
    "lance": lambda folder: open_index((folder / "index").as_uri()),
}


@pytest.fixture(params=ENGINES)
def open_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], SearchIndex]:
    """Open the same index once more, as another process would."""
    return lambda: ENGINES[request.param](tmp_path)


@pytest.fixture
def index(open_engine: Callable[[], SearchIndex]) -> Iterator[SearchIndex]:
    """An index in which nothing has been written yet."""
    opened = open_engine()
    yield opened
    opened.close()


@pytest.fixture(scope="module", params=ENGINES)
def studies(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchIndex]:
    """An index of STUDIES that tests only read."""
    opened = ENGINES[request.param](tmp_path_factory.mktemp("studies"))
    opened.upsert(STUDIES)
    yield opened
    opened.close()
