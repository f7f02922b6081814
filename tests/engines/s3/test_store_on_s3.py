"""The tests that every store passes, on a real S3 server, and what only S3 has."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from biolake.objects.errors import ObjectExists, StoreUnavailable
from biolake.objects.store import ObjectStore, open_store
from tests.engines.servers.versitygw import S3Server
from tests.objects.test_store_conformance import *  # noqa: F403


def test_a_bucket_that_keeps_versions_tells_them(store: ObjectStore) -> None:
    store.put("geo/a", b"one")
    first = store.head("geo/a")
    store.put("geo/a", b"two")
    second = store.head("geo/a")
    assert first.version
    assert second.version
    assert first.version != second.version


def test_of_many_who_create_a_key_one_does(store: ObjectStore) -> None:
    def create(number: int) -> bool:
        try:
            store.put("lots/1", str(number).encode(), overwrite=False)
        except ObjectExists:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(create, range(32)))
    assert sum(created) == 1
    assert store.get("lots/1") == str(created.index(True)).encode()


def test_a_bucket_that_is_not_there_is_named(s3: S3Server, store: ObjectStore) -> None:
    with pytest.raises(StoreUnavailable, match="s3://nowhere"):
        list(open_store("s3://nowhere/landing").list("geo"))
