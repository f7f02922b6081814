"""Databases for the ledger: SQLite here, PostgreSQL where `tests/engines/postgres` runs the same tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from biolake.ledger.ledger import Ledger


@pytest.fixture
def new_database(tmp_path: Path) -> Callable[[], str]:
    """Makes empty databases and says their URLs."""
    made: list[str] = []

    def make() -> str:
        made.append(f"sqlite:///{tmp_path}/ledger{len(made)}.db")
        return made[-1]

    return make


@pytest.fixture
def ledger(new_database: Callable[[], str]) -> Iterator[Ledger]:
    """An empty ledger."""
    made = Ledger(new_database())
    yield made
    made.close()
