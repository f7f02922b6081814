"""The main job with a queue of events in front: S3, SQS, PostgreSQL, OpenSearch; nothing is found by a listing."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from biolake.arrivals.tick import tick
from biolake.ledger.models import JobState
from biolake.ledger.objects import last_listing
from biolake.platform import Platform
from biolake.settings import Settings
from tests.engines.servers.elasticmq import QueuePair, SqsServer
from tests.engines.servers.s3_events import NotifyingBucket, message
from tests.engines.servers.versitygw import S3Server
from tests.platform.conftest import Deployment, matrix_csv
from tests.platform.test_journey import (
    test_a_deleted_dataset_is_gone_everywhere,
    test_an_update_replaces_all_levels_at_once,
    test_an_upload_is_stored_checked_and_indexed,
)

__all__ = [
    "test_a_deleted_dataset_is_gone_everywhere",
    "test_an_update_replaces_all_levels_at_once",
    "test_an_upload_is_stored_checked_and_indexed",
]


@dataclass
class ToldDeployment(Deployment):
    """A deployment whose bucket tells a queue what happens in it."""

    bucket: NotifyingBucket
    queues: QueuePair
    prefix: str

    def put(self, key: str, content: bytes | str) -> None:
        super().put(key, content)
        self.queues.send(message(self.bucket.seen(f"{self.prefix}/{key}")))

    def remove(self, *keys: str) -> None:
        super().remove(*keys)
        self.queues.send(message(*(self.bucket.removed(f"{self.prefix}/{key}") for key in keys)))

    def last_listed(self) -> list[object]:
        with self.platform.ledger.reading() as connection:
            found = [last_listing(connection, name) for name in ("lab", "paired")]
        return [one and one.completed_at for one in found]


@pytest.fixture
def deployment(
    deployment: Deployment, sqs: SqsServer, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployment]:
    """The production deployment, told by events."""
    queues = sqs.make_queues()
    monkeypatch.setenv("BIOLAKE_EVENTS", queues.url)
    here = Platform(Settings.from_environment())
    parts = urlsplit(here.settings.landing)
    bucket = NotifyingBucket(s3.client(), parts.netloc)
    made = ToldDeployment(here, deployment.instance, bucket, queues, parts.path.strip("/"))
    for one in here.repositories:
        tick(one, here.bucket, here.lake_store, here.ledger, here.settings)
    listed = made.last_listed()
    yield made
    assert made.last_listed() == listed
    assert queues.counts() == (0, 0)
    here.close()


def test_the_files_of_a_dataset_may_be_told_in_any_order(deployment: Deployment) -> None:
    deployment.put("paired/D1.metadata.json", '{"title": "Made up"}')
    assert deployment.drive("paired") == []
    assert deployment.states("D1", "paired") == [JobState.PENDING_PAIR]
    deployment.put("paired/D1.csv", matrix_csv())
    jobs = deployment.drive("paired")
    assert [job.state for job in jobs][-1] == JobState.SUCCESS
    assert deployment.reconciled("paired").differences == ()
