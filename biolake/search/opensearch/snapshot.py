"""States of the index that pages are read from: points in time, shared by searches until something is written.

A cluster keeps a few hundred points in time at once. One for each search would use them up; so a process keeps one for
as long as the shards' sequence numbers say that nothing was written, and gives it to every search that begins
meanwhile.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias

from biolake.search.errors import IndexBusy
from biolake.search.opensearch.cluster import READ_DELAYS, Cluster, Delays

if TYPE_CHECKING:
    from opensearchpy import OpenSearch

KEEP = "15m"
"""How long a state stays after it was last read from: the life of a cursor."""
_MOST_KEPT = 32
_SWEEP = 5000
_REFRESH_SECONDS = 120

State: TypeAlias = frozenset[tuple[str, str, int]]
"""Index, shard and the number of its newest operation."""


class Snapshots:
    """The points in time that this process has opened."""

    def __init__(self, cluster: Cluster, alias: str) -> None:
        self._cluster = cluster
        self._alias = alias
        self._lock = Lock()
        self._state: State | None = None
        self._newest: str | None = None
        self._kept: OrderedDict[str, bool] = OrderedDict()

    def newest(self) -> str | None:
        """Return a point in time of what has been written so far; None where the cluster has no room for another.

        Raises:
            NotFoundError: There is no index.
        """
        state = shard_state(self._cluster, self._alias)
        with self._lock:
            if self._newest is None or state != self._state:
                self._replace()
                self._state = state
            return self._newest

    def keep(self, point: str) -> None:
        """Remember that a cursor leads to the point: it stays when something is written."""
        with self._lock:
            if point in self._kept:
                self._kept[point] = True
                self._kept.move_to_end(point)

    def forget(self, point: str) -> None:
        """Remember that the cluster has lost the point."""
        with self._lock:
            self._kept.pop(point, None)
            if self._newest == point:
                self._newest = None

    def close(self) -> None:
        """Give back the point that no cursor leads to; the others end by themselves."""
        with self._lock:
            self._drop_unless_kept(self._newest)
            self._newest = None

    def _replace(self) -> None:
        self._drop_unless_kept(self._newest)
        self._newest = None
        while len(self._kept) >= _MOST_KEPT:
            self._remove(self._kept.popitem(last=False)[0])
        # What was acknowledged must be in it, though no refresh may have come since.
        refresh(self._cluster, self._alias)
        try:
            self._newest = open_point(self._cluster, self._alias, KEEP)
            self._kept[self._newest] = False
        except IndexBusy:
            self._newest = None

    def _drop_unless_kept(self, point: str | None) -> None:
        if point is not None and not self._kept.get(point, False):
            self._kept.pop(point, None)
            self._remove(point)

    def _remove(self, point: str) -> None:
        close_point(self._cluster, point)


def open_point(cluster: Cluster, index: str, keep: str, *, shard: int | None = None) -> str:
    """Open a point in time, of one shard where one is named.

    Raises:
        NotFoundError: There is no index.
        IndexBusy: The cluster keeps as many as it may.
    """
    params = {"keep_alive": keep, "allow_partial_pit_creation": "false"}
    if shard is not None:
        params["preference"] = f"_shards:{shard}"
    return cluster.ask(lambda client: client.create_pit(index=index, params=dict(params)), expected=(404,))["pit_id"]


def close_point(cluster: Cluster, point: str) -> None:
    """Close a point in time, if it is still there."""
    from opensearchpy.exceptions import NotFoundError

    try:
        cluster.ask(lambda client: client.delete_pit(body={"pit_id": [point]}), expected=(404,))
    except NotFoundError:
        return


def refresh(cluster: Cluster, index: str, delays: Delays = READ_DELAYS) -> None:
    """Let searches see what has been written.

    Raises:
        NotFoundError: There is no index.
    """
    cluster.ask(
        lambda client: client.indices.refresh(index=index, params={"request_timeout": _REFRESH_SECONDS}),
        delays=delays,
        expected=(404,),
    )


def count(cluster: Cluster, index: str, query: dict[str, Any]) -> int:
    """Return how many documents match, all shards counted.

    Raises:
        NotFoundError: There is no index.
        IndexBusy: A shard did not answer.
    """
    told = cluster.ask(lambda client: client.count(index=index, body={"query": query}), expected=(404,))
    if told["_shards"]["failed"]:
        raise IndexBusy(f"{cluster.url}: a shard of {index} did not count. Repeat the call.")
    return int(told["count"])


def shard_state(cluster: Cluster, index: str) -> State:
    """Return the newest operation of each shard: the same as before means that nothing was written.

    Raises:
        NotFoundError: There is no index.
    """
    told: dict[str, Any] = cluster.ask(
        lambda client: client.indices.stats(
            index=index,
            metric="docs",
            params={"level": "shards", "filter_path": "indices.*.shards.*.seq_no.max_seq_no"},
        ),
        expected=(404,),
    )
    return frozenset(
        (name, shard, max(copy["seq_no"]["max_seq_no"] for copy in copies))
        for name, one in told.get("indices", {}).items()
        for shard, copies in one["shards"].items()
    )


def sweep(
    cluster: Cluster, index: str, query: dict[str, Any], wanted: dict[str, Any], *, shard: int | None = None
) -> Iterator[Sequence[dict[str, Any]]]:
    """Yield all hits of a query in batches, in the order of their keys, from one point in time.

    Args:
        cluster: The cluster.
        index: Index or alias.
        query: The query.
        wanted: What each hit is to carry: `_source`, `docvalue_fields`, `version`.
        shard: Only this shard.

    Raises:
        NotFoundError: There is no index.
    """
    point = open_point(cluster, index, KEEP, shard=shard)
    after: list[Any] | None = None
    try:
        while True:
            body: dict[str, Any] = {
                "pit": {"id": point, "keep_alive": KEEP},
                "query": query,
                "size": _SWEEP if wanted.get("_source") is False else _SWEEP // 10,
                "sort": [{"key": "asc"}],
                "track_total_hits": False,
                **wanted,
            }
            if after is not None:
                body["search_after"] = after
            hits = search(cluster, body)["hits"]["hits"]
            if not hits:
                return
            yield hits
            after = hits[-1]["sort"]
    finally:
        close_point(cluster, point)


def search(
    cluster: Cluster, body: dict[str, Any], *, index: str | None = None, pipeline: str | None = None
) -> dict[str, Any]:
    """Search; an answer in which a shard is missing is an error.

    Raises:
        NotFoundError: There is no such index or point in time.
        RequestError: The query cannot be asked.
    """
    params: dict[str, Any] = {"allow_partial_search_results": "false"}
    if pipeline is not None:
        params["search_pipeline"] = pipeline

    def call(client: "OpenSearch") -> dict[str, Any]:
        return client.search(body=body, index=index, params=dict(params))

    return cluster.ask(call, expected=(400, 404))
