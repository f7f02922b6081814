"""Jobs in the ledger: create, find, move from state to state."""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, bindparam, case, func, insert, select, update

from biolake.ledger.models import ENDED, PRIORITY_ORDER, Action, Job, JobState, Part, Priority
from biolake.ledger.tables import JOBS
from biolake.objects.models import ObjectVersion

# Spelled out, since a list of values cannot be bound where many rows are updated at once.
_UNFINISHED = and_(*(JOBS.c.state != state.value for state in sorted(ENDED)))


def source_version(parts: Iterable[Part]) -> str:
    """Hash the versions of a dataset's objects into one name for that state of the dataset."""
    digest = hashlib.sha256()
    for part in sorted(parts, key=lambda part: (part.role, part.version.key)):
        version = part.version
        line = "\t".join((part.role, version.key, version.etag, str(version.size), version.version or ""))
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()[:32]


def new_job_id(now: datetime) -> str:
    """A job id that sorts by time and repeats never."""
    return f"{now:%Y%m%dT%H%M%S%f}-{secrets.token_hex(5)}"


def add_jobs(connection: Connection, jobs: Sequence[Job]) -> None:
    """Record new jobs."""
    if jobs:
        connection.execute(insert(JOBS), [_row(job) for job in jobs])


def find_jobs(
    connection: Connection,
    repository: str | None = None,
    *,
    states: Iterable[JobState] | None = None,
    dataset_ids: Sequence[str] | None = None,
    lot: str | None = None,
    newest: int | None = None,
) -> list[Job]:
    """Return the jobs that meet every given condition, oldest first (`newest`: only that many of the newest)."""
    query = select(JOBS)
    if repository is not None:
        query = query.where(JOBS.c.repository == repository)
    if states is not None:
        query = query.where(JOBS.c.state.in_([state.value for state in states]))
    if lot is not None:
        query = query.where(JOBS.c.lot == lot)
    if dataset_ids is not None:
        jobs: list[Job] = []
        for start in range(0, len(dataset_ids), 500):
            chunk = query.where(JOBS.c.dataset_id.in_(dataset_ids[start : start + 500]))
            jobs += [_job(row) for row in connection.execute(chunk).mappings()]
        return sorted(jobs, key=lambda job: job.id)
    if newest is not None:
        rows = connection.execute(query.order_by(JOBS.c.id.desc()).limit(newest)).mappings().all()
        return [_job(row) for row in reversed(rows)]
    return [_job(row) for row in connection.execute(query.order_by(JOBS.c.id)).mappings()]


def get_jobs(connection: Connection, ids: Sequence[str]) -> list[Job]:
    """Return the jobs with these ids, oldest first."""
    jobs: list[Job] = []
    for start in range(0, len(ids), 500):
        rows = connection.execute(select(JOBS).where(JOBS.c.id.in_(ids[start : start + 500]))).mappings()
        jobs += [_job(row) for row in rows]
    return sorted(jobs, key=lambda job: job.id)


def queued_jobs(connection: Connection, repository: str, limit: int) -> list[Job]:
    """Return up to `limit` jobs that may be put into a lot now: by priority, then by age.

    A dataset that is in an unfinished lot is left out until that lot is done, so that its versions stay in order.
    """
    busy = select(JOBS.c.dataset_id).where(JOBS.c.repository == repository, JOBS.c.lot.is_not(None), _UNFINISHED)
    order = case(PRIORITY_ORDER, value=JOBS.c.priority, else_=len(PRIORITY_ORDER))
    query = (
        select(JOBS)
        .where(
            JOBS.c.repository == repository,
            JOBS.c.state == JobState.IN_QUEUE.value,
            JOBS.c.lot.is_(None),
            JOBS.c.dataset_id.not_in(busy),
        )
        .order_by(order, JOBS.c.id)
        .limit(limit)
    )
    return [_job(row) for row in connection.execute(query).mappings()]


def cancelled_in_lots(connection: Connection, repository: str, since: datetime) -> set[str]:
    """Return the datasets of which a job in a lot was cancelled at or after `since`."""
    query = select(JOBS.c.dataset_id).where(
        JOBS.c.repository == repository,
        JOBS.c.state == JobState.CANCELLED.value,
        JOBS.c.lot.is_not(None),
        JOBS.c.ended_at >= since,
    )
    return set(connection.execute(query).scalars())


def called_off_last(connection: Connection, repository: str, since: datetime) -> set[str]:
    """Return those of :func:`cancelled_in_lots` of which no later job tells."""
    later = JOBS.alias("later")
    answered = (
        select(later.c.id)
        .where(
            later.c.repository == JOBS.c.repository,
            later.c.dataset_id == JOBS.c.dataset_id,
            later.c.id > JOBS.c.id,
            # A refusal of another object with the same id is no answer.
            later.c.state != JobState.ERRORED.value,
        )
        .exists()
    )
    query = select(JOBS.c.dataset_id).where(
        JOBS.c.repository == repository,
        JOBS.c.state == JobState.CANCELLED.value,
        JOBS.c.lot.is_not(None),
        JOBS.c.ended_at >= since,
        ~answered,
    )
    return set(connection.execute(query).scalars())


def count_jobs(connection: Connection, repository: str | None = None) -> dict[JobState, int]:
    """Count jobs by state."""
    query = select(JOBS.c.state, func.count()).group_by(JOBS.c.state)
    if repository is not None:
        query = query.where(JOBS.c.repository == repository)
    return {JobState(state): int(count) for state, count in connection.execute(query)}


def start_jobs(connection: Connection, ids: Sequence[str], run_id: str, now: datetime) -> None:
    """Mark jobs as being worked on by a run."""
    for start in range(0, len(ids), 500):
        connection.execute(
            update(JOBS)
            .where(JOBS.c.id.in_(ids[start : start + 500]), _UNFINISHED)
            .values(
                state=JobState.RUNNING.value,
                run_id=run_id,
                attempts=JOBS.c.attempts + 1,
                started_at=func.coalesce(JOBS.c.started_at, now),
                updated_at=now,
            )
        )


def end_jobs(
    connection: Connection, endings: Sequence[tuple[str, JobState, str | None, str | None]], now: datetime
) -> None:
    """End jobs that have not ended: `(id, state, reason, sha256)` each."""
    if not endings:
        return
    statement = (
        update(JOBS)
        .where(JOBS.c.id == bindparam("job"), _UNFINISHED)
        .values(
            state=bindparam("new_state"),
            reason=bindparam("why"),
            sha256=func.coalesce(bindparam("hash"), JOBS.c.sha256),
            ended_at=now,
            updated_at=now,
        )
    )
    connection.execute(
        statement,
        [
            {"job": job, "new_state": state.value, "why": reason, "hash": sha256}
            for job, state, reason, sha256 in endings
        ],
    )


def move_jobs(connection: Connection, ids: Sequence[str], state: JobState, now: datetime, reason: str | None) -> None:
    """Put unfinished jobs into another unfinished state."""
    for start in range(0, len(ids), 500):
        connection.execute(
            update(JOBS)
            .where(JOBS.c.id.in_(ids[start : start + 500]), _UNFINISHED)
            .values(state=state.value, reason=reason, updated_at=now)
        )


def assign_lot(connection: Connection, ids: Sequence[str], lot: str, now: datetime) -> None:
    """Put queued jobs into a lot."""
    for start in range(0, len(ids), 500):
        connection.execute(update(JOBS).where(JOBS.c.id.in_(ids[start : start + 500])).values(lot=lot, updated_at=now))


def part_to_json(part: Part) -> dict[str, Any]:
    """A part as the ledger and a lot's manifest keep it."""
    version = part.version
    return {
        "role": part.role,
        "key": version.key,
        "etag": version.etag,
        "size": version.size,
        "modified": version.modified.isoformat(),
        "version": version.version,
    }


def part_from_json(value: dict[str, Any]) -> Part:
    """The inverse of :func:`part_to_json`."""
    version = ObjectVersion(
        key=value["key"],
        etag=value["etag"],
        size=value["size"],
        modified=datetime.fromisoformat(value["modified"]),
        version=value["version"],
    )
    return Part(value["role"], version)


def _row(job: Job) -> dict[str, Any]:
    return {
        **{name: getattr(job, name) for name in (column.name for column in JOBS.c) if name != "parts"},
        "action": job.action.value,
        "state": job.state.value,
        "priority": job.priority.value,
        "parts": [part_to_json(part) for part in job.parts],
    }


def _job(row: RowMapping) -> Job:
    values: dict[str, Any] = dict(row)
    values["action"] = Action(values["action"])
    values["state"] = JobState(values["state"])
    values["priority"] = Priority(values["priority"])
    values["parts"] = tuple(part_from_json(part) for part in values["parts"])
    return Job(**values)
