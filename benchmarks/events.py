"""Events: from a queue to jobs in the ledger, against plain boto3 on the same queue.

    python -m benchmarks.events [--events 2000]

Starts the servers of the tests (ElasticMQ, versitygw) beside itself: they share the machine with what is measured.
Objects are uploaded first, each with a message of one record. The baseline does with boto3 alone what a consumer has to
do: one thread that receives ten at a time up to as many as the platform notes at once, reads which keys they name,
deletes them ten at a time, and waits as long for the last. It forgets the keys. After a round that only warms the
servers, each round has new objects, the two take turns in going first, and the median is told. Ledger in SQLite.
"""

import argparse
import json
import logging
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from benchmarks.machine import header, table
from biolake.arrivals.consume import _IN_A_TRANSACTION, consume
from biolake.arrivals.tick import due_tick
from biolake.events.queue import Queue
from biolake.platform import opened
from biolake.settings import Settings
from tests.engines.servers.elasticmq import QueuePair, SqsServer
from tests.engines.servers.s3_events import NotifyingBucket, messages
from tests.engines.servers.versitygw import S3Server

ROUNDS = 3
BARE = "plain boto3: received, read, deleted (baseline)"
NOTED = "events noted in the ledger"
LOOKED = "objects looked at, and their jobs recorded"
AGAIN = "the same events again, dropped"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=2000)
    number = parser.parse_args().events
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "s3").mkdir()
        (folder / "sqs").mkdir()
        s3, sqs = S3Server(folder / "s3"), SqsServer(folder / "sqs")
        s3.start()
        sqs.start()
        try:
            print(header("Events"))
            print(table(("what", "number", "seconds", "per second"), measured(s3, sqs, folder, number)))
        finally:
            s3.stop()
            sqs.stop()


def measured(s3: S3Server, sqs: SqsServer, folder: Path, number: int) -> list[tuple[str, int, str, str]]:
    bucket = NotifyingBucket(s3.client(), f"b{uuid.uuid4().hex[:12]}")
    s3.make_bucket(bucket.name)
    queues, bare = sqs.make_queues(), sqs.make_queues()
    os.environ |= {**s3.environment, **sqs.environment}
    (folder / "home" / "repositories").mkdir(parents=True)
    (folder / "home" / "repositories" / "lab.yaml").write_text("name: lab\ntitle: Made up\n")
    settings = Settings.from_environment(
        {
            "BIOLAKE_LANDING": f"s3://{bucket.name}/landing",
            "BIOLAKE_EVENTS": queues.url,
            "BIOLAKE_SETTLE_SECONDS": "0",
            "BIOLAKE_LOT_WAIT_SECONDS": "3600",
        },
        home=folder / "home",
    )
    with opened(settings) as here:
        (lab,) = here.repositories

        def look() -> int:
            told = due_tick(lab, here.bucket, here.lake_store, here.ledger, settings)
            assert told.observation.left == 0
            return told.observation.arrived

        def take(events: int) -> int:
            told = consume(
                Queue(queues.url), settings.landing, [lab], here.ledger, hidden_seconds=60, wait_seconds=0, seconds=600
            )
            assert told.events == events
            return told.keys

        def round_of(some: int, name: str, *, ours_first: bool) -> dict[str, float]:
            with ThreadPoolExecutor(8) as threads:
                records = list(
                    threads.map(
                        lambda n: bucket.put(f"landing/lab/{name}D{n:06d}.csv", f"gene,s\ng,{n}\n"), range(some)
                    )
                )
            bodies = list(messages(*records))
            bare.send(*bodies)
            queues.send(*bodies)
            turns: list[tuple[str, Callable[[], int]]] = [(BARE, lambda: _received(bare)), (NOTED, lambda: take(some))]
            spent = {what: _timed(some, work) for what, work in (reversed(turns) if ours_first else turns)}
            spent[LOOKED] = _timed(some, look)
            queues.send(*bodies)
            spent[AGAIN] = _timed(0, lambda: take(some))
            return spent

        look()
        round_of(max(10, number // 4), "W", ours_first=False)
        rounds = [round_of(number, f"R{n}", ours_first=n % 2 == 0) for n in range(ROUNDS)]
    medians = {what: statistics.median(one[what] for one in rounds) for what in (BARE, NOTED, LOOKED, AGAIN)}
    return [(what, number, f"{seconds:.2f}", f"{number / seconds:,.0f}") for what, seconds in medians.items()]


def _received(queues: QueuePair) -> int:
    """Read and delete all that is in the queue; return how many keys were named."""
    keys: set[str] = set()
    while True:
        received: list[Any] = []
        while len(received) < _IN_A_TRANSACTION:
            some = queues.client.receive_message(
                QueueUrl=queues.url,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=0 if received or not keys else 1,
                VisibilityTimeout=60,
                AttributeNames=["ApproximateReceiveCount"],
            ).get("Messages", [])
            received += some
            if not some:
                break
        if not received:
            return len(keys)
        for one in received:
            keys |= {unquote_plus(record["s3"]["object"]["key"]) for record in json.loads(one["Body"])["Records"]}
        for start in range(0, len(received), 10):
            entries = [
                {"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]}
                for n, one in enumerate(received[start : start + 10])
            ]
            queues.client.delete_message_batch(QueueUrl=queues.url, Entries=entries)


def _timed(wanted: int, work: Callable[[], int]) -> float:
    begun = time.perf_counter()
    done = work()
    seconds = time.perf_counter() - begun
    assert done == wanted, f"{done} of {wanted}"
    return seconds


if __name__ == "__main__":
    main()
