"""The locked runtimes of the repository, built once and kept between sessions of pytest."""

import os
from pathlib import Path

import pytest

from biolake.studies.runtimes import Runtime, RuntimeNotBuilt, ensure_runtime

RUNTIMES = Path(__file__).parents[2] / "runtimes"


def cache_of(request: pytest.FixtureRequest) -> Path:
    """Where they are built and kept."""
    cache = request.config.cache
    assert cache is not None
    return cache.mkdir("runtimes")


def built(name: str, cache: Path) -> Runtime:
    """Build a runtime by name; skips where that is impossible, fails in CI."""
    try:
        return ensure_runtime(name, RUNTIMES, cache)
    except RuntimeNotBuilt as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
