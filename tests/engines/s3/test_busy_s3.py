"""Writes that S3 refuses for the moment: repeated, and never taken for a key that exists."""

from collections.abc import Iterator

import pytest

from biolake.objects.errors import ObjectExists, StoreUnavailable
from biolake.objects.store import ObjectStore, open_store
from tests.engines.s3.faulty import Faults, faulty
from tests.engines.servers.versitygw import S3Server


@pytest.fixture
def faults(s3: S3Server) -> Iterator[Faults]:
    with faulty(s3.port) as found:
        yield found


@pytest.fixture
def busy(bucket: str, faults: Faults, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """The bucket behind the proxy."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", faults.url)
    return open_store(f"s3://{bucket}/landing")


@pytest.mark.parametrize("status", [409, 503])
@pytest.mark.parametrize("overwrite", [True, False])
def test_a_write_that_is_refused_twice_is_made(busy: ObjectStore, faults: Faults, status: int, overwrite: bool) -> None:
    faults.status, faults.times = status, 2
    busy.put("geo/a", b"one", overwrite=overwrite)
    assert faults.writes == 3
    assert busy.get("geo/a") == b"one"


def test_a_taken_key_is_told_after_a_conflict(busy: ObjectStore, faults: Faults) -> None:
    busy.put("geo/a", b"one", overwrite=False)
    faults.status, faults.times = 409, 1
    with pytest.raises(ObjectExists, match="geo/a"):
        busy.put("geo/a", b"two", overwrite=False)
    assert busy.get("geo/a") == b"one"


@pytest.mark.parametrize("status", [409, 503])
def test_a_write_that_is_always_refused_can_be_tried_again(busy: ObjectStore, faults: Faults, status: int) -> None:
    faults.status, faults.times = status, 10_000
    with pytest.raises(StoreUnavailable, match="geo/a") as raised:
        busy.put("geo/a", b"one", overwrite=False)
    assert raised.value.transient
    faults.times = 0
    assert list(busy.list("geo")) == []
