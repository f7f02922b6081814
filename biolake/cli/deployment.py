"""Open the deployment that a command works on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from biolake.platform import Platform, opened
from biolake.repositories.models import Repository
from biolake.settings import Settings
from biolake.sql.models import SqlEngine

if TYPE_CHECKING:
    import pyarrow as pa


@contextmanager
def platform() -> Iterator[Platform]:
    """The platform of the chosen home."""
    with opened(Settings.from_environment()) as here:
        yield here


@contextmanager
def sql_engine(here: Platform) -> Iterator[SqlEngine]:
    """SQL over the platform's lake, with its index as `search('…')`."""
    from biolake.search.table import DEFAULT_LIMIT, search_table
    from biolake.sql.engine import open_engine

    def search(text: str, **options: str | int) -> "pa.Table":
        repository, limit = options.get("repository"), options.get("limit")
        return search_table(
            here.index,
            text,
            repository=None if repository is None else str(repository),
            limit=DEFAULT_LIMIT if limit is None else int(limit),
        )

    with open_engine(here.settings, search=search) as engine:
        yield engine


def chosen(here: Platform, name: str | None) -> list[Repository]:
    """The named repository, or all.

    Raises:
        UnknownRepository: No document describes it.
    """
    return [here.repositories.get(name)] if name else list(here.repositories)
