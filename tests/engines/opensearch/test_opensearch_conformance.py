"""The tests that every engine passes, on a real cluster."""

import pytest

from tests.search.test_search_facets import *  # noqa: F403
from tests.search.test_search_filters import *  # noqa: F403
from tests.search.test_search_finding import *  # noqa: F403
from tests.search.test_search_highlights import *  # noqa: F403
from tests.search.test_search_paging import *  # noqa: F403
from tests.search.test_search_rebuild import *  # noqa: F403
from tests.search.test_search_writing import *  # noqa: F403

pytestmark = pytest.mark.engines
