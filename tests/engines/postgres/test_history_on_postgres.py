"""The tests of what Dagster forgets, with its storage on a real PostgreSQL server."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import dagster as dg
import pytest

from tests.engines.postgres.instance import production_instance
from tests.platform.conftest import deployment
from tests.platform.test_history import *  # noqa: F403

__all__ = ["deployment"]


@pytest.fixture
def open_instance(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], AbstractContextManager[dg.DagsterInstance]]:
    """Dagster's instance of the production profile."""
    return lambda: production_instance(tmp_path / "instance", database, monkeypatch)
