"""Events: from a queue to jobs in the ledger, against the bare client of the same queue.

    python -m benchmarks.events [--events 2000]

Starts the servers of the tests (ElasticMQ, versitygw) beside itself: they share the machine with what is measured.
Objects are uploaded first, each with a message of one record. The bare client receives ten at a time and deletes
them, and does nothing else. Ledger in SQLite.
"""

import argparse
import logging
import os
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.machine import header, table
from biolake.arrivals.consume import consume
from biolake.arrivals.tick import due_tick
from biolake.events.queue import Queue
from biolake.platform import opened
from biolake.settings import Settings
from tests.engines.servers.elasticmq import QueuePair, SqsServer
from tests.engines.servers.s3_events import NotifyingBucket, messages
from tests.engines.servers.versitygw import S3Server


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

        def take() -> int:
            told = consume(
                Queue(queues.url), settings.landing, [lab], here.ledger, hidden_seconds=60, wait_seconds=0, seconds=600
            )
            assert told.events == number
            return told.keys

        look()
        with ThreadPoolExecutor(8) as threads:
            records = list(
                threads.map(lambda n: bucket.put(f"landing/lab/D{n:06d}.csv", f"gene,s\ng,{n}\n"), range(number))
            )
        bodies = list(messages(*records))
        rows = []
        bare.send(*bodies)
        rows.append(_row("bare client: received and deleted", number, *_timed(lambda: _drain(bare))))
        queues.send(*bodies)
        rows.append(_row("events noted in the ledger", number, *_timed(take)))
        rows.append(_row("objects looked at, and their jobs recorded", number, *_timed(look)))
        queues.send(*bodies)
        rows.append(_row("the same events again, dropped", 0, *_timed(take), of=number))
    return rows


def _drain(queues: QueuePair) -> int:
    done = 0
    while some := queues.client.receive_message(QueueUrl=queues.url, MaxNumberOfMessages=10).get("Messages"):
        entries = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(some)]
        queues.client.delete_message_batch(QueueUrl=queues.url, Entries=entries)
        done += len(some)
    return done


def _timed(work: Any) -> tuple[int, float]:
    begun = time.perf_counter()
    done = work()
    return done, time.perf_counter() - begun


def _row(what: str, wanted: int, done: int, seconds: float, of: int | None = None) -> tuple[str, int, str, str]:
    assert done == wanted, f"{what}: {done} of {wanted}"
    number = of or done
    return what, number, f"{seconds:.2f}", f"{number / seconds:,.0f}"


if __name__ == "__main__":
    main()
