"""A ledger for each test."""

from collections.abc import Callable, Iterator

import pytest

from biolake.ledger.ledger import Ledger


@pytest.fixture
def ledger(new_database: Callable[[], str]) -> Iterator[Ledger]:
    """An empty ledger."""
    made = Ledger(new_database())
    yield made
    made.close()
