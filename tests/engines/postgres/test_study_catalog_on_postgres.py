"""The tests of a study's catalog, on a real PostgreSQL server."""

from tests.studies.catalog.test_catalog import *  # noqa: F403
