"""One page of a search from OpenSearch: the request's body, and the answer as hits, counts and cursor."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from biolake.search.cursor import Cursor, another_search
from biolake.search.hits import hit_of
from biolake.search.models import FacetCount, SearchPage, SearchRequest
from biolake.search.opensearch.cluster import Cluster
from biolake.search.opensearch.query import facets, hybrid_query, order, text_query, vector_query
from biolake.search.opensearch.rows import document_of
from biolake.search.opensearch.snapshot import KEEP, search
from biolake.search.query import Everything, Query
from biolake.search.terms import wishes
from biolake.search.vectors import DEPTH

_NOT_SHOWN = ["key", "deleted", "ingested_us", "vector"]
_MOST_SHARD_SIZE = 1_000_000
_NO_POINT = "-"
"""Stands in a cursor for a state that the cluster had no room to keep."""


class PageReader:
    """Reads the pages of one request."""

    def __init__(self, cluster: Cluster, request: SearchRequest, query: Query, cursor: Cursor | None) -> None:
        self._cluster = cluster
        self._request = request
        self._query = query
        self._cursor = cursor
        self._hybrid = request.vector is not None and not isinstance(query, Everything)

    def read(self, *, point: str | None, alias: str, pipeline: str) -> SearchPage:
        """Return the page.

        Args:
            point: The point in time to read; None for the index as it is.
            alias: What to read without a point.
            pipeline: Search pipeline that scores a hybrid query.

        Raises:
            NotFoundError: There is no such index or point in time.
            RequestError: The query cannot be asked.
        """
        body = self._body()
        index: str | None = alias
        if point is not None:
            body["pit"] = {"id": point, "keep_alive": KEEP}
            index = None
        chosen = pipeline if self._hybrid else None
        answer = search(self._cluster, body, index=index, pipeline=chosen)
        counts = answer.get("aggregations", {})
        shard_size = 0
        while vague := [name for name in counts if counts[name].get("doc_count_error_upper_bound")]:
            # Several shards told their most frequent values only: ask for more of them until nothing can be missing.
            shard_size = min(_MOST_SHARD_SIZE, max(10_000, shard_size * 10))
            again = {**body, "size": 0, "aggs": facets(vague, self._request.facet_size, shard_size)}
            for unneeded in ("sort", "search_after", "from"):
                again.pop(unneeded, None)
            counts |= search(self._cluster, again, index=index, pipeline=chosen)["aggregations"]
            if shard_size == _MOST_SHARD_SIZE:
                break
        return self._page(answer["hits"], counts, point)

    def _body(self) -> dict[str, Any]:
        request, query, cursor = self._request, self._query, self._cursor
        body: dict[str, Any] = {
            "size": request.size,
            "track_total_hits": True,
            "_source": {"excludes": _NOT_SHOWN},
        }
        if self._hybrid:
            body["query"] = hybrid_query(request, query)
            body["from"] = cursor.seen if cursor else 0
        else:
            body["query"] = text_query(request, query) if request.vector is None else vector_query(request)
            body["sort"] = order(request, query)
            if cursor is not None:
                body["search_after"] = _last(cursor)
        if request.facets:
            body["aggs"] = facets(request.facets, request.facet_size)
        return body

    def _page(self, found: Mapping[str, Any], counts: Mapping[str, Any], point: str | None) -> SearchPage:
        request = self._request
        wanted = list(wishes(self._query))
        hits = tuple(hit_of(document_of(hit["_source"]), float(hit["_score"] or 0.0), wanted) for hit in found["hits"])
        total = int(found["total"]["value"])
        if self._cursor is not None and request.vector is None and total != self._cursor.total:
            # The state does not change: this is another's.
            raise another_search()
        seen = len(hits) + (self._cursor.seen if self._cursor else 0)
        further = None
        if hits and seen < (min(total, DEPTH) if self._hybrid else total):
            last = [] if self._hybrid else found["hits"][-1]["sort"]
            further = Cursor(point or _NO_POINT, seen, json.dumps(last), total).encode(request)
        return SearchPage(
            hits=hits,
            total=total,
            facets={name: tuple(_counts(counts[name]["buckets"])) for name in request.facets},
            next=further,
        )


def _last(cursor: Cursor) -> Any:
    try:
        return json.loads(cursor.last)
    except ValueError as error:
        raise another_search() from error


def has_point(cursor: Cursor) -> bool:
    """Return whether the state that the cursor belongs to was kept."""
    return cursor.version != _NO_POINT


def _counts(buckets: Iterable[Mapping[str, Any]]) -> Iterable[FacetCount]:
    return (FacetCount(value=bucket["key"], count=bucket["doc_count"]) for bucket in buckets)
