"""The tests of a study's requirements, on a real PostgreSQL server."""

from tests.studies.test_requirements import *  # noqa: F403
