"""The tests of arrivals, on a real PostgreSQL server; in any order with fewer examples, each of which is a database."""

from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings

from tests.arrivals.test_any_order import Arrivals
from tests.arrivals.test_tick import *  # noqa: F403
from tests.engines.servers.postgres import PostgresServer


class ArrivalsOnPostgres(Arrivals):
    """Uploads, deletes, ticks and runs in any order."""

    server: ClassVar[PostgresServer]

    def database(self) -> str:
        self.url = self.server.make_database()
        return self.url

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            self.server.drop_database(self.url)


@pytest.fixture(autouse=True)
def _server(postgres: PostgresServer) -> None:
    ArrivalsOnPostgres.server = postgres


ArrivalsOnPostgres.TestCase.settings = settings(
    derandomize=True, max_examples=15, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
test_any_order_on_postgres_ends_with_what_is_there = ArrivalsOnPostgres.TestCase
