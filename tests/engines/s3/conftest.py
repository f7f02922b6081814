"""The stores that the tests of this folder run on: buckets of a real S3 server, which keep versions."""

import uuid
from collections.abc import Callable, Iterator

import pytest

from biolake.objects.store import ObjectStore, open_store
from tests.engines.s3.faulty import Faults, faulty
from tests.engines.servers.versitygw import S3Server


@pytest.fixture
def bucket(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an empty bucket that keeps versions; the environment names its server."""
    for variable, value in s3.environment.items():
        monkeypatch.setenv(variable, value)
    name = f"b{uuid.uuid4().hex[:12]}"
    s3.make_bucket(name)
    return name


@pytest.fixture
def store(bucket: str) -> ObjectStore:
    """A prefix of the bucket, as a deployment has it."""
    return open_store(f"s3://{bucket}/landing")


@pytest.fixture
def put_odd_key(s3: S3Server, bucket: str) -> Callable[[str], None]:
    """Put an object whose key the store itself would not take."""

    def put(key: str) -> None:
        s3.client().put_object(Bucket=bucket, Key=f"landing/{key}", Body=b"1")

    return put


@pytest.fixture
def faults(s3: S3Server) -> Iterator[Faults]:
    """A proxy before the server."""
    with faulty(s3.port) as found:
        yield found


@pytest.fixture
def busy(bucket: str, faults: Faults, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """The store behind the proxy."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", faults.url)
    return open_store(f"s3://{bucket}/landing")
