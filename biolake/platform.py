"""One deployment: its bucket, lake, ledger, index and repositories, opened from its settings when first used."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib.metadata import version

from biolake.lake.lake import Lake
from biolake.ledger.ledger import Ledger
from biolake.objects.store import ObjectStore, open_store
from biolake.repositories.catalog import RepositoryCatalog
from biolake.search.index import SearchIndex
from biolake.settings import Settings


class Platform:
    """Everything a run, a sensor or a command works with."""

    def __init__(self, settings: Settings) -> None:
        """Remember the settings; nothing is opened yet."""
        self.settings = settings

    @cached_property
    def bucket(self) -> ObjectStore:
        """Where data owners upload."""
        return open_store(self.settings.landing, create=True)

    @cached_property
    def lake_store(self) -> ObjectStore:
        """The lake's place as objects: manifests of lots."""
        return open_store(self.settings.lake, create=True)

    @cached_property
    def lake(self) -> Lake:
        """The Delta tables."""
        return Lake(self.settings.lake)

    @cached_property
    def ledger(self) -> Ledger:
        """What arrived and what became of it."""
        return Ledger(self.settings.ledger)

    @cached_property
    def index(self) -> SearchIndex:
        """The search index."""
        from biolake.search.open import open_index

        return open_index(self.settings.index)

    @property
    def repositories(self) -> RepositoryCatalog:
        """The repositories as their documents say now."""
        return RepositoryCatalog.read(self.settings.home / "repositories")

    def close(self) -> None:
        """Give back what was opened."""
        for name in ("ledger", "index"):
            if name in self.__dict__:
                self.__dict__.pop(name).close()


@contextmanager
def opened(settings: Settings) -> Iterator[Platform]:
    """A platform that is closed at the end of the block."""
    platform = Platform(settings)
    try:
        yield platform
    finally:
        platform.close()


def code_version() -> str:
    """Version of the platform's code, as provenance records it."""
    return version("biolake")
