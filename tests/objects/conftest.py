"""The store that the tests of this folder run on: a local folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

from biolake.objects.store import ObjectStore, open_store


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    """An empty bucket."""
    return open_store(f"file://{tmp_path}/bucket", create=True)


@pytest.fixture
def put_odd_key(store: ObjectStore) -> Callable[[str], None]:
    """Put an object whose key the store itself would not take."""

    def put(key: str) -> None:
        assert store.folder is not None
        (store.folder / key).write_bytes(b"1")

    return put
