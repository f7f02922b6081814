"""The engine of production: an OpenSearch cluster behind the same interface as the embedded one.

What lies in the cluster is `mapping`, which index serves `lifecycle`, how a request is asked `query`, writing many
`bulk`, states that pages are read from `snapshot`, filling an index anew `rebuild`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from threading import Lock
from typing import TypeVar

from biolake.search import cursor as cursors
from biolake.search.cursor import Cursor
from biolake.search.errors import CursorExpired, DocumentRefused, IndexBusy, IndexFailed, QueryTooLong
from biolake.search.models import Rebuilt, SearchDocument, SearchPage, SearchRequest, Upserted
from biolake.search.opensearch import rebuild
from biolake.search.opensearch.bulk import BulkWriter
from biolake.search.opensearch.cluster import READ_DELAYS, WRITE_DELAYS, Access, Cluster, Delays
from biolake.search.opensearch.lifecycle import SHOWN, Generation, Lifecycle
from biolake.search.opensearch.mapping import MAPPING_VERSION, Names
from biolake.search.opensearch.page import PageReader, has_point
from biolake.search.opensearch.rows import document_of, entry, id_of, key, tombstone
from biolake.search.opensearch.snapshot import Snapshots, count, refresh, sweep
from biolake.search.parse import parse_query
from biolake.search.query import Query
from biolake.search.vectors import check_document, check_vector

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_BATCH = 1000
_ATTEMPTS = 5
_MERGE_SECONDS = 3600
_EXPIRED = "The state of the index that the cursor belongs to is gone. Run the search again from its first page."


class OpenSearchIndex:
    """A `SearchIndex` in a cluster. Nothing is asked before the first call, nothing created before the first write."""

    def __init__(self, access: Access, *, name: str = "biolake", shards: int = 1, vector_dimension: int = 0) -> None:
        """Remember where the index is.

        Args:
            access: How the cluster is reached.
            name: What all names in the cluster begin with.
            shards: Number of shards of an index that is created or filled anew.
            vector_dimension: Length of the vectors of such an index, 0 for none.
        """
        self._cluster = Cluster(access)
        self._names = Names(name)
        self._lifecycle = Lifecycle(self._cluster, self._names, shards=shards, dimension=vector_dimension)
        self._snapshots = Snapshots(self._cluster, self._names.current)
        self._lock = Lock()
        self._generation: Generation | None = None

    def __repr__(self) -> str:
        return f"OpenSearchIndex({self._cluster.url}, {self._names.prefix})"

    def upsert(self, documents: Iterable[SearchDocument]) -> Upserted:
        """Put documents in, replacing those of the same dataset with the same or a lower version.

        The same call may be repeated after any error.

        Raises:
            DocumentRefused: A document has a value that the index cannot hold.
            VectorMismatch: A document's vector has another length than the index's.
            IndexBusy: The cluster had no room for a document each time.
            IndexUnreachable: The cluster did not answer each time.
        """
        remaining = iter(documents)
        first = next(remaining, None)
        if first is None:
            return Upserted(written=0, stale=0)
        dimension = self._created().dimension

        def checked() -> Iterator[SearchDocument]:
            for document in _with(first, remaining):
                check_document(document, dimension)
                yield document

        try:
            done = self._writer().write(map(entry, checked()))
        except DocumentRefused:
            self._refresh()
            raise
        self._refresh()
        return done

    def delete(self, repository: str, dataset_ids: Iterable[str] | Mapping[str, int]) -> None:
        """Take datasets out, by id alone or up to a version; see `SearchIndex.delete`.

        Raises:
            IndexBusy: The cluster had no room each time, or others kept changing a dataset.
            IndexUnreachable: The cluster did not answer each time.
        """
        if isinstance(dataset_ids, Mapping):
            if dataset_ids:
                self._created()
                marks = (tombstone(repository, name, version) for name, version in dataset_ids.items())
                self._writer().write(marks)
                self._refresh()
            return
        if self._serving(WRITE_DELAYS) is None:
            return
        for batch in _batches(dataset_ids):
            self._forget(repository, batch)
        self._refresh()

    def search(self, request: SearchRequest) -> SearchPage:
        """Return one page of the datasets that match, all pages from one point in time.

        Raises:
            InvalidQuery: The text breaks a rule of the query language, or has more words than a query has room for.
            InvalidCursor: `request.after` is not from this search.
            CursorExpired: The point in time that the cursor belongs to is gone.
            VectorMismatch: The request's vector has another length than the index's.
        """
        from opensearchpy.exceptions import NotFoundError, RequestError

        query = parse_query(request.text)
        cursor = cursors.decode(request)
        if cursor is not None and not has_point(cursor):
            raise CursorExpired(
                "The cluster had no room for a state to page through. Run the search again from its first page; the "
                "cluster setting search.max_open_pit_context allows more."
            )
        for _ in range(_ATTEMPTS):
            serving = self._serving()
            if serving is None:
                if cursor is not None:
                    raise CursorExpired(_EXPIRED)
                return SearchPage(hits=(), total=0, facets=dict.fromkeys(request.facets, ()), next=None)
            if request.vector is not None:
                check_vector(request.vector, serving.dimension, "The search's vector")
            point = None
            try:
                point = self._point(request, cursor)
                return self._page(request, query, cursor, point)
            except NotFoundError as error:
                if cursor is not None:
                    raise CursorExpired(_EXPIRED) from error
                # The index was filled anew or the node started again since: the next attempt finds what serves now.
                if point is not None:
                    self._snapshots.forget(point)
                self._forget_generation()
            except IndexFailed as error:
                if "maxClauseCount" in str(error):
                    raise QueryTooLong(
                        request.text, 0, "more words than a query has room for", "Leave out words, or search in parts"
                    ) from error
                raise
            except RequestError as error:
                if cursor is not None:
                    raise cursors.another_search() from error
                raise self._cluster.meaning(error) from error
        raise self._restless()

    def get(self, repository: str, dataset_id: str) -> SearchDocument | None:
        """Return a dataset's document, None where there is none."""
        from opensearchpy.exceptions import NotFoundError

        name = id_of(key(repository, dataset_id))

        def found() -> SearchDocument | None:
            try:
                told = self._cluster.ask(lambda client: client.get(index=self._names.current, id=name), expected=(404,))
            except NotFoundError as error:
                if "index_not_found" in str(error.error):
                    raise
                return None
            return None if told["_source"]["deleted"] else document_of(told["_source"])

        return self._read(found, None)

    def versions(self, repository: str) -> dict[str, str]:
        """Return the lot of each dataset of the repository that is in the index, by dataset id."""
        wanted = {"_source": False, "docvalue_fields": ["dataset_id", "lot"]}
        query = {"bool": {"filter": [SHOWN, {"term": {"repository": repository}}]}}

        def found() -> dict[str, str]:
            return {
                hit["fields"]["dataset_id"][0]: hit["fields"]["lot"][0]
                for hits in sweep(self._cluster, self._names.current, query, wanted)
                for hit in hits
            }

        return self._read(found, {})

    def count(self, repository: str | None = None) -> int:
        """Return the number of datasets in the repository, or in the whole index."""
        conditions = [SHOWN] if repository is None else [SHOWN, {"term": {"repository": repository}}]
        return self._read(lambda: count(self._cluster, self._names.current, {"bool": {"filter": conditions}}), 0)

    def optimize(self) -> None:
        """Remove what datasets left behind that were taken out by id alone, and rewrite segments with many deletions.

        Raises:
            IndexUnreachable: The cluster did not answer.
        """
        serving = self._serving(WRITE_DELAYS)
        if serving is None:
            return
        current = self._names.current
        # An index that is being filled anew learns of what was taken out by what is left of it.
        if not self._lifecycle.being_filled(serving):
            self._cluster.ask(
                lambda client: client.delete_by_query(
                    index=current,
                    body={"query": {"term": {"forgotten": True}}},
                    params={"conflicts": "proceed", "refresh": "true", "request_timeout": _MERGE_SECONDS},
                ),
                delays=WRITE_DELAYS,
            )
        self._cluster.ask(
            lambda client: client.indices.forcemerge(
                index=current, params={"only_expunge_deletes": "true", "request_timeout": _MERGE_SECONDS}
            ),
            delays=WRITE_DELAYS,
        )

    def rebuild(self, documents: Iterable[SearchDocument]) -> Rebuilt:
        """Fill a new index with all documents there are while the old one serves; see `SearchIndex.rebuild`.

        Raises:
            EmptyRebuild: There are no documents, and the index has some.
            IndexBusy: Another process is at the same work.
            RebuildInterrupted: Another process took this one for dead.
        """
        serving = self._lifecycle.serving()
        if serving is None:
            serving = self._lifecycle.create()
        try:
            return rebuild.rebuild(self._lifecycle, serving, documents)
        finally:
            self._forget_generation()

    def close(self) -> None:
        """Close the connections and the state that no cursor leads to."""
        self._snapshots.close()
        self._cluster.close()

    def _page(self, request: SearchRequest, query: Query, cursor: Cursor | None, point: str | None) -> SearchPage:
        reader = PageReader(self._cluster, request, query, cursor)
        page = reader.read(point=point, alias=self._names.current, pipeline=self._names.pipeline)
        if page.next is not None and point is not None:
            self._snapshots.keep(point)
        return page

    def _point(self, request: SearchRequest, cursor: Cursor | None) -> str | None:
        """Return the state that a page is read from; a search without hits has no page after."""
        if cursor is not None:
            return cursor.version
        return self._snapshots.newest() if request.size else None

    def _forget(self, repository: str, dataset_ids: Sequence[str]) -> None:
        """Mark datasets as taken out whatever their version, so that any version may come again."""
        waiting = {id_of(key(repository, dataset_id)): dataset_id for dataset_id in dataset_ids}
        for _ in range(_ATTEMPTS):
            found = self._cluster.ask(
                lambda client: client.mget(
                    body={"ids": list(waiting)}, index=self._names.current, params={"_source": "forgotten"}
                ),
                delays=WRITE_DELAYS,
            )["docs"]
            marks = [
                tombstone(repository, waiting[item["_id"]], item["_version"], forgotten=True)
                for item in found
                if item.get("found") and not item["_source"].get("forgotten")
            ]
            # What another writer changed in between is looked at again.
            if not marks or not self._writer().write(marks).stale:
                return
        raise IndexBusy(f"{repository}: datasets were changed by others while they were deleted. Repeat the call.")

    def _writer(self) -> BulkWriter:
        return BulkWriter(self._cluster, self._names.current, missing=self._recreate, blocked=self._unblocked)

    def _serving(self, delays: Delays = READ_DELAYS) -> Generation | None:
        """Return the index that serves, brought to this version's mapping; None where nothing was written yet."""
        with self._lock:
            if self._generation is None:
                found = self._lifecycle.serving(delays)
                if found is not None and found.mapping < MAPPING_VERSION:
                    rebuild.upgrade(self._lifecycle, found)
                    found = self._lifecycle.serving()
                self._generation = found
            return self._generation

    def _created(self) -> Generation:
        serving = self._serving(WRITE_DELAYS)
        if serving is None:
            serving = self._lifecycle.create()
            with self._lock:
                self._generation = serving
        return serving

    def _recreate(self) -> None:
        """Find or make what serves, after the name led nowhere."""
        self._forget_generation()
        self._created()

    def _unblocked(self) -> bool:
        """Say whether writing is allowed again after the process that forbade it has died."""
        serving = self._lifecycle.serving()
        return serving is not None and self._lifecycle.abandon(serving, seconds=rebuild.SILENT_SECONDS)

    def _forget_generation(self) -> None:
        with self._lock:
            self._generation = None

    def _read(self, call: Callable[[], _Result], nothing: _Result) -> _Result:
        """Make a call that reads what serves; one that met an index being replaced is made again."""
        from opensearchpy.exceptions import NotFoundError

        for _ in range(_ATTEMPTS):
            if self._serving() is None:
                return nothing
            try:
                return call()
            except NotFoundError:
                self._forget_generation()
        raise self._restless()

    def _restless(self) -> IndexBusy:
        return IndexBusy(f"{self._cluster.url}: the index was replaced each time it was read. Repeat the call.")

    def _refresh(self) -> None:
        """Let every later search see what was written."""
        self._read(lambda: refresh(self._cluster, self._names.current, delays=WRITE_DELAYS), None)


def _with(first: _Item, others: Iterable[_Item]) -> Iterator[_Item]:
    yield first
    yield from others


def _batches(items: Iterable[_Item]) -> Iterator[Sequence[_Item]]:
    remaining = iter(items)
    while batch := tuple(islice(remaining, _BATCH)):
        yield batch
