"""What every object store promises; `tests/engines/s3` runs the same tests on a real S3 server."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from biolake.objects.errors import ObjectChanged, ObjectExists, ObjectNotFound
from biolake.objects.store import ObjectStore


@pytest.mark.parametrize("key", ["geo/GSE1.txt", "geo/a b+c.csv", "geo/Übung é/x%20y.txt", "geo/日本.gct"])
def test_keys_come_back_as_they_were_put(store: ObjectStore, key: str) -> None:
    store.put(key, b"12345")
    (listed,) = store.list("geo")
    assert (listed.key, listed.size) == (key, 5)
    assert store.get(key) == b"12345"


def test_a_prefix_is_a_folder_not_a_beginning_of_names(store: ObjectStore) -> None:
    store.put("geo/a", b"1")
    store.put("geo2/b", b"1")
    assert [v.key for v in store.list("geo")] == ["geo/a"]


def test_what_replaced_an_object_is_not_fetched_as_the_old_version(store: ObjectStore, tmp_path: Path) -> None:
    store.put("geo/a", b"old")
    old = store.head("geo/a")
    store.put("geo/a", b"newer")
    try:
        store.fetch(old, tmp_path / "copy")
    except ObjectChanged:
        return
    assert old.version
    assert (tmp_path / "copy").read_bytes() == b"old"


def test_a_fetch_gives_the_bytes_and_their_hash(store: ObjectStore, tmp_path: Path) -> None:
    store.put("geo/a", b"hello")
    digest = store.fetch(store.head("geo/a"), tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"hello"
    assert digest == hashlib.sha256(b"hello").hexdigest()


def test_a_missing_object_is_named(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(ObjectNotFound, match="geo/none"):
        store.head("geo/none")
    with pytest.raises(ObjectNotFound, match="geo/none"):
        store.get("geo/none")


@pytest.mark.parametrize("key", ["geo/b.csv", "geo/a b+c.csv", "b.csv", "geo/sub/Ü.csv"])
def test_a_listing_tells_of_one_object_what_a_look_does(store: ObjectStore, key: str) -> None:
    for beside in ("geo/a.csv", "geo/b", "geo/b.cst", "geo/b.csv.gz", "geo/sub/Z.csv", "a.csv", "c.csv"):
        store.put(beside, b"1")
    with pytest.raises(ObjectNotFound, match="does not exist"):
        store.head_by_listing(key)
    store.put(key, b"12345")
    listed, looked = store.head_by_listing(key), store.head(key)
    assert (listed.key, listed.etag, listed.size) == (looked.key, looked.etag, looked.size)


def test_a_listing_has_every_page(store: ObjectStore) -> None:
    for number in range(1_205):
        store.put(f"many/{number:04}", b"1")
    assert sorted(version.key for version in store.list("many")) == [f"many/{number:04}" for number in range(1_205)]


def test_a_file_is_put_whole(store: ObjectStore, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(bytes(range(256)) * 4096 * 20)
    store.put("geo/large", large)
    found = store.head("geo/large")
    assert found.size == large.stat().st_size
    assert store.fetch(found, tmp_path / "copy") == hashlib.sha256(large.read_bytes()).hexdigest()


def test_one_odd_key_does_not_hide_the_other_objects(store: ObjectStore, put_odd_key: Callable[[str], None]) -> None:
    store.put("geo/a.csv", b"1")
    store.put("geo/sub/b.csv", b"12")
    usual = sorted(store.list("geo"), key=lambda version: version.key)
    put_odd_key("geo/x\n.csv")
    put_odd_key("geo/sub/y\t.csv")
    listed = sorted(store.list("geo"), key=lambda version: version.key)
    assert [(v.key, v.etag, v.size) for v in listed] == [(v.key, v.etag, v.size) for v in usual]


def test_create_only_put_refuses_a_taken_key(store: ObjectStore) -> None:
    store.put("lots/1", b"first", overwrite=False)
    with pytest.raises(ObjectExists):
        store.put("lots/1", b"second", overwrite=False)
    assert store.get("lots/1") == b"first"


def test_deleting_twice_is_no_error(store: ObjectStore) -> None:
    store.put("geo/a", b"1")
    store.delete(["geo/a", "geo/a"])
    assert list(store.list()) == []
