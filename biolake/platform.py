"""One deployment: bucket, lake, ledger, index, repositories and studies, opened from its settings when first used."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from biolake.lake.lake import Lake
from biolake.ledger.connect import Pool
from biolake.ledger.ledger import Ledger
from biolake.machines.memory import usable_memory
from biolake.objects.store import ObjectStore, open_store
from biolake.repositories.catalog import RepositoryCatalog
from biolake.search.index import SearchIndex
from biolake.settings import Settings

if TYPE_CHECKING:
    from biolake.studies.folder import StudyFolder
    from biolake.studies.recordings.journey import Workplace


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
        chosen = self.settings
        pool = Pool(chosen.ledger_connections, chosen.ledger_recycle_seconds, chosen.ledger_wait_seconds)
        return Ledger(chosen.ledger, chosen.ledger_password, pool)

    @cached_property
    def index(self) -> SearchIndex:
        """The search index."""
        from biolake.search.open import open_index

        chosen = self.settings
        return open_index(
            chosen.index,
            name=chosen.index_name,
            user=chosen.index_user,
            password=chosen.index_password,
            authority=chosen.index_ca,
            shards=chosen.index_shards,
            vector_dimension=chosen.index_vector_dimension,
        )

    @cached_property
    def study_engine(self) -> Engine:
        """The tables of studies, in the ledger's database."""
        return self.ledger.engine

    @property
    def runtimes(self) -> Path:
        """The folder of locked runtimes."""
        return self.settings.runtimes or Path(__file__).resolve().parent.parent / "runtimes"

    @property
    def studies(self) -> "StudyFolder":
        """The studies as their documents say now."""
        from biolake.studies.folder import StudyFolder

        return StudyFolder.read(self.settings.home / "studies", self.runtimes)

    @property
    def workplace(self) -> "Workplace":
        """Where recordings are processed."""
        from biolake.studies.processing.reservation import Reservations
        from biolake.studies.recordings.journey import Workplace

        memory = self.settings.memory_bytes or int(0.8 * usable_memory())
        return Workplace(
            self.lake,
            self.study_engine,
            self.runtimes,
            self.settings.runtime_cache,
            Reservations(self.settings.home / "memory", memory),
            self.settings.image,
        )

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
