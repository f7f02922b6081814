"""The tests of searches by vector that every engine passes, on a real cluster."""

import pytest

from tests.search.test_search_vectors import *  # noqa: F403

pytestmark = pytest.mark.engines
