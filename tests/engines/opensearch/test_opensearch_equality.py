"""The two engines side by side: whatever is asked of whatever documents, both find the same."""

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biolake.search.index import SearchIndex
from biolake.search.models import SORTS, Range, SearchDocument, SearchRequest
from biolake.search.open import open_index
from biolake.search.query import And, Everything, Literal, Not, Or, Phrase, Query, print_query
from tests.engines.opensearch.conftest import named, opener
from tests.search.search_documents import INGESTED, STUDIES, document

pytestmark = pytest.mark.engines

_WORDS = (
    *("IL-6", "IL6", "il 6", "TNF-α", "TNFα", "tnf alpha", "naïve", "NAIVE", "tumor", "Tumors", "mice", "mouse"),
    *("biopsies", "biopsy", "therapy", "therapies", "Alzheimer's", "GSE42", "GSE42_GPL7", "10-12", "C57BL/6J", "CD4⁺"),
    *(
        "½",
        "肝臓",
        "肝",
        "日本",
        "straße",
        "STRASSE",
        "the",
        "of",
        "cells",
        "cell",
        "analyses",
        "analysis",
        "KRAS",
        "as",
    ),
    *("x" * 90, "x" * 101, "y" * 300, "é" * 120, "𝒜𝒷", "ﬁbrosis", "fibrosis", "Ⅳ", "a-b-c-d-e", "PD–L1", "pdl1"),
)
_FIELDS = (
    None,
    "title",
    "summary",
    "disease",
    "organism",
    "samples",
    "features",
    "id",
    "accession",
    "year",
    "platform",
)


def _made(number: int) -> SearchDocument:
    chance = random.Random(number)

    def some(most: int) -> str:
        return " ".join(chance.choices(_WORDS, k=chance.randint(0, most)))

    return document(
        f"GSE{number}",
        repository=chance.choice(("geo", "ena")),
        title=some(5),
        summary=some(25),
        organism=tuple(chance.sample(("Homo sapiens", "Mus musculus", "Rattus"), chance.randint(0, 2))),
        data_type=chance.choice((None, "RNA-seq", "array", "")),
        platform=chance.choice((None, "GPL7", "GPL-8")),
        year=chance.choice((None, 1999, 2015, 2020)),
        n_samples=chance.randint(0, 4),
        curated_disease=tuple(some(2) for _ in range(chance.randint(0, 2))),
        accessions=tuple(chance.choices(("GSE42", "PRJ-1", "x y"), k=chance.randint(0, 2))),
        samples_text="\n".join(some(4) for _ in range(3)),
        features_text=some(3),
        ingested_at=INGESTED + timedelta(microseconds=chance.randint(0, 3)),
    )


DOCUMENTS = [*STUDIES, *(_made(number) for number in range(150))]


@pytest.fixture(scope="module")
def both(opensearch_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SearchIndex, SearchIndex]]:
    """The embedded engine, and a cluster where the documents lie in three shards."""
    embedded = open_index(tmp_path_factory.mktemp("both").as_uri())
    with named(opensearch_url) as name:
        cluster = opener(opensearch_url, name)(shards=3)
        for index in (embedded, cluster):
            index.upsert(DOCUMENTS)
            index.delete("geo", {"GSE7": 9, "GSE8": 9})
            index.delete("ena", ["GSE9", "GSE10"])
        yield embedded, cluster
        embedded.close()
        cluster.close()


_literals = st.builds(
    Literal, st.sampled_from([word for word in _WORDS if " " not in word]), st.sampled_from(_FIELDS), st.just(False)
)
_prefixes = st.builds(
    Literal,
    st.sampled_from(("il", "tn", "tum", "mic", "biops", "thera", "xx", "yyyyyyyyyyyyyyyyyyyyyyyy", "stra", "gse4")),
    st.sampled_from(_FIELDS),
    st.just(True),
)
_phrases = st.builds(
    Phrase, st.lists(st.sampled_from(_WORDS), min_size=1, max_size=3).map(" ".join), st.sampled_from(_FIELDS)
)


def _groups(inner: st.SearchStrategy[Query]) -> st.SearchStrategy[Query]:
    several = st.lists(inner, min_size=2, max_size=4).map(tuple)
    return st.one_of(st.builds(And, several), st.builds(Or, several), st.builds(Not, inner))


_queries = st.one_of(st.just(Everything()), st.recursive(_literals | _prefixes | _phrases, _groups, max_leaves=6))
_filters = st.fixed_dictionaries(
    {},
    optional={
        "year": st.one_of(
            st.lists(st.sampled_from((1999, 2015, -5)), max_size=2).map(tuple),
            st.builds(Range, minimum=st.sampled_from((None, 2015, 1990)), maximum=st.sampled_from((2015, 2030))),
        ),
        "organism": st.lists(st.sampled_from(("Homo sapiens", "Rattus", "rattus")), max_size=2).map(tuple),
        "data_type": st.sampled_from((("RNA-seq",), ("",))),
        "ingested_at": st.builds(
            Range, minimum=st.integers(0, 4).map(lambda later: INGESTED + timedelta(microseconds=later))
        ),
    },
)


def _found(index: SearchIndex, request: SearchRequest) -> tuple[set[tuple[str, str]], int, object, object]:
    page = index.search(request)
    highlights = {(hit.repository, hit.dataset_id): hit.highlights for hit in page.hits}
    return set(highlights), page.total, page.facets, highlights


# A cluster answers slowly, and rare queries are drawn often.
_SLOW = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)


@settings(max_examples=150, deadline=None, suppress_health_check=_SLOW)
@given(query=_queries, filters=_filters, repositories=st.sampled_from(((), ("geo",), ("ena", "none"))))
def test_both_engines_find_the_same(
    both: tuple[SearchIndex, SearchIndex], query: Query, filters: dict, repositories: tuple[str, ...]
) -> None:
    request = SearchRequest(
        text=print_query(query),
        filters=filters,
        repositories=repositories,
        size=1000,
        facets=("organism", "year", "data_type", "repository", "curated_disease"),
        facet_size=3,
    )
    embedded, cluster = (_found(index, request) for index in both)
    assert cluster == embedded


@settings(max_examples=60, deadline=None, suppress_health_check=_SLOW)
@given(sort=st.sampled_from(SORTS[1:]), descending=st.booleans(), size=st.integers(1, 60), query=_queries)
def test_both_engines_sort_and_page_alike(
    both: tuple[SearchIndex, SearchIndex], sort: str, descending: bool, size: int, query: Query
) -> None:
    found: list[list[str]] = []
    for index in both:
        ids: list[str] = []
        after = None
        for _ in range(4):
            page = index.search(
                SearchRequest(text=print_query(query), sort=sort, descending=descending, size=size, after=after)
            )
            ids += [f"{hit.repository}/{hit.dataset_id}" for hit in page.hits]
            after = page.next
            if after is None:
                break
        found.append(ids)
    assert found[0] == found[1]


def test_both_engines_hold_the_same(both: tuple[SearchIndex, SearchIndex]) -> None:
    embedded, cluster = both
    assert cluster.count() == embedded.count()
    for repository in ("geo", "ena", "proteomics", "none"):
        assert cluster.versions(repository) == embedded.versions(repository)
        assert cluster.count(repository) == embedded.count(repository)
    for one in DOCUMENTS:
        assert cluster.get(one.repository, one.dataset_id) == embedded.get(one.repository, one.dataset_id)
