"""What every engine answers to a search by vector, alone and beside words."""

import math
from collections.abc import Callable, Iterator

import pytest
from pydantic import ValidationError

from biolake.search.errors import InvalidRequest, VectorMismatch
from biolake.search.index import SearchIndex
from biolake.search.models import FacetCount, SearchDocument, SearchRequest
from biolake.search.vectors import combined
from tests.search.search_documents import document, ids

NORTH, EAST, UP = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def _around(degrees: float) -> tuple[float, float, float]:
    """A direction so far from north."""
    return (math.cos(math.radians(degrees)), math.sin(math.radians(degrees)), 0.0)


DOCUMENTS: tuple[SearchDocument, ...] = (
    document("NEAR", title="renal cortex", year=2001, vector=_around(5)),
    document("CLOSE", title="kidney atlas", year=2002, vector=_around(20)),
    document("SIDE", title="kidney stones", year=2001, vector=_around(80)),
    document("BACK", title="liver lobes", year=2002, vector=_around(175)),
    document("LONG", title="spleen", year=2003, vector=tuple(100 * value for value in _around(40))),
    document("NONE", title="kidney without a vector", year=2003),
)


@pytest.fixture
def index(open_engine: Callable[[int], SearchIndex]) -> Iterator[SearchIndex]:
    opened = open_engine(3)
    opened.upsert(DOCUMENTS)
    yield opened
    opened.close()


def test_a_vector_alone_finds_its_neighbours_nearest_first(index: SearchIndex) -> None:
    page = index.search(SearchRequest(vector=NORTH, neighbours=4))
    assert ids(page) == ["NEAR", "CLOSE", "LONG", "SIDE"]
    assert page.total == 4
    assert [hit.score for hit in page.hits] == pytest.approx(
        [(1 + math.cos(math.radians(degrees))) / 2 for degrees in (5, 20, 40, 80)], abs=1e-4
    )


def test_words_and_vector_find_what_either_finds(index: SearchIndex) -> None:
    page = index.search(SearchRequest(text="kidney", vector=NORTH, neighbours=2, facets=("year",)))
    assert set(ids(page)) == {"NEAR", "CLOSE", "SIDE", "NONE"}
    assert ids(page)[0] == "CLOSE", "found by both"
    assert page.total == 4
    assert page.facets["year"] == (
        FacetCount(value=2001, count=2),
        FacetCount(value=2002, count=1),
        FacetCount(value=2003, count=1),
    )
    assert [hit.score for hit in page.hits] == sorted((hit.score for hit in page.hits), reverse=True)
    highlighted = {hit.dataset_id for hit in page.hits if hit.highlights}
    assert highlighted == {"CLOSE", "SIDE", "NONE"}


def test_an_exact_accession_stays_first(index: SearchIndex) -> None:
    page = index.search(SearchRequest(text="BACK | kidney", vector=NORTH, neighbours=3))
    assert ids(page)[0] == "BACK"


def test_filters_hold_for_neighbours(index: SearchIndex) -> None:
    only = {"year": (2001,)}
    assert ids(index.search(SearchRequest(vector=NORTH, filters=only))) == ["NEAR", "SIDE"]
    assert set(ids(index.search(SearchRequest(text="kidney", vector=NORTH, filters=only)))) == {"NEAR", "SIDE"}
    assert ids(index.search(SearchRequest(vector=NORTH, repositories=("other",)))) == []
    page = index.search(SearchRequest(text="kidney", vector=NORTH, repositories=("other",), facets=("year",)))
    assert (page.hits, page.total, page.facets) == ((), 0, {"year": ()})


def test_what_was_deleted_is_no_neighbour(index: SearchIndex) -> None:
    index.delete("geo", ["NEAR"])
    index.delete("geo", {"CLOSE": 9})
    assert ids(index.search(SearchRequest(vector=NORTH, neighbours=2))) == ["LONG", "SIDE"]


@pytest.mark.parametrize("text", ["", "kidney", "unheardof"])
def test_pages_are_the_whole_in_order(index: SearchIndex, text: str) -> None:
    whole = index.search(SearchRequest(text=text, vector=NORTH, neighbours=5))
    found: list[str] = []
    after = None
    for _ in range(len(whole.hits)):
        page = index.search(SearchRequest(text=text, vector=NORTH, neighbours=5, size=1, after=after))
        assert page.total == whole.total
        found += ids(page)
        after = page.next
        index.upsert([document(f"NEW{len(found)}", title="kidney", vector=NORTH)])
    assert found == ids(whole)
    assert after is None


def test_only_the_counts(index: SearchIndex) -> None:
    page = index.search(SearchRequest(text="kidney", vector=NORTH, neighbours=2, size=0, facets=("year",)))
    assert (page.hits, page.total, page.next) == ((), 4, None)
    assert sum(count.count for count in page.facets["year"]) == 4


def test_a_document_comes_back_with_its_vector(index: SearchIndex) -> None:
    for one in DOCUMENTS:
        assert index.get("geo", one.dataset_id) == one


def test_a_vector_of_another_length_is_refused(index: SearchIndex, open_engine: Callable[[int], SearchIndex]) -> None:
    with pytest.raises(VectorMismatch, match="The search's vector has 2 numbers, and the index holds vectors of 3"):
        index.search(SearchRequest(vector=(1.0, 2.0)))
    with pytest.raises(VectorMismatch, match="geo/OTHER"):
        index.upsert([document("OTHER", vector=(1.0, 2.0))])
    assert index.get("geo", "OTHER") is None


def test_an_index_without_vectors_says_so(open_engine: Callable[..., SearchIndex]) -> None:
    index = open_engine()
    index.upsert([document("GSE1", title="kidney")])
    with pytest.raises(VectorMismatch, match=r"the index holds no vectors\. Set BIOLAKE_INDEX_VECTOR_DIMENSION"):
        index.search(SearchRequest(vector=NORTH))
    with pytest.raises(VectorMismatch, match="geo/GSE2"):
        index.upsert([document("GSE2", vector=NORTH)])
    index.close()


@pytest.mark.parametrize("vector", [(0.0, 0.0), (math.nan, 1.0), (math.inf, 1.0), (1e300, 1.0), (1e-300, 0.0)])
def test_a_vector_without_a_direction_is_refused(vector: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError, match="vector"):
        SearchRequest(vector=vector)
    with pytest.raises(ValidationError, match="vector"):
        document("GSE1", vector=vector)


def test_a_search_by_vector_has_no_other_order() -> None:
    with pytest.raises(InvalidRequest, match="year"):
        SearchRequest(vector=NORTH, sort="year")


def test_two_rankings_become_one() -> None:
    assert combined({}, {}) == {}
    assert combined({"a": 3.0}, {}) == {"a": pytest.approx(0.6)}
    joined = combined({"a": 4.0, "b": 2.0, "c": 3.0}, {"b": 1.0, "d": 0.5})
    expected = {"a": 0.6, "b": 0.6 * 0.001 + 0.4, "c": 0.3, "d": 0.4 * 0.001}
    assert joined == {name: pytest.approx(score) for name, score in expected.items()}
