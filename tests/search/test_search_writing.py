"""Writing, replacing and deleting documents, in any order of versions: on every engine the same."""

from collections.abc import Callable

import pytest

from biolake.search.errors import InvalidDocument
from biolake.search.index import SearchIndex
from biolake.search.models import SearchPage, SearchRequest
from tests.search.search_documents import ALL, HCC, MELANOMA, P100, STUDIES, TCELLS, document, ids


def test_an_index_without_documents_answers_with_nothing(index: SearchIndex) -> None:
    for _ in range(2):
        for text in ("", "melanoma", "~ melanoma", '"breast cancer"', "mela*"):
            page = index.search(SearchRequest(text=text, facets=("organism",), filters={"year": (2015,)}))
            assert page == SearchPage(hits=(), total=0, facets={"organism": ()}, next=None)
        assert index.versions("geo") == {}
        assert index.count() == index.count("geo") == 0
        assert index.get("geo", "GSE1") is None
        index.delete("geo", ["GSE1"])
        index.optimize()
        # The second time round there was a document once.
        index.upsert([document("GSE1")])
        index.delete("geo", ["GSE1"])


def test_a_document_comes_back_as_it_went_in(studies: SearchIndex) -> None:
    for study in STUDIES:
        assert studies.get(study.repository, study.dataset_id) == study
    assert studies.get("proteomics", MELANOMA) is None
    (hit,) = studies.search(SearchRequest(text="accession:GSE42872")).hits
    assert hit.dataset.model_dump() == {name: getattr(STUDIES[0], name) for name in type(hit.dataset).model_fields}


def test_writing_again_changes_nothing(index: SearchIndex) -> None:
    for _ in range(3):
        assert index.upsert(STUDIES).written == len(STUDIES)
    assert index.count() == len(STUDIES)
    assert index.search(SearchRequest(text="melanoma")).total == 2
    assert index.upsert([]).written == 0


def test_an_update_replaces_the_whole_document(index: SearchIndex) -> None:
    index.upsert([document("GSE1", title="kidney", organism=("Homo sapiens",))])
    assert index.upsert([document("GSE1", title="spleen", version=2, lot="lot-2")]).written == 1
    assert index.search(SearchRequest(text="kidney")).total == 0
    assert index.search(SearchRequest(text="homo")).total == 0
    assert ids(index.search(SearchRequest(text="spleen"))) == ["GSE1"]
    assert index.versions("geo") == {"GSE1": "lot-2"}


def test_a_late_write_loses(index: SearchIndex) -> None:
    index.upsert([document("GSE1", title="new", version=7)])
    outcome = index.upsert([document("GSE1", title="old", version=6), document("GSE2", title="other", version=1)])
    assert (outcome.written, outcome.stale) == (1, 1)
    assert index.search(SearchRequest(text="old")).total == 0
    assert ids(index.search(SearchRequest(text="new"))) == ["GSE1"]


def test_the_newest_of_one_call_wins(index: SearchIndex) -> None:
    versions = [document("GSE1", title=f"state {version}", version=version) for version in (1, 3, 2)]
    index.upsert(versions)
    found = index.get("geo", "GSE1")
    assert found is not None
    assert found.title == "state 3"
    assert index.count() == 1


def test_a_deleted_dataset_leaves_no_ghost(index: SearchIndex) -> None:
    index.upsert(STUDIES)
    index.delete("geo", [MELANOMA, "never there"])
    index.delete("geo", {HCC: 5})
    left = ALL - {MELANOMA, HCC}
    page = index.search(SearchRequest(text="", facets=("year",)))
    assert set(ids(page)) == left
    assert sum(facet.count for facet in page.facets["year"]) == 4
    for text in ("melanoma", "hcc ~ radiotherapy", "~ liver", "*", "GSE42872"):
        assert not set(ids(index.search(SearchRequest(text=text)))) & {MELANOMA, HCC}
    assert index.get("geo", HCC) is None
    assert set(index.versions("geo")) == left - {P100}
    assert index.count("geo") == 4
    assert index.search(SearchRequest(filters={"dataset_id": (HCC, MELANOMA)})).total == 0


def test_a_late_write_does_not_bring_a_deleted_dataset_back(index: SearchIndex) -> None:
    index.upsert([document("GSE1", title="kidney", version=4), document("GSE2", title="kidney", version=9)])
    index.delete("geo", {"GSE1": 5, "GSE2": 5, "GSE3": 5})
    assert index.versions("geo") == {"GSE2": "lot-1"}
    assert index.upsert([document("GSE1", version=4), document("GSE3", version=4)]).stale == 2
    assert index.versions("geo") == {"GSE2": "lot-1"}
    index.optimize()
    assert index.upsert([document("GSE1", version=4)]).stale == 1
    index.upsert([document("GSE1", title="kidney again", version=6)])
    assert set(ids(index.search(SearchRequest(text="kidney")))) == {"GSE1", "GSE2"}


def test_what_is_written_is_seen_at_once_by_everyone(index: SearchIndex, open_engine: Callable) -> None:
    reader = open_engine()
    assert reader.search(SearchRequest(text="kidney")).total == 0
    for number in range(1, 4):
        index.upsert([document(f"GSE{number}", title="kidney")])
        assert reader.search(SearchRequest(text="kidney")).total == number
        assert reader.search(SearchRequest(text="kidn* ~ liver")).total == number
        assert reader.search(SearchRequest(text="title:kidney", filters={"repository": ("geo",)})).total == number
        assert len(reader.versions("geo")) == number
        if number == 2:
            index.optimize()
    reader.close()


def test_optimizing_changes_no_answer(index: SearchIndex) -> None:
    index.upsert(STUDIES[:3])
    index.upsert(STUDIES[3:])
    index.delete("geo", {TCELLS: 1})
    requests = [SearchRequest(text=text, facets=("organism",)) for text in ("melanoma | liver", "~ liver", "IL6", "")]
    before = [index.search(request) for request in requests]
    index.optimize()
    after = [index.search(request) for request in requests]
    assert [(ids(page), page.total, page.facets) for page in after] == [
        (ids(page), page.total, page.facets) for page in before
    ]


def test_a_document_must_be_identified() -> None:
    for fields in ({"dataset_id": ""}, {"repository": ""}, {"repository": "geo/x"}):
        with pytest.raises(InvalidDocument):
            document(**{"dataset_id": "GSE1", **fields})
