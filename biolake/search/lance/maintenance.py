"""Keeping the embedded engine's table fast: its creation with indexes, and merging what writes leave behind.

New rows are found at once, but by reading them one by one until an index segment holds them. A segment per thousand
rows is cheap to add, and each costs a search about a millisecond, so that they are merged as their number grows.
"""

import logging
import random
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, TypeVar

from biolake.search.errors import IndexBusy
from biolake.search.lance.rows import TEXT_COLUMNS, schema, table_name

if TYPE_CHECKING:
    from lance import LanceDataset
    from lancedb.db import DBConnection
    from lancedb.table import Table

_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)

_UNINDEXED_ROWS = 1000
_ALIKE = 8
_SPREAD = 3
_MOST_BYTES = 64 * 1024**2
"""Larger merges are left to `optimize`: a write should not wait a minute for the rows of a year."""
_ATTEMPTS = 6
KEEP = timedelta(hours=1)
"""How long a version stays after it was replaced: the life of a cursor."""


def create_table(database: "DBConnection", dimension: int) -> "Table":
    """Create the table with its indexes, or open the one that another process was first to create."""
    from lancedb.index import FTS, BTree

    table = database.create_table(table_name(dimension), schema=schema(dimension), exist_ok=True)
    existing = {column for index in table.list_indices() for column in index.columns}
    for column in TEXT_COLUMNS:
        if column not in existing:
            config = FTS(
                with_position=column == "terms",
                base_tokenizer="whitespace",
                max_token_length=None,
                lower_case=False,
                stem=False,
                remove_stop_words=False,
                ascii_folding=False,
            )
            retried(lambda name=column, index=config: table.create_index(name, config=index))
    if "key" not in existing:
        retried(lambda: table.create_index("key", config=BTree()))
    return table


def merge_recent(table: "Table") -> None:
    """Add an index segment when enough rows are without one, and merge the newest segments when there are many alike.

    A segment is merged with others of its size, so that a row is not rewritten for every few thousand that follow.
    Where another writer is at the same work, it is left to that one.
    """
    statistics = table.index_stats("terms_idx")
    if statistics is not None and statistics.num_unindexed_rows < _UNINDEXED_ROWS:
        return
    try:
        dataset = table.to_lance()
        dataset.optimize.optimize_indices(num_indices_to_merge=0)
        while (number := _newest_alike(_segment_sizes(dataset))) >= _ALIKE:
            dataset.optimize.optimize_indices(num_indices_to_merge=number)
            dataset.cleanup_old_versions(older_than=KEEP)
    except (OSError, RuntimeError) as error:
        if not _is_conflict(error):
            raise
        _log.debug("index segments not merged, another writer was first: %s", error)


def _segment_sizes(dataset: "LanceDataset") -> list[int]:
    """Return the bytes of the largest index's segments, the oldest first."""
    terms = next(index for index in dataset.describe_indices() if index.name == "terms_idx")
    return [segment.size_bytes or 0 for segment in terms.segments]


def _newest_alike(sizes: list[int]) -> int:
    """Return how many of the newest segments are of a size, give or take `_SPREAD`; none where that is too much."""
    alike = list(takewhile(lambda size: size <= _SPREAD * sizes[-1], reversed(sizes)))
    return len(alike) if sum(alike) <= _MOST_BYTES else 0


def merge_everything(table: "Table") -> None:
    """Merge all files and segments and remove what is older than `KEEP`.

    Raises:
        IndexBusy: Other writers kept interfering.
    """
    retried(lambda: table.optimize(cleanup_older_than=KEEP))


def retried(write: Callable[[], _Result]) -> _Result:
    """Repeat a write that lost against another writer.

    Raises:
        IndexBusy: It lost every time.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return write()
        except (OSError, RuntimeError, ValueError) as error:
            if not _is_conflict(error):
                raise
            if attempt == _ATTEMPTS - 1:
                raise IndexBusy(
                    f"The search index was changed by others {_ATTEMPTS} times while writing. Repeat the call."
                ) from error
            time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311
    raise AssertionError("unreachable")


def _is_conflict(error: Exception) -> bool:
    """Lance has no class for it: a commit that lost says so in its text."""
    message = str(error).lower()
    return "conflict" in message or "too many concurrent writers" in message or "retry limit" in message
