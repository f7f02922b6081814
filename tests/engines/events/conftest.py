"""A landing bucket on a real S3 server with a real queue of its events; SQLite and LanceDB beside them."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from biolake.arrivals.consume import Consumption, consume
from biolake.arrivals.tick import Tick, due_tick
from biolake.events.queue import Queue
from biolake.ledger.jobs import find_jobs
from biolake.ledger.models import Job
from biolake.platform import Platform
from biolake.repositories.models import Repository
from biolake.settings import Settings
from tests.engines.servers.elasticmq import QueuePair, SqsServer
from tests.engines.servers.s3_events import NotifyingBucket
from tests.engines.servers.versitygw import S3Server

LAB = "name: lab\ntitle: Made-up matrices\n"


@dataclass
class Landing:
    """A bucket, its queue, and a deployment that follows both. Only what a test asks for happens."""

    settings: Settings
    platform: Platform
    bucket: NotifyingBucket
    queues: QueuePair
    again: Callable[[], Platform] = field(repr=False)

    @property
    def lab(self) -> Repository:
        return self.platform.repositories.get("lab")

    def consume(self, **options: float) -> Consumption:
        return consume(
            Queue(self.queues.url),
            self.settings.landing,
            self.platform.repositories,
            self.platform.ledger,
            **{"hidden_seconds": 30, "wait_seconds": 1, **options},  # type: ignore[arg-type]
        )

    def look(self, **settings: object) -> Tick:
        here = self.platform
        used = self.settings.model_copy(update=settings)
        return due_tick(self.lab, here.bucket, here.lake_store, here.ledger, used)

    def jobs(self, dataset_id: str | None = None) -> list[Job]:
        with self.platform.ledger.reading() as connection:
            return find_jobs(connection, "lab", dataset_ids=None if dataset_id is None else [dataset_id])

    def datasets(self) -> set[str]:
        return {job.dataset_id for job in self.jobs()}


@pytest.fixture
def landing(s3: S3Server, sqs: SqsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Landing]:
    """A fresh one; its folder was listed once, empty, so that events alone tell what comes."""
    with_variables = {**s3.environment, **sqs.environment}
    name = f"b{uuid.uuid4().hex[:12]}"
    s3.make_bucket(name)
    queues = sqs.make_queues()
    with_variables |= {
        "BIOLAKE_HOME": str(tmp_path / "home"),
        "BIOLAKE_LANDING": f"s3://{name}/landing",
        "BIOLAKE_EVENTS": queues.url,
        "BIOLAKE_SETTLE_SECONDS": "0",
        # Lots are cut by those who ask for them.
        "BIOLAKE_LOT_WAIT_SECONDS": "3600",
    }
    for variable, value in with_variables.items():
        monkeypatch.setenv(variable, value)
    settings = Settings.from_environment()
    folder = settings.home / "repositories"
    folder.mkdir(parents=True)
    (folder / "lab.yaml").write_text(LAB)
    opened: list[Platform] = []

    def again() -> Platform:
        opened.append(Platform(settings))
        return opened[-1]

    made = Landing(settings, again(), NotifyingBucket(s3.client(), name), queues, again)
    made.look()
    yield made
    for platform in opened:
        platform.close()
