"""States that pages are read from, on a real cluster: shared, kept for cursors, and told when they are gone."""

import json

import pytest
from opensearchpy import OpenSearch

from biolake.search.cursor import Cursor
from biolake.search.errors import CursorExpired, InvalidCursor
from biolake.search.models import SearchRequest
from biolake.search.opensearch import snapshot as opensearch_snapshot
from biolake.search.opensearch.index import OpenSearchIndex
from tests.engines.opensearch.conftest import Opener
from tests.search.search_documents import document

pytestmark = pytest.mark.engines


def _points(client: OpenSearch) -> set[str]:
    found = client.transport.perform_request("GET", "/_search/point_in_time/_all", params={"ignore": 404})
    return {point["pit_id"] for point in found.get("pits", ())}


def _kidneys(number: int) -> list:
    return [document(f"GSE{place:03}", title="kidney") for place in range(number)]


def test_searches_share_a_state_until_something_is_written(index: OpenSearchIndex, client: OpenSearch) -> None:
    index.upsert(_kidneys(30))
    before = _points(client)
    for text in ("kidney", "", "kidn*", "liver") * 3:
        index.search(SearchRequest(text=text, size=10))
    assert len(_points(client) - before) == 1
    index.upsert([document("NEW", title="kidney")])
    assert index.search(SearchRequest(text="kidney", size=40)).total == 31
    # A cursor leads to the first state, so both are there.
    assert len(_points(client) - before) == 2
    index.close()
    assert len(_points(client) - before) == 1


def test_searches_without_a_next_page_leave_nothing(index: OpenSearchIndex, client: OpenSearch) -> None:
    index.upsert(_kidneys(5))
    before = _points(client)
    for number in range(5):
        index.search(SearchRequest(text="kidney"))
        index.upsert([document(f"NEW{number}")])
    index.search(SearchRequest(text="kidney", size=0))
    index.close()
    assert _points(client) == before


def test_a_process_keeps_few_states(
    index: OpenSearchIndex, client: OpenSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opensearch_snapshot, "_MOST_KEPT", 3)
    index.upsert(_kidneys(20))
    before = _points(client)
    cursors = []
    for number in range(6):
        cursors.append(index.search(SearchRequest(text="kidney", size=5)).next)
        index.upsert([document(f"NEW{number}", title="kidney")])
    assert len(_points(client) - before) == 3
    with pytest.raises(CursorExpired):
        index.search(SearchRequest(text="kidney", size=5, after=cursors[0]))
    assert len(index.search(SearchRequest(text="kidney", size=50, after=cursors[-1])).hits) == 20


def test_a_state_that_is_gone_ends_its_cursors_and_no_search(index: OpenSearchIndex, client: OpenSearch) -> None:
    index.upsert(_kidneys(20))
    first = index.search(SearchRequest(text="kidney", size=5))
    client.delete_pit(body={"pit_id": list(_points(client))})
    with pytest.raises(CursorExpired, match="from its first page"):
        index.search(SearchRequest(text="kidney", size=5, after=first.next))
    again = index.search(SearchRequest(text="kidney", size=5))
    assert again.total == 20
    assert len(index.search(SearchRequest(text="kidney", size=50, after=again.next)).hits) == 15


def test_a_cluster_without_room_for_a_state_still_answers(
    index: OpenSearchIndex, client: OpenSearch, open_engine: Opener
) -> None:
    index.upsert(_kidneys(20))
    limit = {"search.max_open_pit_context": len(_points(client))}
    client.cluster.put_settings(body={"transient": limit})
    try:
        page = index.search(SearchRequest(text="kidney", size=5))
        assert (page.total, len(page.hits)) == (20, 5)
        with pytest.raises(CursorExpired, match="max_open_pit_context"):
            index.search(SearchRequest(text="kidney", size=5, after=page.next))
    finally:
        client.cluster.put_settings(body={"transient": dict.fromkeys(limit)})
    page = index.search(SearchRequest(text="kidney", size=5))
    assert len(index.search(SearchRequest(text="kidney", size=50, after=page.next)).hits) == 15


def test_another_process_reads_on(index: OpenSearchIndex, open_engine: Opener) -> None:
    index.upsert(_kidneys(20))
    first = index.search(SearchRequest(text="kidney", size=5))
    index.close()
    other = open_engine()
    other.upsert([document("AAA", title="kidney kidney")])
    rest = other.search(SearchRequest(text="kidney", size=50, after=first.next))
    assert [hit.dataset_id for hit in (*first.hits, *rest.hits)] == [f"GSE{place:03}" for place in range(20)]
    other.close()


@pytest.mark.parametrize("state", ["12", "", "!!"])
def test_a_state_that_no_page_was_read_from_is_refused(index: OpenSearchIndex, state: str) -> None:
    index.upsert(_kidneys(20))
    request = SearchRequest(text="kidney", size=5)
    page = index.search(request)
    for last in ("[nonsense", "[1.0]", json.dumps([0.1, "geo/GSE004"])):
        after = Cursor(state, 5, last, page.total).encode(request)
        with pytest.raises((InvalidCursor, CursorExpired)):
            index.search(request.model_copy(update={"after": after}))
