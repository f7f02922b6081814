"""Pages and their order, while others write and with cursors that were changed: on every engine the same."""

import base64
import json
from collections.abc import Callable

import pytest

from biolake.search.errors import InvalidCursor
from biolake.search.index import SearchIndex
from biolake.search.models import SORTS, SearchRequest
from tests.search.search_documents import ALL, document, ids


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("text", ["", "homo | mus"])
def test_pages_are_the_whole_in_order(studies: SearchIndex, sort: str, descending: bool, text: str) -> None:
    whole = studies.search(SearchRequest(text=text, sort=sort, descending=descending))
    assert sorted(ids(whole)) == sorted(ALL)
    if sort != "relevance":
        values = [value for hit in whole.hits if (value := getattr(hit.dataset, sort)) is not None]
        assert values == sorted(values, reverse=descending)
        assert [getattr(hit.dataset, sort) is None for hit in whole.hits] == sorted(
            getattr(hit.dataset, sort) is None for hit in whole.hits
        )
    found: list[str] = []
    after = None
    for _ in range(4):
        page = studies.search(SearchRequest(text=text, sort=sort, descending=descending, size=2, after=after))
        assert page.total == 7
        found += ids(page)
        after = page.next
    assert found == ids(whole)
    assert after is None


def test_paging_does_not_drift_while_documents_come_and_go(index: SearchIndex, open_engine: Callable) -> None:
    index.upsert([document(f"GSE{number:03}", title=f"kidney {'kidney ' * (number % 7)}") for number in range(60)])
    for text in ("kidney", "", "kidn*"):
        first = index.search(SearchRequest(text=text, size=60))
        found: list[str] = []
        page = index.search(SearchRequest(text=text, size=7, facets=("repository",)))
        writer = open_engine()
        while True:
            assert page.total == 60
            assert page.facets["repository"][0].count == 60
            found += ids(page)
            if page.next is None:
                break
            writer.upsert([document(f"NEW{len(found)}", title="kidney kidney kidney")])
            writer.delete("geo", [found[-1]])
            page = index.search(SearchRequest(text=text, size=7, facets=("repository",), after=page.next))
        assert found == ids(first)
        writer.delete("geo", list(writer.versions("geo")))
        writer.upsert([document(f"GSE{number:03}", title=f"kidney {'kidney ' * (number % 7)}") for number in range(60)])
        writer.close()


def test_a_cursor_serves_its_own_search_only(studies: SearchIndex) -> None:
    page = studies.search(SearchRequest(text="homo", size=2))
    for other in (
        SearchRequest(text="homo | mus", size=2, after=page.next),
        SearchRequest(text="homo", size=2, after=page.next, filters={"year": (2015,)}),
        SearchRequest(text="homo", size=2, after=page.next, sort="year"),
        SearchRequest(text="homo", size=2, after="bm9uc2Vuc2U="),
        SearchRequest(text="homo", size=2, after="ä"),
    ):
        with pytest.raises(InvalidCursor):
            studies.search(other)
    assert len(studies.search(SearchRequest(text="homo", size=3, after=page.next)).hits) == 3


@pytest.mark.parametrize(("place", "content"), [(1, "17"), (2, 6), (3, "geo/GSE9999"), (4, 3), (4, None), (5, "0")])
def test_a_cursor_that_was_changed_is_refused(studies: SearchIndex, place: int, content: object) -> None:
    request = SearchRequest(text="homo", size=1)
    told = json.loads(base64.urlsafe_b64decode(str(studies.search(request).next)))
    told[place] = content
    for changed in (told, told[:-1], [*told, 1]):
        after = base64.urlsafe_b64encode(json.dumps(changed).encode()).decode()
        with pytest.raises(InvalidCursor, match="`next` of the page before"):
            studies.search(request.model_copy(update={"after": after}))
