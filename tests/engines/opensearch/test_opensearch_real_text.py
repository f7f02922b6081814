"""Real GEO series on a real cluster: the tests that the embedded engine passes."""

from collections.abc import Iterator

import pytest

from biolake.search.index import SearchIndex
from tests.engines.opensearch.conftest import named, opener
from tests.search.search_documents import document
from tests.search.test_search_real_text import (  # noqa: F401
    judged,
    series,
    test_every_series_is_first_under_its_own_accession,
    test_the_same_series_as_a_scan_of_the_text,
    test_what_experts_hold_relevant_ranks_high,
)

pytestmark = [pytest.mark.engines, pytest.mark.shared_data]


@pytest.fixture(scope="module")
def index(series: dict[str, tuple[str, str]], opensearch_url: str) -> Iterator[SearchIndex]:  # noqa: F811
    with named(opensearch_url) as name:
        opened = opener(opensearch_url, name)()
        documents = [document(name, title=title, summary=summary) for name, (title, summary) in series.items()]
        assert opened.upsert(documents).stale == 0
        yield opened
        opened.close()
