"""The tests of a study's progress, on a real PostgreSQL server."""

from tests.studies.recordings.test_progress import *  # noqa: F403
from tests.studies.recordings.test_run_beats import *  # noqa: F403
