"""The tests of the ledger's migrations, on a real PostgreSQL server."""

from tests.ledger.test_migrations import *  # noqa: F403
