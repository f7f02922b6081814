"""Filling an index anew, on every engine: what it holds afterwards."""

from collections.abc import Callable, Iterator

import pytest

from biolake.search.errors import EmptyRebuild
from biolake.search.index import SearchIndex
from biolake.search.models import SearchDocument, SearchRequest
from tests.search.search_documents import STUDIES, document


def test_it_holds_what_it_was_filled_with(index: SearchIndex, open_engine: Callable[[], SearchIndex]) -> None:
    index.upsert([*STUDIES[:3], document("GHOST", title="melanoma")])
    done = index.rebuild(STUDIES)
    assert (done.documents, done.before, done.after) == (7, 4, 7)
    for reader in (index, open_engine()):
        assert reader.count() == 7
        assert reader.get("geo", "GHOST") is None
        assert {hit.dataset_id for hit in reader.search(SearchRequest(text="melanoma")).hits} == {
            "GSE42872_GPL6244",
            "P100",
        }
        assert all(reader.get(study.repository, study.dataset_id) == study for study in STUDIES)


def test_an_index_that_never_was_is_filled(index: SearchIndex) -> None:
    assert index.rebuild(STUDIES).after == 7
    assert index.search(SearchRequest(text="melanoma")).total == 2
    assert index.rebuild(STUDIES).after == 7


def test_what_others_write_meanwhile_stays(index: SearchIndex, open_engine: Callable[[], SearchIndex]) -> None:
    index.upsert([document(f"GSE{number}", title="kidney") for number in range(6)])
    writer = open_engine()

    def documents() -> Iterator[SearchDocument]:
        yield document("GSE0", title="kidney")
        writer.upsert([document("GSE0", title="spleen", version=2), document("NEW", title="kidney", version=3)])
        writer.delete("geo", {"GSE1": 5})
        yield from (document(f"GSE{number}", title="kidney") for number in range(1, 6))
        writer.upsert([document("GSE2", title="kidney again", version=2)])
        writer.delete("geo", {"GSE3": 5})
        assert index.search(SearchRequest(text="kidney")).total == 4

    index.rebuild(documents())
    expected = {"GSE2", "GSE4", "GSE5", "NEW"}
    assert {hit.dataset_id for hit in index.search(SearchRequest(text="kidney")).hits} == expected
    assert set(writer.versions("geo")) == expected | {"GSE0"}
    assert index.upsert([document("GSE1", version=4)]).stale == 1, "a deletion goes on refusing late writes"


def test_nothing_to_fill_it_with_is_an_outage(index: SearchIndex) -> None:
    assert index.rebuild([]).after == 0
    index.upsert(STUDIES)
    with pytest.raises(EmptyRebuild, match="7"):
        index.rebuild([])
    assert index.count() == 7
    assert index.upsert([document("GSE9")]).written == 1


def test_a_dataset_that_was_taken_out_by_its_id_comes_back_where_it_is_among_the_documents(index: SearchIndex) -> None:
    index.upsert([document("GSE1", version=3), document("GSE2", version=3)])
    index.delete("geo", ["GSE1"])
    index.rebuild([document("GSE1", version=3), document("GSE2", version=3)])
    assert set(index.versions("geo")) == {"GSE1", "GSE2"}
