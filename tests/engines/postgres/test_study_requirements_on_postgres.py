"""The tests of a study's requirements, on a real PostgreSQL server."""

from tests.studies.participants.test_requirements import *  # noqa: F403
