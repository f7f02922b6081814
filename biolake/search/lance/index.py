"""The embedded engine: one Lance table in a folder or a bucket, with Lance's own full-text indexes.

What a row holds is `rows`, how a request is asked `query`, reading one version `snapshot`, keeping the table fast
`maintenance`. Text is analysed by us and stored as terms: Lance only splits at spaces.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from biolake.search import cursor as cursors
from biolake.search.cursor import Cursor
from biolake.search.errors import CursorExpired, EmptyRebuild
from biolake.search.hits import hit_of
from biolake.search.lance.maintenance import create_table, merge_everything, merge_recent, retried
from biolake.search.lance.query import LIVE, in_list, matching, ranking, where
from biolake.search.lance.rows import documents, key, rows, stored_columns, table_name, tombstones
from biolake.search.lance.snapshot import EVERY_ROW, Ranked, Rows, Snapshot
from biolake.search.lance.vectors import ranked_by_vector
from biolake.search.models import Rebuilt, SearchDocument, SearchPage, SearchRequest, Upserted
from biolake.search.parse import parse_query
from biolake.search.query import Everything, Query
from biolake.search.terms import require, wishes
from biolake.search.vectors import check_document, check_vector

if TYPE_CHECKING:
    import pyarrow as pa
    from lancedb.db import DBConnection
    from lancedb.table import Table

_Item = TypeVar("_Item")
_BATCH = 1000
_LIMITS = (64, 256, 1024)
"""How many of the best matches are asked for, as far as the page needs; a common word costs by it."""
_SNAPSHOTS = 4
_EXPIRED = "The cursor's version of the index has been removed. Run the search again from its first page."


class LanceIndex:
    """A `SearchIndex` without a server. The table comes into being with the first write."""

    def __init__(
        self, url: str, storage_options: Mapping[str, str] | None = None, *, vector_dimension: int = 0
    ) -> None:
        """Connect to the folder or bucket; indexes with vectors of different lengths lie beside each other there."""
        import lancedb

        self._dimension = vector_dimension
        self._name = table_name(vector_dimension)
        self._database: DBConnection = lancedb.connect(
            url,
            storage_options=dict(storage_options) if storage_options else None,
            # Every read asks for the newest version: what another process wrote is visible at once.
            read_consistency_interval=timedelta(0),
        )
        self._table: Table | None = None
        self._snapshots: OrderedDict[int, Snapshot] = OrderedDict()
        self._lock = Lock()

    def upsert(self, documents: Iterable[SearchDocument]) -> Upserted:
        """Put documents in, replacing those of the same dataset with the same or a lower version.

        Each thousand is one commit; the same call may be repeated after any error.

        Raises:
            IndexBusy: Other writers kept interfering.
            VectorMismatch: A document's vector has another length than the index's.
        """
        written = given = 0
        for batch in _batches(documents):
            newest: dict[str, SearchDocument] = {}
            for document in batch:
                check_document(document, self._dimension)
                name = key(document.repository, document.dataset_id)
                if name not in newest or newest[name].version <= document.version:
                    newest[name] = document
            given += len(newest)
            written += self._merge(rows(newest.values(), self._dimension))
        return Upserted(written=written, stale=given - written)

    def delete(self, repository: str, dataset_ids: Iterable[str] | Mapping[str, int]) -> None:
        """Take datasets out, by id alone or up to a version; see `SearchIndex.delete`.

        Raises:
            IndexBusy: Other writers kept interfering.
        """
        if isinstance(dataset_ids, Mapping):
            for batch in _batches(dataset_ids.items()):
                self._merge(tombstones(repository, batch, self._dimension))
            return
        table = self._opened()
        if table is None:
            return
        for batch in _batches(dataset_ids):
            keys = in_list("key", (key(repository, dataset_id) for dataset_id in batch))
            retried(lambda condition=keys: table.delete(condition))

    def search(self, request: SearchRequest) -> SearchPage:
        """Return one page of the datasets that match, all of it from one version of the table.

        Raises:
            InvalidQuery: The text breaks a rule of the query language.
            InvalidCursor: `request.after` is not from this search.
            CursorExpired: `optimize` has removed the version that the cursor belongs to.
            VectorMismatch: The request's vector has another length than the index's.
        """
        if request.vector is not None:
            check_vector(request.vector, self._dimension, "The search's vector")
        query = parse_query(request.text)
        cursor = cursors.decode(request)
        snapshot = self._snapshot(cursor)
        if snapshot is None:
            return SearchPage(hits=(), total=0, facets=dict.fromkeys(request.facets, ()), next=None)
        try:
            return _page(snapshot, request, query, cursor)
        except (OSError, RuntimeError) as error:
            if cursor is not None and "not found" in str(error).lower():
                raise CursorExpired(_EXPIRED) from error
            raise

    def get(self, repository: str, dataset_id: str) -> SearchDocument | None:
        """Return a dataset's document, None where there is none."""
        table = self._opened()
        if table is None:
            return None
        condition = f"{in_list('key', [key(repository, dataset_id)])} AND {LIVE}"
        found = documents(table.search().where(condition).select(stored_columns(self._dimension)).limit(1).to_arrow())
        return found[0] if found else None

    def versions(self, repository: str) -> dict[str, str]:
        """Return the lot of each dataset of the repository that is in the index, by dataset id."""
        table = self._opened()
        if table is None:
            return {}
        condition = f"{in_list('repository', [repository])} AND {LIVE}"
        found = table.search().where(condition).select(["dataset_id", "lot"]).limit(EVERY_ROW).to_arrow()
        return dict(zip(found["dataset_id"].to_pylist(), found["lot"].to_pylist(), strict=True))

    def count(self, repository: str | None = None) -> int:
        """Return the number of datasets in the repository, or in the whole index."""
        table = self._opened()
        if table is None:
            return 0
        return table.count_rows(LIVE if repository is None else f"{in_list('repository', [repository])} AND {LIVE}")

    def optimize(self) -> None:
        """Merge small files and index segments, and remove versions that are older than an hour.

        A cursor from before stays good for that hour.

        Raises:
            IndexBusy: Other writers kept interfering.
        """
        table = self._opened()
        if table is not None:
            merge_everything(table)

    def rebuild(self, documents: Iterable[SearchDocument]) -> Rebuilt:
        """Write all documents there are once more and take out what is not among them; see `SearchIndex.rebuild`.

        Raises:
            EmptyRebuild: There are no documents, and the index has some.
            IndexBusy: Other writers kept interfering.
        """
        table = self._opened()
        before = {} if table is None else _shown_versions(table)
        given: set[str] = set()
        number = kept = 0
        for batch in _batches(documents):
            done = self.upsert(batch)
            number, kept = number + len(batch), kept + done.stale
            given.update(key(document.repository, document.dataset_id) for document in batch)
        if before and not given:
            raise EmptyRebuild(
                f"There is no document to fill the index anew with, and it holds {len(before)}. See whether the lake "
                "can be read; nothing was changed."
            )
        table = self._opened()
        for gone in _batches((name, version) for name, version in before.items() if name not in given):
            # What was written since is newer and stays.
            same = " OR ".join(f"({in_list('key', [name])} AND version = {version})" for name, version in gone)
            if table is not None:
                retried(lambda table=table, condition=same: table.delete(condition))
        self.optimize()
        return Rebuilt(documents=number, kept=kept, before=len(before), after=self.count())

    def close(self) -> None:
        """Forget the open table and the columns held in memory."""
        with self._lock:
            self._table = None
            self._snapshots.clear()

    def _merge(self, new: "pa.Table") -> int:
        """Write rows that are not older than those of the same key; return how many were written."""
        table = self._opened() or self._created()
        result = retried(
            lambda: (
                table.merge_insert("key")
                .when_matched_update_all(where="target.version <= source.version")
                .when_not_matched_insert_all()
                .execute(new)
            )
        )
        merge_recent(table)
        return result.num_inserted_rows + result.num_updated_rows

    def _opened(self) -> "Table | None":
        with self._lock:
            if self._table is None:
                try:
                    self._table = self._database.open_table(self._name)
                except ValueError as error:
                    if "was not found" not in str(error):
                        raise
            return self._table

    def _created(self) -> "Table":
        table = create_table(self._database, self._dimension)
        with self._lock:
            self._table = table
        return table

    def _snapshot(self, cursor: Cursor | None) -> Snapshot | None:
        """Return the cursor's version of the table, or the newest; None where there is no table yet.

        Raises:
            CursorExpired: The cursor's version is gone.
        """
        newest = self._opened()
        version = None if newest is None else newest.version if cursor is None else _version(cursor)
        if version is None and cursor is None:
            return None
        with self._lock:
            if version is not None and version in self._snapshots:
                self._snapshots.move_to_end(version)
                return self._snapshots[version]
        pinned = None if newest is None else self._database.open_table(self._name)
        try:
            if pinned is None or version is None:
                raise ValueError("no table")
            pinned.checkout(version)
        except ValueError as error:
            raise CursorExpired(_EXPIRED) from error
        with self._lock:
            self._snapshots[version] = Snapshot(pinned, version, self._dimension)
            while len(self._snapshots) > _SNAPSHOTS:
                self._snapshots.popitem(last=False)
            return self._snapshots[version]


def _page(snapshot: Snapshot, request: SearchRequest, query: Query, cursor: Cursor | None) -> SearchPage:
    ranked = _ranked(snapshot, request, query, request.size + (cursor.seen if cursor else 0))
    every = ranked.rows if ranked.complete else None
    if every is None and (cursor is None or request.facets):
        every = _matches(snapshot, request, query)
    total = len(every) if every is not None else cursor.total if cursor else 0
    start = _start(ranked, cursor)
    end = min(start + request.size, len(ranked.rows))
    found = snapshot.documents([int(row) for row in ranked.rows[start:end]])
    wanted = list(wishes(query))
    scored = zip(found, ranked.scores[start:end], strict=True)
    hits = tuple(hit_of(document, float(score), wanted) for document, score in scored)
    further = None
    if hits and end < total:
        further = Cursor(str(snapshot.version), end, str(ranked.keys[end - 1]), total).encode(request)
    facets = {} if every is None else {name: snapshot.facet(name, every, request.facet_size) for name in request.facets}
    return SearchPage(hits=hits, total=total, facets=facets, next=further)


def _ranked(snapshot: Snapshot, request: SearchRequest, query: Query, needed: int) -> Ranked:
    """Return the matches in order, at least as many as are needed."""
    if request.vector is not None:
        return ranked_by_vector(snapshot, request, query)
    if isinstance(query, Everything) or request.sort != "relevance":
        by, descending = ("key", False) if request.sort == "relevance" else (request.sort, request.descending)
        return snapshot.sorted(_matches(snapshot, request, query), by, descending)
    text, condition = ranking(require(query), wishes(query)), where(request)
    for limit in (limit for limit in _LIMITS if limit > needed):
        ranked = snapshot.ranked(text, condition, limit)
        if ranked.complete or len(ranked.rows) >= needed:
            return ranked
    return snapshot.ranked(text, condition, None)


def _matches(snapshot: Snapshot, request: SearchRequest, query: Query) -> Rows:
    """Return all matches, in no order."""
    text = None if isinstance(query, Everything) else matching(require(query))
    return snapshot.matches(text, where(request))


def _shown_versions(table: "Table") -> dict[str, int]:
    found = table.search().where(LIVE).select(["key", "version"]).limit(EVERY_ROW).to_arrow()
    return dict(zip(found["key"].to_pylist(), found["version"].to_pylist(), strict=True))


def _version(cursor: Cursor) -> int:
    """Return the version of the table that a cursor belongs to.

    Raises:
        InvalidCursor: The cursor is another engine's.
    """
    if not cursor.version.isdecimal():
        raise cursors.another_search()
    return int(cursor.version)


def _start(ranked: Ranked, cursor: Cursor | None) -> int:
    """Return the place after the cursor's last match."""
    if cursor is None:
        return 0
    if cursor.seen <= len(ranked.keys) and ranked.keys[cursor.seen - 1] == cursor.last:
        return cursor.seen
    places = (ranked.keys == cursor.last).nonzero()[0]
    return int(places[0]) + 1 if len(places) else cursor.seen


def _batches(items: Iterable[_Item]) -> Iterator[Sequence[_Item]]:
    remaining = iter(items)
    while batch := tuple(islice(remaining, _BATCH)):
        yield batch
