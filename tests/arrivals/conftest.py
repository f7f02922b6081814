"""A bucket in memory whose objects change exactly when a test says so, and a ledger to record them in."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from biolake.arrivals.tick import Tick, due_tick, tick
from biolake.ledger.jobs import find_jobs
from biolake.ledger.ledger import Ledger
from biolake.ledger.models import Job, JobState
from biolake.objects.errors import ObjectNotFound, StoreUnavailable
from biolake.objects.models import ObjectVersion
from biolake.repositories.models import Repository
from biolake.settings import Settings

START = datetime(2026, 1, 1, tzinfo=UTC)


class Bucket:
    """As much of an object store as arrivals use: it lists objects and keeps manifests."""

    url = "memory://"

    def __init__(self) -> None:
        self.objects: dict[str, ObjectVersion] = {}
        self.manifests: dict[str, bytes] = {}
        self.while_listing: Callable[[], None] | None = None
        self.while_looking: Callable[[], None] | None = None
        self.lost = False

    def list(self, prefix: str) -> Iterator[ObjectVersion]:
        seen = [version for key, version in self.objects.items() if key.startswith(f"{prefix}/")]
        happening, self.while_listing = self.while_listing, None
        if happening is not None:
            happening()
        yield from seen

    def head(self, key: str) -> ObjectVersion:
        seen = self.objects.get(key)
        happening, self.while_looking = self.while_looking, None
        if happening is not None:
            happening()
        if seen is None:
            raise ObjectNotFound(key)
        return seen

    def check_reachable(self) -> None:
        if self.lost:
            raise StoreUnavailable("no bucket")

    def put(self, key: str, data: bytes) -> None:
        self.manifests[key] = data

    def get(self, key: str) -> bytes:
        return self.manifests[key]

    def uri(self, key: str) -> str:
        return f"{self.url}{key}"


@dataclass
class Scene:
    """One repository, its bucket, its ledger and a clock that only moves when told."""

    repository: Repository
    settings: Settings
    ledger: Ledger
    bucket: Any = field(default_factory=Bucket)
    now: datetime = START
    puts: int = 0

    def pass_time(self, seconds: float = 1.0) -> None:
        self.now += timedelta(seconds=seconds)

    def put(self, name: str, content: str | None = None, size: int = 10) -> None:
        """Upload; the etag is the content's, or new each time where no content is given."""
        self.puts += 1
        key = f"{self.repository.folder}/{name}"
        etag = content if content is not None else f"put-{self.puts}"
        self.bucket.objects[key] = ObjectVersion(key, etag, size, self.now)

    def remove(self, name: str) -> None:
        self.bucket.objects.pop(f"{self.repository.folder}/{name}", None)

    def tick(self, **settings: Any) -> Tick:
        """Look, by listing; with `events` set, as events tell."""
        used = self.settings.model_copy(update=settings)
        self.pass_time(0.001)

        def clock() -> datetime:
            # Time passes between the listing and its record.
            self.pass_time(0.001)
            return self.now

        look = due_tick if used.events else tick
        return look(self.repository, self.bucket, self.bucket, self.ledger, used, clock=clock)

    def jobs(self, dataset_id: str | None = None) -> list[Job]:
        with self.ledger.reading() as connection:
            ids = None if dataset_id is None else [dataset_id]
            return find_jobs(connection, self.repository.name, dataset_ids=ids)

    def states(self, dataset_id: str) -> list[JobState]:
        return [job.state for job in self.jobs(dataset_id)]


def make_scene(folder: Path, database: str | None = None, **document: Any) -> Scene:
    settings = Settings.from_environment({}, home=folder).model_copy(update={"settle_seconds": 2.0, "active_lots": 2})
    repository = Repository.model_validate({"name": "lab", "title": "Made up", **document})
    ledger = Ledger(database or f"sqlite:///{folder / 'ledger.db'}")
    if database is None:

        @event.listens_for(ledger.engine, "checkout")
        def _not_durable(connection: Any, *_: object) -> None:
            connection.execute("PRAGMA synchronous=OFF")

    return Scene(repository, settings, ledger)


@pytest.fixture
def database() -> str | None:
    """Where the ledger is; None for a file that no power cut threatens."""
    return None


@pytest.fixture
def new_scene(tmp_path: Path, database: str | None) -> Iterator[Callable[..., Scene]]:
    """Makes the test's scene; takes keys of the repository's document."""
    made: list[Scene] = []

    def make(**document: Any) -> Scene:
        made.append(make_scene(tmp_path, database, **document))
        return made[-1]

    yield make
    for scene in made:
        scene.ledger.close()


@pytest.fixture
def scene(new_scene: Callable[..., Scene]) -> Scene:
    """A repository like any other."""
    return new_scene()
