"""The tests of a study's catalog, on a real PostgreSQL server."""

from tests.studies.test_catalog import *  # noqa: F403
