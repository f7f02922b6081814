"""Search results as a table, for `search('…')` in SQL."""

from typing import TYPE_CHECKING

from biolake.search.index import SearchIndex
from biolake.search.models import MAX_PAGE, SearchRequest

if TYPE_CHECKING:
    import pyarrow as pa

DEFAULT_LIMIT = 10_000


def search_table(
    index: SearchIndex, text: str, *, repository: str | None = None, limit: int = DEFAULT_LIMIT
) -> "pa.Table":
    """Return the best matches, best first.

    Args:
        index: The index.
        text: In the query language of `docs/search.md`.
        repository: Only datasets of this repository.
        limit: Most rows.

    Returns:
        Columns `repository`, `dataset_id`, `score`, `rank` (from 1) and `title`.

    Raises:
        InvalidQuery: The text breaks a rule of the query language.
    """
    import pyarrow as pa

    columns: dict[str, list[object]] = {"repository": [], "dataset_id": [], "score": [], "rank": [], "title": []}
    after: str | None = None
    while len(columns["rank"]) < limit:
        page = index.search(
            SearchRequest(
                text=text,
                repositories=(repository,) if repository else (),
                size=min(MAX_PAGE, limit - len(columns["rank"])),
                after=after,
            )
        )
        for hit in page.hits:
            values = (hit.repository, hit.dataset_id, hit.score, len(columns["rank"]) + 1, hit.dataset.title)
            for name, value in zip(columns, values, strict=True):
                columns[name].append(value)
        after = page.next
        if after is None:
            break
    types = (pa.string(), pa.string(), pa.float64(), pa.int64(), pa.string())
    return pa.table(columns, schema=pa.schema(list(zip(columns, types, strict=True))))
