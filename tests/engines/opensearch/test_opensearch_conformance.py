"""The tests that every engine passes, on a real cluster."""

import pytest

from tests.search.test_search_conformance import *  # noqa: F403
from tests.search.test_search_rebuild import *  # noqa: F403

pytestmark = pytest.mark.engines
