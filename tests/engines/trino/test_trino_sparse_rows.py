"""Rows of the matrix that leave zeros out look on Trino like rows that do not."""

import uuid
from collections.abc import Callable

import pytest

from biolake.sql.models import SqlEngine
from tests.engines.trino.conftest import LakeOnS3
from tests.sql.test_sparse_rows import *  # noqa: F403
from tests.sql.test_sparse_rows import ROWS, SPANS

pytestmark = pytest.mark.trino


@pytest.fixture
def cells(bucket: str, open_on: Callable[..., SqlEngine]) -> SqlEngine:
    lake = LakeOnS3(f"{bucket}/{uuid.uuid4().hex}")
    lake.levels("cells", "C1", "lot1", ROWS, count=5, spans=SPANS, tissues=["liver"] * 4 + ["lung"])
    lake.show("cells", "C1", "lot1", n_samples=5, n_features=4)
    lake.levels("cells", "C2", "lot1", {"g1": [4.0, None]})
    lake.show("cells", "C2", "lot1")
    return open_on(lake)
