"""A PostgreSQL server that asks for a password."""

from collections.abc import Iterator

import pytest

from tests.engines.conftest import folder_for_others
from tests.engines.servers.missing import unavailable
from tests.engines.servers.postgres import PostgresServer, tools

PASSWORD = "ledger-s3cret"


@pytest.fixture(scope="session")
def locked_postgres() -> Iterator[PostgresServer]:
    if missing := tools():
        unavailable(missing)
    with folder_for_others() as folder:
        server = PostgresServer(folder, PASSWORD)
        server.start()
        yield server
        server.stop()
