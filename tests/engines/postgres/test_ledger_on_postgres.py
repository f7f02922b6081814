"""The tests of the ledger, on a real PostgreSQL server."""

from tests.ledger.test_ledger import *  # noqa: F403
