"""Messages twice, late, in every order or never; consumers, queues, buckets and ledgers that die: nothing is lost."""

import itertools
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from biolake.arrivals.tick import due_tick
from biolake.events.errors import QueueUnavailable
from biolake.events.queue import Queue
from biolake.ledger.errors import LedgerUnavailable
from biolake.ledger.events import waiting_keys
from biolake.ledger.models import Action, JobState
from biolake.objects.errors import StoreUnavailable
from biolake.objects.models import ObjectVersion
from biolake.objects.store import ObjectStore
from tests.engines.events.conftest import Landing
from tests.engines.servers.elasticmq import SqsServer
from tests.engines.servers.process import free_port
from tests.engines.servers.s3_events import message, messages
from tests.platform.conftest import matrix_csv

DIES_BEFORE_IT_DELETES = """
import os, signal
from biolake.arrivals.consume import consume
from biolake.events.queue import Queue
from biolake.platform import Platform
from biolake.settings import Settings

Queue.delete = lambda self, receipts: os.kill(os.getpid(), signal.SIGKILL)
here = Platform(Settings.from_environment())
consume(Queue(here.settings.events), here.settings.landing, here.repositories, here.ledger, hidden_seconds=2)
"""


def waiting(landing: Landing) -> set[str]:
    with landing.platform.ledger.reading() as connection:
        return {one.key for one in waiting_keys(connection, "lab")}


def test_a_consumer_that_is_killed_before_it_deletes(landing: Landing) -> None:
    landing.queues.send(*messages(*(landing.bucket.put(f"landing/lab/D{n}.csv", matrix_csv()) for n in range(3))))
    died = subprocess.run([sys.executable, "-c", DIES_BEFORE_IT_DELETES], check=False)
    assert died.returncode == -9
    assert waiting(landing) == {f"lab/D{n}.csv" for n in range(3)}
    landing.look()
    time.sleep(2)
    told = landing.consume(wait_seconds=5)
    assert (told.messages, told.keys) == (3, 0)
    assert landing.queues.counts() == (0, 0)
    assert landing.look().observation.arrived == 0
    assert sorted(job.dataset_id for job in landing.jobs()) == ["D0", "D1", "D2"]


def test_events_of_one_key_in_every_order(landing: Landing) -> None:
    wanted = {}
    by_turn: list[list[str]] = [[], [], [], []]
    for number, order in enumerate(itertools.permutations(range(4))):
        key = f"landing/lab/D{number}.csv"
        put, delete = landing.bucket.put, landing.bucket.delete
        records = [put(key, matrix_csv(1)), put(key, matrix_csv(2)), delete(key), put(key, matrix_csv(3))]
        wanted[f"D{number}"] = records[-1]["s3"]["object"]["eTag"]
        for turn, which in enumerate(order):
            by_turn[turn].append(message(records[which]))
    for bodies in by_turn:
        landing.queues.send(*bodies)
        landing.consume()
        landing.look()
    jobs = landing.jobs()
    assert {job.dataset_id: job.parts[0].version.etag for job in jobs} == wanted
    assert {(job.action, job.state) for job in jobs} == {(Action.UPLOAD, JobState.IN_QUEUE)}
    assert len(jobs) == len(wanted)
    assert landing.look(listing_minutes=0).observation.arrived == 0


def test_events_that_never_come_are_found_by_the_listing(landing: Landing) -> None:
    landing.queues.send(*messages(landing.bucket.put("landing/lab/D1.csv", matrix_csv())))
    landing.consume()
    landing.look()
    landing.bucket.put("landing/lab/D2.csv", matrix_csv())
    landing.bucket.delete("landing/lab/D1.csv")
    landing.consume()
    assert landing.look().observation.arrived == 0
    assert landing.datasets() == {"D1"}
    observation = landing.look(listing_minutes=0).observation
    assert (observation.arrived, observation.gone) == (1, 1)
    assert {job.dataset_id: job.state for job in landing.jobs()} == {"D1": JobState.CANCELLED, "D2": JobState.IN_QUEUE}


def test_a_queue_that_is_down(landing: Landing, tmp_path: Path) -> None:
    server = SqsServer(tmp_path)
    server.start()
    try:
        landing.queues = server.make_queues()
        landing.queues.send(*messages(landing.bucket.put("landing/lab/D1.csv", matrix_csv())))
        # ElasticMQ writes what it keeps a while later: a kill would lose what Amazon's queue does not.
        server.stop()
        with pytest.raises(QueueUnavailable, match="messages stay in the queue"):
            landing.consume()
        server.start()
        assert landing.consume().keys == 1
    finally:
        server.stop()


def test_a_queue_that_does_not_exist(landing: Landing) -> None:
    with pytest.raises(QueueUnavailable, match="See that the queue exists"):
        Queue(f"{landing.queues.url}-not").receive(hidden_seconds=5)


def test_nothing_is_received_while_the_ledger_is_away(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    landing.queues.send(*messages(landing.bucket.put("landing/lab/D1.csv", matrix_csv())))

    @contextmanager
    def away() -> Any:
        raise LedgerUnavailable("away")
        yield

    with monkeypatch.context() as patched:
        patched.setattr(landing.platform.ledger, "reading", away)
        for _ in range(5):
            with pytest.raises(LedgerUnavailable):
                landing.consume()
    assert landing.queues.counts() == (1, 0)
    assert landing.consume().keys == 1


def test_a_bucket_that_is_down_or_missing_deletes_nothing(landing: Landing, s3) -> None:
    landing.queues.send(*messages(landing.bucket.put("landing/lab/D1.csv", matrix_csv())))
    landing.consume()
    landing.look()
    landing.queues.send(*messages(landing.bucket.put("landing/lab/D1.csv", matrix_csv(2))))
    landing.consume()
    here = landing.platform
    down = ObjectStore(landing.settings.landing, {"endpoint": f"http://127.0.0.1:{free_port()}"})
    missing = ObjectStore(f"s3://{landing.bucket.name}-gone/landing")
    for bucket in (missing, down):
        with pytest.raises(StoreUnavailable):
            due_tick(landing.lab, bucket, here.lake_store, here.ledger, landing.settings)
        assert waiting(landing) == {"lab/D1.csv"}
    assert [job.state for job in landing.jobs()] == [JobState.IN_QUEUE]
    assert landing.look().observation.arrived == 1
    assert [job.state for job in landing.jobs()] == [JobState.CANCELLED, JobState.IN_QUEUE]


def test_an_object_that_may_not_be_looked_at_holds_up_no_other(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = ObjectStore.head

    def refused(store: ObjectStore, key: str) -> ObjectVersion:
        if key == "lab/D1.csv":
            raise StoreUnavailable("400 Bad Request, as S3 answers where the object has its owner's own key")
        return look(store, key)

    monkeypatch.setattr(ObjectStore, "head", refused)
    landing.queues.send(*messages(*(landing.bucket.put(f"landing/lab/D{n}.csv", matrix_csv()) for n in range(3))))
    # A name that is too long for the server: it answers 400, and tells of nothing when listing.
    long = landing.bucket.put("landing/lab/D3.csv", matrix_csv())
    long["s3"]["object"]["key"] = "landing/lab/" + "x" * 900 + ".csv"
    landing.queues.send(message(long))
    landing.consume()
    landing.look()
    assert landing.datasets() == {"D0", "D1", "D2"}
    assert waiting(landing) == set()


def test_messages_stay_hidden_for_as_long_as_they_are_worked_on(landing: Landing) -> None:
    landing.queues.send(*messages(landing.bucket.put("landing/lab/D1.csv", matrix_csv())))
    held, give_back = threading.Event(), threading.Event()

    def hold_the_ledger() -> None:
        with landing.platform.ledger.writing():
            held.set()
            give_back.wait(30)

    with ThreadPoolExecutor(2) as threads:
        threads.submit(hold_the_ledger)
        held.wait(30)
        consumer = threads.submit(landing.consume, hidden_seconds=2)
        try:
            time.sleep(7)
            assert landing.queues.counts() == (0, 1)
            assert Queue(landing.queues.url).receive(hidden_seconds=1) == []
        finally:
            give_back.set()
        assert consumer.result(30).keys == 1
    assert landing.queues.counts() == (0, 0)


def test_a_thousand_events_two_consumers_and_a_third_of_them_twice(landing: Landing) -> None:
    def put(number: int) -> Any:
        return landing.bucket.put(f"landing/lab/D{number:04d}.csv", matrix_csv(number, features=1))

    with ThreadPoolExecutor(8) as threads:
        records = list(threads.map(put, range(1000)))
    bodies = [message(*records[start : start + 4]) for start in range(0, 1000, 4)]
    bodies += list(messages(*records[::3]))
    landing.queues.send(*bodies)
    other = landing.again()
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(landing.consume)
        landing.platform = other
        second = threads.submit(landing.consume)
        told = [first.result(120), second.result(120)]
    assert sum(one.messages for one in told) == len(bodies)
    assert sum(one.keys for one in told) == 1000
    assert landing.look().observation.arrived == 1000
    assert len(landing.jobs()) == 1000
    assert len(landing.datasets()) == 1000
    assert landing.look(listing_minutes=0).observation.arrived == 0
    assert landing.queues.counts() == (0, 0)
    assert landing.queues.counts(landing.queues.dead_letters) == (0, 0)
