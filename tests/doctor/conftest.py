"""A deployment to look at."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.platform.conftest import Deployment, made_deployment


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """A fresh deployment."""
    with made_deployment(tmp_path, monkeypatch) as made:
        yield made
