"""From an upload to a bucket, through its queue, to jobs in the ledger: on a real queue and a real bucket."""

import logging
import time

import pytest

from biolake.ledger.models import Action, JobState
from tests.engines.events.conftest import Landing
from tests.engines.servers.s3_events import message, messages, test_event, through_event_bridge, through_sns
from tests.platform.conftest import matrix_csv


def test_an_upload_becomes_a_job_without_a_listing(landing: Landing) -> None:
    landing.queues.send(*messages(landing.bucket.put("landing/lab/D1.csv", matrix_csv())))
    told = landing.consume()
    assert (told.messages, told.events, told.keys, told.elsewhere) == (1, 1, 1, 0)
    assert landing.queues.counts() == (0, 0)
    assert landing.look().observation.arrived == 1
    (job,) = landing.jobs()
    assert (job.dataset_id, job.action, job.state) == ("D1", Action.UPLOAD, JobState.IN_QUEUE)
    # The listing that comes later has nothing to add.
    listed = landing.look(listing_minutes=0)
    assert (listed.observation.arrived, listed.observation.gone, len(landing.jobs())) == (0, 0, 1)


def test_every_kind_of_event_and_of_message(landing: Landing) -> None:
    bucket, queues = landing.bucket, landing.queues
    odd = "landing/lab/D+2 α ü%41.csv"
    queues.send(test_event(bucket.name))
    queues.send(
        message(bucket.put("landing/lab/D1.csv", matrix_csv()), bucket.post("landing/lab/D3.csv", matrix_csv()))
    )
    queues.send(message(bucket.put("landing/lab/D+2.csv", matrix_csv()), bucket.put(odd, matrix_csv())))
    queues.send(through_sns(message(bucket.copy("landing/lab/D1.csv", "landing/lab/D4.csv"))))
    bridged = "landing/lab/b+ü 1/D5.csv"
    queues.send(through_event_bridge(bucket.put(bridged, matrix_csv()), bridged))
    large = matrix_csv(features=300_000).encode()
    queues.send(message(bucket.upload_in_parts("landing/lab/D6.csv", large[: 5 * 1024**2], large[5 * 1024**2 :])))
    told = landing.consume()
    assert (told.messages, told.events, told.keys, told.malformed) == (6, 7, 7, 0)
    observation = landing.look().observation
    assert (observation.arrived, observation.left) == (7, 0)
    assert landing.datasets() == {"D1", "D3", "D4", "D5", "D6"}
    # What a listing would record is what the events recorded.
    assert landing.look(listing_minutes=0).observation.arrived == 0
    assert landing.queues.counts() == (0, 0)


def test_a_deletion_is_told_too(landing: Landing) -> None:
    landing.queues.send(*messages(landing.bucket.put("landing/lab/D1.csv", matrix_csv())))
    landing.consume()
    landing.look()
    landing.queues.send(*messages(landing.bucket.delete("landing/lab/D1.csv")))
    landing.consume()
    observation = landing.look().observation
    assert (observation.arrived, observation.gone) == (0, 1)
    assert [job.state for job in landing.jobs("D1")] == [JobState.CANCELLED]
    # The folder is empty, and events said so: no outage.
    assert landing.look(listing_minutes=0).observation.gone == 0


def test_an_object_that_may_still_change_waits_in_the_ledger(landing: Landing) -> None:
    landing.queues.send(*messages(landing.bucket.put("landing/lab/D1.csv", matrix_csv())))
    landing.consume()
    assert landing.queues.counts() == (0, 0)
    observation = landing.look(settle_seconds=3.0).observation
    assert (observation.arrived, observation.unsettled) == (0, 1)
    time.sleep(3)
    assert landing.look(settle_seconds=3.0).observation.arrived == 1


def test_what_is_not_understood_ends_as_a_dead_letter(landing: Landing, caplog: pytest.LogCaptureFixture) -> None:
    landing.queues.send("no JSON", *messages(landing.bucket.put("landing/lab/D1.csv", matrix_csv())))
    with caplog.at_level(logging.ERROR):
        for _ in range(4):
            landing.consume(hidden_seconds=1, wait_seconds=2)
            time.sleep(1.1)
    assert landing.queues.counts() == (0, 0)
    assert landing.queues.counts(landing.queues.dead_letters) == (1, 0)
    assert "not JSON" in caplog.text
    assert "dead-letter queue" in caplog.text
    landing.look()
    assert landing.datasets() == {"D1"}


def test_events_of_other_places_are_left_out(landing: Landing, s3) -> None:
    from tests.engines.servers.s3_events import NotifyingBucket

    s3.make_bucket(f"{landing.bucket.name}-other")
    other = NotifyingBucket(s3.client(), f"{landing.bucket.name}-other")
    landing.queues.send(
        message(other.put("landing/lab/D1.csv", matrix_csv())),
        message(landing.bucket.put("landing/nobody/D1.csv", matrix_csv())),
        message(landing.bucket.put("lake/lab/D1.csv", matrix_csv())),
    )
    told = landing.consume()
    assert (told.events, told.elsewhere, told.keys) == (3, 3, 0)
    assert landing.queues.counts() == (0, 0)
    assert landing.look().observation.arrived == 0
