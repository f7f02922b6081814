"""Writes that S3 refuses for now, or makes without saying so: repeated, recognised, never taken for another's."""

import os
from pathlib import Path

import pytest

from biolake.objects.errors import ObjectExists, StoreUnavailable
from biolake.objects.store import ObjectStore, open_store
from tests.engines.s3.faulty import ANSWER_LOST, BUSY, CONFLICT, FAILED_AFTERWARDS, Fault, Faults, next_writes
from tests.engines.servers.versitygw import S3Server


@pytest.mark.parametrize("fault", [CONFLICT, BUSY])
@pytest.mark.parametrize("overwrite", [True, False])
def test_a_write_that_is_refused_twice_is_made(
    busy: ObjectStore, faults: Faults, fault: Fault, overwrite: bool
) -> None:
    faults.spoil = next_writes(2, fault)
    busy.put("geo/a", b"one", overwrite=overwrite)
    assert faults.writes() == 3
    assert busy.get("geo/a") == b"one"


def test_a_taken_key_is_told_after_a_conflict(busy: ObjectStore, faults: Faults) -> None:
    busy.put("geo/a", b"one", overwrite=False)
    faults.spoil = next_writes(1, CONFLICT)
    with pytest.raises(ObjectExists, match="geo/a"):
        busy.put("geo/a", b"two", overwrite=False)
    assert busy.get("geo/a") == b"one"


@pytest.mark.parametrize("fault", [CONFLICT, BUSY])
def test_a_write_that_is_always_refused_can_be_tried_again(busy: ObjectStore, faults: Faults, fault: Fault) -> None:
    faults.spoil = next_writes(10_000, fault)
    with pytest.raises(StoreUnavailable, match="geo/a") as raised:
        busy.put("geo/a", b"one", overwrite=False)
    assert raised.value.transient
    faults.spoil = next_writes(0, fault)
    assert list(busy.list("geo")) == []


@pytest.mark.parametrize("fault", [ANSWER_LOST, FAILED_AFTERWARDS])
@pytest.mark.parametrize("overwrite", [True, False])
def test_a_write_whose_answer_is_lost_is_made(busy: ObjectStore, faults: Faults, fault: Fault, overwrite: bool) -> None:
    faults.spoil = next_writes(1, fault)
    busy.put("geo/a", b"one", overwrite=overwrite)
    assert busy.get("geo/a") == b"one"


@pytest.mark.parametrize("content", [b"one", b"two"])
def test_another_ones_object_is_not_taken_for_ones_own(busy: ObjectStore, faults: Faults, content: bytes) -> None:
    busy.put("geo/a", b"one", overwrite=False)
    faults.spoil = next_writes(1, ANSWER_LOST)
    with pytest.raises(ObjectExists, match="geo/a"):
        busy.put("geo/a", content, overwrite=False)
    assert busy.get("geo/a") == b"one"


def test_a_large_file_is_put_part_by_part_and_parts_again(busy: ObjectStore, faults: Faults, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(os.urandom(17 << 20))
    busy.put("geo/large", b"before")
    faults.spoil = next_writes(2, BUSY)
    busy.put("geo/large", large)
    parts = {path.partition("partNumber=")[2].partition("&")[0] for method, path in faults.seen if "partNumber" in path}
    assert parts == {"1", "2", "3", "4"}
    found = busy.head("geo/large")
    assert found.size == 17 << 20
    busy.fetch(found, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == large.read_bytes()


def test_a_large_file_is_seen_whole_or_not_at_all(
    s3: S3Server, bucket: str, busy: ObjectStore, faults: Faults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = tmp_path / "large"
    large.write_bytes(os.urandom(12 << 20))
    busy.put("geo/large", b"before")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.endpoint)
    beside = open_store(f"s3://{bucket}/landing")
    while_sent: set[int] = set()

    def spoil(method: str, path: str) -> Fault | None:
        while_sent.add(beside.head("geo/large").size)
        return BUSY if method == "POST" and "uploadId=" in path else None

    faults.spoil = spoil
    with pytest.raises(StoreUnavailable, match="geo/large"):
        busy.put("geo/large", large)
    assert while_sent == {6}
    assert beside.get("geo/large") == b"before"
