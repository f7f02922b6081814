"""One version of the embedded index, read without looking left or right: matches, order, facets, documents.

Everything a page shows comes from one snapshot, so that hits, total and facets agree while writers go on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from biolake.search.lance.query import LIVE
from biolake.search.lance.rows import documents, stored_columns
from biolake.search.models import FacetCount, SearchDocument

if TYPE_CHECKING:
    from lancedb.query import FullTextQuery
    from lancedb.table import Table

EVERY_ROW = 2**31 - 1
"""The limit of a query that has none: Lance returns ten rows where nothing is said."""
Rows = NDArray[np.uint64]
"""Row ids of one version of the table."""


@dataclass(frozen=True)
class Ranked:
    """Matches in order, the best first.

    Attributes:
        rows: Row ids.
        keys: Keys of the same rows.
        scores: Scores of the same rows, 0 where the order is not by relevance.
        complete: Whether these are all matches.
    """

    rows: Rows
    keys: NDArray[np.object_]
    scores: NDArray[np.float32]
    complete: bool


class Snapshot:
    """A version of the table, with the columns that facets and sorting have asked for held in memory."""

    def __init__(self, table: "Table", version: int, dimension: int) -> None:
        self.version = version
        self._table = table
        self._dimension = dimension
        self._columns: dict[str, pa.Array] = {}
        self._orders: dict[str, NDArray[np.int64]] = {}
        self._lock = Lock()

    def ranked(self, query: "FullTextQuery", where: str, limit: int | None) -> Ranked:
        """Return the best `limit` matches of a text by score, equal scores by key; all of them for None.

        Where there may be more than the limit, `complete` is False and the matches of the last score are left out:
        which of them the engine gave is chance.
        """
        found = self._text_query(query, where, ["key", "_score"], limit)
        keys = found["key"].to_numpy(zero_copy_only=False)
        scores = found["_score"].to_numpy()
        order = np.lexsort((keys.astype(str), -scores)) if len(keys) else np.empty(0, np.int64)
        complete = limit is None or len(keys) < limit
        if not complete:
            order = order[scores[order] > scores.min()]
        return Ranked(found["_rowid"].to_numpy()[order], keys[order], scores[order], complete)

    def matches(self, query: "FullTextQuery | None", where: str) -> Rows:
        """Return the row ids of all matches, in no order; None stands for every dataset."""
        if query is not None:
            return self._text_query(query, where, ["_score"], None)["_rowid"].to_numpy()
        found = self._table.search().where(where).select(["deleted"]).with_row_id(True).limit(EVERY_ROW).to_arrow()
        return found["_rowid"].to_numpy()

    def sorted(self, rows: Rows, by: str, descending: bool) -> Ranked:
        """Return the rows sorted by a column, missing values last, equal ones by key."""
        at = self._positions(rows)
        keys = self._order("key")[at]
        values = self._order(by)[at]
        if descending:
            values = np.where(values < EVERY_ROW, -values, values)
        order = np.lexsort((keys, values))
        names = self._column("key").take(pa.array(at[order])).to_numpy(zero_copy_only=False)
        return Ranked(rows[order], names, np.zeros(len(order), np.float32), complete=True)

    def facet(self, name: str, rows: Rows, size: int) -> tuple[FacetCount, ...]:
        """Count the values of a column over the rows."""
        values: Any = self._column(name).take(pa.array(self._positions(rows)))
        if pa.types.is_list(values.type):
            values = values.flatten()
        counts = [
            (pair["values"], pair["counts"]) for pair in values.value_counts().to_pylist() if pair["values"] is not None
        ]
        counts.sort(key=lambda pair: (-pair[1], pair[0]))
        return tuple(FacetCount(value=value, count=count) for value, count in counts[:size])

    def nearest(self, vector: Sequence[float], rows: Rows, count: int) -> Ranked:
        """Return those of the rows whose vectors have the smallest angle to `vector`; the score is 1 for none."""
        found = self._positions(rows)
        found = found[self._directions[1][found]]
        asked = np.asarray(vector, np.float64)
        scores = (1 + self._directions[0][found] @ (asked / np.linalg.norm(asked)).astype(np.float32)) / 2
        keys = self._column("key").take(pa.array(found)).to_numpy(zero_copy_only=False)
        order = np.lexsort((self._order("key")[found], -scores))[:count]
        return Ranked(self._rows[found[order]], keys[order], scores[order].astype(np.float32), complete=True)

    def documents(self, rows: Sequence[int]) -> list[SearchDocument]:
        """Return the rows' documents, in the order of the rows."""
        if not rows:
            return []
        found = self._table.take_row_ids(list(rows)).select(stored_columns(self._dimension)).with_row_id().to_arrow()
        place = {row: index for index, row in enumerate(found["_rowid"].to_pylist())}
        return documents(found.take([place[row] for row in rows]))

    def _text_query(self, query: "FullTextQuery", where: str, columns: list[str], limit: int | None) -> pa.Table:
        builder = self._table.search(query, query_type="fts").select(columns).with_row_id(True)
        # Rows without terms never match, so that "not deleted" alone needs no filter.
        if where != LIVE:
            builder = builder.where(where, prefilter=True)
        return builder.limit(EVERY_ROW if limit is None else limit).to_arrow()

    @cached_property
    def _rows(self) -> Rows:
        return np.sort(self.matches(None, LIVE))

    @cached_property
    def _directions(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """The rows' vectors at length 1, and which rows have one."""
        column = self._column("vector_bytes")
        there = column.is_valid().to_numpy(zero_copy_only=False)
        values = np.zeros((len(column), self._dimension), np.float32)
        packed = b"".join(column.drop_null().to_pylist())
        values[there] = np.frombuffer(packed, np.float32).reshape(-1, self._dimension)
        lengths = np.linalg.norm(values.astype(np.float64), axis=1, keepdims=True)
        return (values / np.where(lengths, lengths, 1)).astype(np.float32), there

    def _positions(self, rows: Rows) -> NDArray[np.int64]:
        return np.searchsorted(self._rows, rows)

    def _column(self, name: str) -> pa.Array:
        """Return a column in the order of `_rows`, read once."""
        with self._lock:
            if name not in self._columns:
                found = self._table.search().where(LIVE).select([name]).with_row_id(True).limit(EVERY_ROW).to_arrow()
                order = np.argsort(found["_rowid"].to_numpy(), kind="stable")
                self._columns[name] = found[name].combine_chunks().take(pa.array(order))
            return self._columns[name]

    def _order(self, name: str) -> NDArray[np.int64]:
        """Return the rank of each row's value among the column's values, `EVERY_ROW` for a missing one."""
        if name not in self._orders:
            encoded = self._column(name).dictionary_encode()
            ranks = np.empty(len(encoded.dictionary), np.int64)
            ranks[pc.call_function("array_sort_indices", [encoded.dictionary]).to_numpy()] = np.arange(len(ranks))
            missing = encoded.indices.is_null().to_numpy(zero_copy_only=False)
            places = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)
            self._orders[name] = np.where(missing, EVERY_ROW, ranks[places] if len(ranks) else EVERY_ROW)
        return self._orders[name]
