"""The databases that the tests of this folder run on: on a real PostgreSQL server."""

from collections.abc import Callable, Iterator

import pytest

from biolake.ledger.ledger import Ledger
from tests.engines.servers.postgres import PostgresServer


@pytest.fixture
def new_database(postgres: PostgresServer) -> Callable[[], str]:
    """Makes empty databases and says their URLs."""
    return postgres.make_database


@pytest.fixture
def ledger(new_database: Callable[[], str]) -> Iterator[Ledger]:
    """An empty ledger."""
    made = Ledger(new_database())
    yield made
    made.close()
