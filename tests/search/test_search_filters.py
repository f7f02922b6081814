"""What narrows a search beside its text, filters and repositories: on every engine the same."""

from datetime import timedelta

import pytest

from biolake.search.errors import InvalidRequest
from biolake.search.index import SearchIndex
from biolake.search.models import Range, SearchRequest
from tests.search.search_documents import (
    ALL,
    HCC,
    INGESTED,
    LIVER,
    MELANOMA,
    P100,
    RADIO,
    STUDIES,
    SYNOVIAL,
    TCELLS,
    document,
    ids,
)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"organism": ("Mus musculus",)}, {LIVER, TCELLS}),
        ({"organism": ("Mus musculus", "Homo sapiens")}, ALL),
        ({"organism": ("Mus musculus",), "year": (2015,)}, {LIVER}),
        ({"organism": ("mus musculus",)}, set()),
        ({"organism": ()}, set()),
        ({"year": Range(minimum=2015, maximum=2019)}, {LIVER, SYNOVIAL, RADIO}),
        ({"year": Range(maximum=2008)}, {HCC}),
        ({"n_samples": Range(minimum=90)}, {HCC, P100}),
        ({"curated_disease": ("hepatocellular carcinoma",), "data_type": ("RNA-seq",)}, {RADIO}),
        ({"accessions": ("GSE42872",)}, {MELANOMA}),
        ({"dataset_id": (MELANOMA,)}, {MELANOMA}),
        ({"ingested_at": Range(minimum=INGESTED, maximum=INGESTED)}, ALL),
        ({"ingested_at": Range(minimum=INGESTED + timedelta(seconds=1))}, set()),
    ],
)
@pytest.mark.parametrize("text", ["", "homo | mus"])
def test_filters_are_exact_and_all_hold(studies: SearchIndex, filters: dict, expected: set[str], text: str) -> None:
    page = studies.search(SearchRequest(text=text, filters=filters))
    assert set(ids(page)) == expected
    assert page.total == len(expected)


@pytest.mark.parametrize(
    "value",
    [
        "' OR '1'='1",
        "') OR true --",
        "x'; DROP TABLE documents; --",
        "\\' OR true",
        "“”",
        "a\nb",
        '"',
        "%",
        "*",
        "日本",
    ],
)
@pytest.mark.parametrize("name", ["organism", "data_type", "dataset_id"])
def test_a_filter_value_is_only_a_value(index: SearchIndex, name: str, value: str) -> None:
    index.upsert([document("GSE1", data_type="other", organism=("other",)), document(value or "none")])
    mine = {"organism": (value,), "data_type": value, "dataset_id": "GSE2"}
    index.upsert([document("GSE2", organism=mine["organism"], data_type=mine["data_type"])])
    expected = [value] if name == "dataset_id" else ["GSE2"]
    assert ids(index.search(SearchRequest(filters={name: (value,)}))) == expected
    assert index.versions(value) == {}
    assert index.count(value) == 0
    assert index.get("geo", value) is not None
    index.delete("geo", [value])
    assert set(index.versions("geo")) == {"GSE1", "GSE2"}


@pytest.mark.parametrize(
    "fields",
    [
        {"filters": {"tissue": ("liver",)}},
        {"filters": {"organism": Range(minimum=1)}},
        {"filters": {"year": Range()}},
        {"filters": {"year": ("2015",)}},
        {"filters": {"organism": (1,)}},
        {"filters": {"ingested_at": ("2024",)}},
        {"facets": ("title",)},
        {"sort": "score"},
    ],
)
def test_a_request_for_what_no_index_has_is_refused(fields: dict) -> None:
    with pytest.raises(InvalidRequest):
        SearchRequest(**fields)


def test_repositories_bound_a_search(studies: SearchIndex) -> None:
    assert ids(studies.search(SearchRequest(text="melanoma", repositories=("proteomics",)))) == [P100]
    assert ids(studies.search(SearchRequest(text="melanoma", repositories=("none",)))) == []
    assert studies.search(SearchRequest(repositories=("geo", "proteomics"))).total == len(STUDIES)
