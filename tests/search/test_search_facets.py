"""What is counted of all that a search finds: on every engine the same."""

from biolake.search.index import SearchIndex
from biolake.search.models import FACETS, FacetCount, Range, SearchRequest


def test_facets_count_all_matches_not_the_page(studies: SearchIndex) -> None:
    for text in ("", "~ unheardof"):
        page = studies.search(SearchRequest(text=text, size=1, facets=("organism", "year", "repository")))
        assert page.total == 7
        assert page.facets["organism"] == (
            FacetCount(value="Homo sapiens", count=6),
            FacetCount(value="Mus musculus", count=2),
        )
        assert page.facets["year"] == tuple(
            FacetCount(value=year, count=count)
            for year, count in [(2015, 2), (2008, 1), (2012, 1), (2019, 1), (2021, 1)]
        )
        assert sum(facet.count for facet in page.facets["repository"]) == 7


def test_facets_follow_query_and_filters(studies: SearchIndex) -> None:
    page = studies.search(
        SearchRequest(text="liver", filters={"year": Range(minimum=2010)}, facets=FACETS, facet_size=1, size=0)
    )
    assert page.hits == ()
    assert page.total == 2
    assert page.facets["curated_tissue"] == (FacetCount(value="liver", count=2),)
    assert page.facets["curated_drug"] == ()
    assert page.facets["data_type"] == (FacetCount(value="RNA-seq", count=2),)
    assert len(page.facets["curated_disease"]) == 1
