"""Tell a queue of datasets and runs that failed, once for each incident. The messages are in docs/notifications.md."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from biolake.arrivals.errors import RunsFailed
from biolake.events.queue import Queue
from biolake.ledger.incidents import failed_since, forget_incidents, record_told_incidents, untold
from biolake.ledger.ledger import Ledger
from biolake.ledger.models import Job

# What is older when the queue is set up is nobody's news.
NEWS = timedelta(days=1)
MOST_NAMED = 20
_LONGEST_TEXT = 2000


@dataclass(frozen=True)
class Incident:
    """Datasets of one lot that failed for one kind of reason, or one dataset that is in no lot.

    Attributes:
        id: Names the incident; the same whenever it is told.
        kind: `run_failed` where no run could do the lot, `dataset_errored` otherwise.
        code: Kind of error, as `MISSING_PAIR`.
        count: How many datasets.
        datasets: Some of them, at most :data:`MOST_NAMED`.
        text: What is wrong with the first, and what to do.
    """

    id: str
    kind: str
    repository: str
    lot: str | None
    code: str
    count: int
    datasets: tuple[str, ...]
    text: str
    created_at: datetime

    def to_json(self) -> str:
        """The message."""
        return json.dumps({**asdict(self), "created_at": self.created_at.isoformat()}, ensure_ascii=False)


def incidents_of(failed: Iterable[Job]) -> list[Incident]:
    """Put failed jobs that one message can tell of together."""
    together: dict[str, list[Job]] = {}
    for job in failed:
        code = _code(job)
        together.setdefault(f"{job.lot}/{code}" if job.lot is not None else f"{job.id}/{code}", []).append(job)
    return [_incident(name, jobs) for name, jobs in together.items()]


def tell_incidents(ledger: Ledger, queue: Queue, now: datetime) -> int:
    """Tell of the last day's failures that were not told yet, and return how many incidents.

    What was sent is recorded afterwards: after a crash in between it is sent again, with the same id.

    Raises:
        QueueUnavailable: The queue did not answer; what was not sent is sent next time.
    """
    with ledger.reading() as connection:
        found = {one.id: one for one in incidents_of(failed_since(connection, now - NEWS))}
        news = untold(connection, sorted(found))
    if news:
        queue.send([found[name].to_json() for name in sorted(news)])
        with ledger.writing() as connection:
            record_told_incidents(connection, news, now)
            forget_incidents(connection, now - 2 * NEWS)
    return len(news)


def _code(job: Job) -> str:
    return (job.reason or "UNKNOWN").partition(":")[0]


def _incident(name: str, jobs: list[Job]) -> Incident:
    first = jobs[0]
    code = _code(first)
    return Incident(
        id=name,
        kind="run_failed" if code == RunsFailed.code else "dataset_errored",
        repository=first.repository,
        lot=first.lot,
        code=code,
        count=len(jobs),
        datasets=tuple(job.dataset_id for job in jobs[:MOST_NAMED]),
        text=(first.reason or "")[:_LONGEST_TEXT],
        created_at=max(job.ended_at or job.updated_at for job in jobs),
    )
