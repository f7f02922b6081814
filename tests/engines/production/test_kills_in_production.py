"""Processes of a deployment on production engines are killed while datasets land: `just kills`.

S3 with events in SQS, the ledger and Dagster's storage in PostgreSQL, OpenSearch; runs are processes of this machine.
It takes a quarter of an hour, so it is no part of `just engines`. What it showed: docs/engines-in-tests.md.
"""

import os
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from biolake.ledger.models import JobState
from tests.engines.servers.elasticmq import SqsServer
from tests.engines.servers.postgres import PostgresServer
from tests.engines.servers.s3_events import NotifyingBucket, message
from tests.engines.servers.versitygw import S3Server
from tests.platform.kill_loop import REPOSITORIES, run

pytestmark = pytest.mark.kills

KILLS = int(os.environ.get("BIOLAKE_TEST_KILLS", "20"))
DATASETS = 15 * KILLS


@pytest.fixture
def tell(
    production: str, s3: S3Server, sqs: SqsServer, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], None]:
    """Tells the deployment's queue of an object, as S3 would."""
    queues = sqs.make_queues(most_receipts=10)
    monkeypatch.setenv("BIOLAKE_EVENTS", queues.url)
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", postgres.make_database())
    bucket = NotifyingBucket(s3.client(), urlsplit(production).netloc)

    def send(key: str) -> None:
        queues.send(message(bucket.seen(f"landing/{key}")))

    return send


def test_killed_processes_lose_nothing_and_repeat_nothing(tell: Callable[[str], None]) -> None:
    seed = random.randrange(10**6)
    random.seed(seed)
    with tempfile.TemporaryDirectory(prefix="biolake-kills-") as folder:
        result = run(
            Path(folder) / "home",
            kills=KILLS,
            datasets=DATASETS,
            pause=(0.0, 6.0),
            timeout=300 + 90 * KILLS,
            instance="dagster-production.yaml",
            tell=tell,
        )
    story = f"seed {seed}, {dict(result.kills)}, {result.seconds:.0f} s"
    sys.stderr.write(f"{story}; {[(one.datasets, one.documents) for one in result.reconciled]}\n")
    share = DATASETS // len(REPOSITORIES)
    assert result.states == {name: {JobState.SUCCESS: share} for name in REPOSITORIES}, story
    assert [one.differences for one in result.reconciled] == [()] * len(REPOSITORIES), story
    assert [(one.datasets, one.documents) for one in result.reconciled] == [(share, share)] * len(REPOSITORIES), story
    assert result.orphans == {}, story
    assert result.kills.total() == KILLS, story
