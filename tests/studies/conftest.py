"""What tests of studies share: SKDH in its locked runtimes."""

from collections.abc import Callable

import pytest

from biolake.studies.runtimes import Runtime
from tests.studies.locked_runtimes import built, cache_of


@pytest.fixture(scope="session")
def open_runtime(request: pytest.FixtureRequest) -> Callable[[str], Runtime]:
    """Build a runtime by name; skips where that is impossible, fails in CI."""
    cache = cache_of(request)
    return lambda name: built(name, cache)
