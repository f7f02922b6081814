"""The databases that the tests of this folder run on: on a real PostgreSQL server."""

from collections.abc import Callable, Iterator

import pytest

from biolake.ledger.ledger import Ledger
from tests.arrivals.conftest import new_scene, scene
from tests.engines.servers.postgres import PostgresServer

__all__ = ["new_scene", "scene"]


@pytest.fixture
def new_database(postgres: PostgresServer) -> Iterator[Callable[[], str]]:
    """Makes empty databases and says their URLs; they end with the test, and whatever it left connected."""
    made: list[str] = []

    def make() -> str:
        made.append(postgres.make_database())
        return made[-1]

    yield make
    for url in made:
        postgres.drop_database(url)


@pytest.fixture
def database(new_database: Callable[[], str]) -> str:
    """An empty database."""
    return new_database()


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    """An empty ledger."""
    made = Ledger(database)
    yield made
    made.close()
