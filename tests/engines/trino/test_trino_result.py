"""Results of Trino in the tools people use, as those of every engine."""

import pytest

from tests.sql.test_result import *  # noqa: F403

pytestmark = pytest.mark.trino
