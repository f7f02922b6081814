"""Delta tables on S3: many processes commit at once, S3 has a bad day, and every row is there once."""

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Mapping

import pyarrow as pa
import pytest

from biolake.errors import BiolakeError
from biolake.lake.commit import LotWriter
from biolake.lake.lake import Lake
from tests.engines.s3.faulty import ANSWER_LOST, BUSY, FAILED_AFTERWARDS, faulty_beside, storm
from tests.engines.servers.versitygw import S3Server
from tests.lake.conftest import lot_rows

PROCESSES = 8
LOTS = 2
DATASETS = 3
ROWS = {"datasets": 1, "samples": 2, "features": 3, "matrix": 3}


@pytest.fixture
def url(bucket: str) -> str:
    """Where the lake is."""
    return f"s3://{bucket}/lake"


def write_lots(url: str, options: Mapping[str, str], writer: int) -> None:
    """Write lots, each again until it succeeds, as runs are; two processes share each of the first lots."""
    lake = Lake(url, options)
    for number in range(LOTS):
        lot = f"lot{writer % (PROCESSES - 2)}-{number}"
        rows = lot_rows(lot, [f"{lot}-d{place}" for place in range(DATASETS)])
        for attempt in range(10):
            try:
                LotWriter(lake, "lab", lot).commit(rows)
                break
            except BiolakeError as error:
                if not error.transient or attempt == 9:
                    raise
                time.sleep(0.2)
    # deltalake's threads sometimes abort a process that ends by itself after everything is done.
    os._exit(0)


def written_at_once(url: str, options: Mapping[str, str]) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_lots, args=(url, dict(options), number)) for number in range(PROCESSES)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * PROCESSES


def check_that_everything_is_there_once(lake: Lake) -> None:
    lots = [f"lot{writer}-{number}" for writer in range(PROCESSES - 2) for number in range(LOTS)]
    for table, rows in ROWS.items():
        expected = {(f"{lot}-d{place}", lot): rows for lot in lots for place in range(DATASETS)}
        opened = lake.open("lab", table)
        found = opened.to_pyarrow_table(columns=["dataset_id", "lot"]).to_pylist()
        assert Counter((row["dataset_id"], row["lot"]) for row in found) == expected
        feed = pa.table(opened.load_cdf().read_all()).select(["dataset_id", "lot", "_change_type"]).to_pylist()
        assert {row["_change_type"] for row in feed} == {"insert"}
        assert Counter((row["dataset_id"], row["lot"]) for row in feed) == expected


def test_eight_processes_that_commit_at_once_lose_and_repeat_nothing(s3: S3Server, url: str) -> None:
    written_at_once(url, s3.environment)
    check_that_everything_is_there_once(Lake(url))


def test_nothing_is_lost_nor_repeated_while_s3_refuses_and_loses_answers(s3: S3Server, url: str) -> None:
    with faulty_beside(s3.port, storm) as faults:
        written_at_once(url, {**s3.environment, "AWS_ENDPOINT_URL": faults.url})
    assert all(faults.spoilt[fault] > 3 for fault in (BUSY, ANSWER_LOST, FAILED_AFTERWARDS))
    check_that_everything_is_there_once(Lake(url))
