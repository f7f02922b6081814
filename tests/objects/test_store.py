"""An object store on a folder: what no other store has to deal with."""

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolake.objects.errors import (
    ObjectChanged,
    OutsideBucket,
    StoreUnavailable,
    UnsupportedUrl,
    UnusableKey,
)
from biolake.objects.store import ObjectStore, open_store


def test_fetch_gives_the_bytes_and_their_hash(store: ObjectStore, tmp_path: Path) -> None:
    store.put("geo/a", b"hello")
    digest = store.fetch(store.head("geo/a"), tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"hello"
    assert digest == hashlib.sha256(b"hello").hexdigest()
    local = store.local(store.head("geo/a"))
    assert local is not None
    assert local[1] == digest


def test_a_file_that_changed_is_not_read_as_the_old_version(store: ObjectStore) -> None:
    store.put("geo/a", b"old")
    old = store.head("geo/a")
    store.put("geo/a", b"newer")
    with pytest.raises(ObjectChanged):
        store.local(old)


def test_same_bytes_written_again_are_a_new_version(store: ObjectStore) -> None:
    store.put("geo/a", b"same")
    first = store.head("geo/a")
    store.put("geo/a", b"same")
    os.utime(store.folder / "geo/a", (1, 1))  # type: ignore[operator]
    assert store.head("geo/a").etag != first.etag


def test_missing_places_are_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="missing"):
        open_store(f"file://{tmp_path}/missing")
    with pytest.raises(UnsupportedUrl, match="gs://bucket"):
        open_store("gs://bucket")


@pytest.mark.parametrize("key", ["geo/.", "geo/..", "../a", "geo//a\n"])
def test_a_key_that_no_object_can_have_is_refused(store: ObjectStore, key: str) -> None:
    with pytest.raises(UnusableKey, match="choose another name"):
        store.put(key, b"1")
    assert list(store.list()) == []


def test_a_link_out_of_the_bucket_is_not_read(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("key")
    store.put("geo/real", b"1")
    assert store.folder is not None
    (store.folder / "geo/inside").symlink_to("real")
    (store.folder / "geo/outside").symlink_to(tmp_path / "secret")
    assert store.local(store.head("geo/inside")) is not None
    with pytest.raises(OutsideBucket, match="geo/outside") as raised:
        store.local(store.head("geo/outside"))
    assert not raised.value.transient


def test_one_odd_name_does_not_hide_the_other_objects(store: ObjectStore) -> None:
    store.put("geo/a.csv", b"1")
    store.put("geo/sub/b.csv", b"12")
    usual = list(store.list("geo"))
    assert store.folder is not None
    folder = store.folder / "geo"
    odd = [os.fsencode(folder) + name for name in (b"/x\n.csv", b"/y\t.csv", b"/\xff.csv", b"/staged#1")]
    for name in odd:
        Path(os.fsdecode(name)).write_bytes(b"1")
    (folder / "itself").symlink_to("itself")
    (folder / "gone").symlink_to("nothing")
    (folder / "sub/up").symlink_to("..")
    assert sorted(store.list("geo"), key=lambda version: version.key) == sorted(usual, key=lambda v: v.key)
    assert list(store.list("other")) == []


@given(
    name=st.text(
        st.characters(blacklist_characters="/\x00", blacklist_categories=("Cs", "Cc")), min_size=1, max_size=40
    )
)
def test_any_name_round_trips_or_is_refused(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    store = open_store(f"file://{tmp_path_factory.mktemp('bucket')}")
    try:
        store.put(f"geo/{name}", b"1")
    except (StoreUnavailable, UnusableKey):
        return
    assert [v.key for v in store.list("geo")] == [f"geo/{name}"]
