"""The tests of a study's notifications, on a real PostgreSQL server."""

from tests.studies.notifications.test_notifications import *  # noqa: F403
