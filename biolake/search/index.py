"""What a search index does, whichever engine it is. The engines are in `lance.py` and `opensearch.py`."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from biolake.search.models import Rebuilt, SearchDocument, SearchPage, SearchRequest, Upserted


class SearchIndex(Protocol):
    """Documents by repository and dataset id, found by text and metadata.

    A write is visible to every later call of any process. Calls may come from several threads and processes at once.
    """

    def upsert(self, documents: Iterable[SearchDocument]) -> Upserted:
        """Put documents in, replacing those of the same dataset with the same or a lower version.

        Raises:
            IndexBusy: Other writers kept interfering, or the server had too much to do; the call may be repeated.
            IndexUnreachable: The server does not answer; the call may be repeated.
            DocumentRefused: A document has a value that the index cannot hold.
            VectorMismatch: A document's vector is not of the length that the index was made for.
        """
        ...

    def delete(self, repository: str, dataset_ids: Iterable[str] | Mapping[str, int]) -> None:
        """Take datasets out; those that are not in the index are no error.

        Args:
            repository: The datasets' repository.
            dataset_ids: Ids alone remove whatever is there. A mapping of id to version removes what is not newer, and
                keeps a late upsert of a lower version from bringing the dataset back.

        Raises:
            IndexBusy: Other writers kept interfering; the call may be repeated.
        """
        ...

    def search(self, request: SearchRequest) -> SearchPage:
        """Return one page of the datasets that match.

        Raises:
            InvalidQuery: The text breaks a rule of the query language.
            InvalidCursor: `request.after` is not from this search.
            CursorExpired: The state that the cursor belongs to is gone.
            VectorMismatch: The request's vector is not of the length that the index was made for.
            IndexUnreachable: The server does not answer.
        """
        ...

    def get(self, repository: str, dataset_id: str) -> SearchDocument | None:
        """Return a dataset's document, None where there is none."""
        ...

    def versions(self, repository: str) -> dict[str, str]:
        """Return the lot of each dataset of the repository that is in the index, by dataset id."""
        ...

    def count(self, repository: str | None = None) -> int:
        """Return the number of datasets in the repository, or in the whole index."""
        ...

    def optimize(self) -> None:
        """Merge what many writes left behind and free what no reader needs; answers stay the same."""
        ...

    def rebuild(self, documents: Iterable[SearchDocument]) -> Rebuilt:
        """Fill the index anew with all documents there are, as the lake has them.

        Searches find the full set meanwhile, and what others write is kept where it is newer.

        Raises:
            EmptyRebuild: There are no documents, and the index has some.
            IndexBusy: Another process is at the same work.
        """
        ...

    def close(self) -> None:
        """Release the engine's resources."""
        ...
