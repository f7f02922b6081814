"""Fill the search index anew from the lake, for when it was lost or is not trusted. Repairing parts is `repair.py`."""

from collections.abc import Iterator

from biolake.ingest.documents import documents_of_repository
from biolake.ledger.lots import all_lots
from biolake.platform import Platform
from biolake.search.models import Rebuilt, SearchDocument
from biolake.sql.versions import LakeVersions


def rebuild_index(platform: Platform) -> Rebuilt:
    """Fill the index with the datasets of all repositories; searches and runs go on meanwhile.

    Raises:
        EmptyRebuild: The lake shows no dataset, and the index has some.
        IndexBusy: Another process fills the index.
        LakeUnavailable: A table cannot be opened.
    """
    return platform.index.rebuild(_documents(platform))


def _documents(platform: Platform) -> Iterator[SearchDocument]:
    # The lake says which repositories have datasets: one whose document is broken for the moment keeps its own.
    for repository in LakeVersions(platform.settings.lake).repositories():
        with platform.ledger.reading() as connection:
            made = {lot.key: lot.created_at for lot in all_lots(connection, repository)}
        yield from documents_of_repository(platform.lake, repository, made)
