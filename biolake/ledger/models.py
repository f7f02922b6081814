"""What the ledger records, as values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from biolake.objects.models import ObjectVersion
from biolake.repositories.identity import Role


class JobState(StrEnum):
    """Where a job stands. A job ends in one of :data:`ENDED`."""

    PENDING_PAIR = "PENDING_PAIR"
    IN_QUEUE = "IN_QUEUE"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    NO_CHANGE = "NO_CHANGE"
    ERRORED = "ERRORED"
    CANCELLED = "CANCELLED"


ENDED = frozenset({JobState.SUCCESS, JobState.NO_CHANGE, JobState.ERRORED, JobState.CANCELLED})


class Action(StrEnum):
    """What a job does to its dataset."""

    UPLOAD = "upload"
    UPDATE = "update"
    DELETE = "delete"
    REPROCESS = "reprocess"


class Priority(StrEnum):
    """Which jobs go first."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


PRIORITY_ORDER: dict[str, int] = {Priority.HIGH: 0, Priority.MEDIUM: 1, Priority.LOW: 2}


@dataclass(frozen=True)
class Part:
    """One object of a dataset in the version that a job is about."""

    role: Role
    version: ObjectVersion


def data_key(parts: Sequence[Part]) -> str:
    """Key of the data object, or of the matrix for a matrix-market folder."""
    for part in parts:
        if part.role in {"data", "matrix"}:
            return part.version.key
    return parts[0].version.key if parts else ""


@dataclass(frozen=True)
class Job:
    """One thing to be done, or done, to one dataset.

    Attributes:
        id: Sorts by time of creation.
        parts: The object versions to read; for a delete, the data object that is gone.
        source_version: Hash over the parts' versions.
        reason: `CODE: message` of an error, or what a pending job waits for.
        size: Bytes of all parts.
        sha256: Hash of the content, once read.
    """

    id: str
    repository: str
    dataset_id: str
    action: Action
    state: JobState
    parts: tuple[Part, ...]
    source_version: str
    priority: Priority
    size: int
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    lot: str | None = None
    run_id: str | None = None
    attempts: int = 0
    sha256: str | None = None
    reason: str | None = None

    @property
    def data_key(self) -> str:
        """Key of the data object, or of the matrix for a matrix-market folder."""
        return data_key(self.parts)


class LotState(StrEnum):
    """Where a lot stands. What was unfinished in a divided lot is in the lots that it was divided into."""

    OPEN = "OPEN"
    DONE = "DONE"
    DIVIDED = "DIVIDED"


@dataclass(frozen=True)
class Lot:
    """An immutable manifest of jobs that are processed together: one partition, one run.

    Attributes:
        key: The partition key.
        sha256: Hash of the manifest.
        attempt: How many runs were requested for it.
        run_id: The newest run that worked on it.
        heartbeat_at: When that run last said it is alive.
        divided_from: The lot that held its jobs before, where runs of that one kept dying.
    """

    key: str
    repository: str
    manifest_uri: str
    sha256: str
    n_jobs: int
    size: int
    state: LotState
    created_at: datetime
    attempt: int = 1
    run_id: str | None = None
    heartbeat_at: datetime | None = None
    divided_from: str | None = None


@dataclass(frozen=True)
class CurrentDataset:
    """The version of a dataset that the lake shows.

    Attributes:
        data_key: Key of the data object it was read from.
    """

    repository: str
    dataset_id: str
    data_key: str
    source_version: str
    sha256: str
    lot: str
    updated_at: datetime
