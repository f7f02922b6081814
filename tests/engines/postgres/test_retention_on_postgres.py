"""The tests of what the ledger forgets, on a real PostgreSQL server."""

from tests.ledger.test_retention import *  # noqa: F403
