"""The tests that every store passes, on a real S3 server, and what only S3 has."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from biolake.objects.errors import ObjectChanged, ObjectExists, ObjectNotFound, StoreUnavailable
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


def test_a_version_is_fetched_after_it_was_replaced_and_deleted(
    s3: S3Server, bucket: str, store: ObjectStore, tmp_path: Path
) -> None:
    store.put("geo/a", b"old")
    old = store.head("geo/a")
    store.put("geo/a", b"newer")
    store.fetch(old, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"old"
    store.delete(["geo/a"])
    store.fetch(old, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"old"
    with pytest.raises(ObjectChanged, match="geo/a"):
        store.fetch(replace(old, etag="other"), tmp_path / "copy")
    s3.client().delete_object(Bucket=bucket, Key="landing/geo/a", VersionId=str(old.version))
    with pytest.raises(ObjectNotFound, match="geo/a"):
        store.fetch(old, tmp_path / "copy")


def test_an_object_that_was_listed_is_not_fetched_as_what_replaced_it(store: ObjectStore, tmp_path: Path) -> None:
    store.put("geo/a", b"old")
    (old,) = store.list("geo")
    store.put("geo/a", b"newer")
    with pytest.raises(ObjectChanged):
        store.fetch(old, tmp_path / "copy")


def test_a_large_file_does_not_replace_what_is_there(store: ObjectStore, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(os.urandom(30 << 20))
    store.put("geo/large", large, overwrite=False)
    kept = store.head("geo/large")
    for content in (large, os.urandom(30 << 20)):
        with pytest.raises(ObjectExists, match="geo/large"):
            store.put("geo/large", content, overwrite=False)
    assert store.head("geo/large") == kept


def test_of_many_who_create_a_large_object_one_does(store: ObjectStore) -> None:
    def create(number: int) -> bool:
        try:
            store.put("lots/1", bytes([number]) * (8 << 20), overwrite=False)
        except ObjectExists:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        created = list(pool.map(create, range(4)))
    assert sum(created) == 1
    assert store.get("lots/1")[:1] == bytes([created.index(True)])


def test_a_store_is_what_its_options_say(
    s3: S3Server, bucket: str, put_odd_key: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in s3.environment:
        monkeypatch.delenv(variable)
    options = {"aws_endpoint": s3.endpoint, "aws_region": "us-east-1"}
    keys = {"aws_access_key_id": "tester", "aws_secret_access_key": "tester-secret"}
    store = open_store(f"s3://{bucket}/landing", options={**options, **keys})
    store.put("geo/a", b"1")
    usual = list(store.list("geo"))
    put_odd_key("geo/x\n.csv")
    assert list(store.list("geo")) == usual
