"""Decide what a dataset's objects call for: a job in the queue, a wait for missing files, a refusal, or nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from biolake.arrivals.errors import DatasetIdTaken, MissingPair
from biolake.errors import BiolakeError
from biolake.ledger.current import current_datasets
from biolake.ledger.jobs import add_jobs, end_jobs, find_jobs, new_job_id, source_version
from biolake.ledger.models import ENDED, Action, CurrentDataset, Job, JobState, Part, Priority
from biolake.ledger.objects import live_parts
from biolake.repositories.identity import MATRIX_MARKET_ROLES
from biolake.repositories.models import Repository


@dataclass(frozen=True)
class _Candidate:
    """Objects that could be one dataset: a data file, or the files of one matrix-market folder."""

    key: str
    parts: tuple[Part, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        roles = {part.role for part in self.parts}
        return () if "data" in roles else tuple(role for role in MATRIX_MARKET_ROLES if role not in roles)


@dataclass(frozen=True)
class _Situation:
    """All that is known of one dataset when its job is decided."""

    dataset_id: str
    candidates: tuple[_Candidate, ...]
    companions: tuple[Part, ...]
    current: CurrentDataset | None
    history: tuple[Job, ...]

    @property
    def unfinished(self) -> tuple[Job, ...]:
        return tuple(job for job in self.history if job.state not in ENDED)

    @property
    def in_work(self) -> Job | None:
        """The job that is in a lot, whose end is not known yet."""
        return next((job for job in self.unfinished if job.lot is not None), None)

    @property
    def will_be_shown(self) -> bool:
        """Whether the lake shows the dataset, or will once the job in work has ended."""
        if self.in_work is not None:
            return self.in_work.action != Action.DELETE
        return self.current is not None


def describe(error: BiolakeError) -> str:
    """An error as a job's reason."""
    return f"{error.code}: {error}"


def admit(connection: Connection, repository: Repository, dataset_ids: Iterable[str], now: datetime) -> list[Job]:
    """Record the jobs that the present objects of these datasets call for, and return them.

    Calling it again with nothing changed adds nothing.
    """
    ids = sorted(dataset_ids)
    parts = live_parts(connection, repository.name, ids)
    current = current_datasets(connection, repository.name, ids)
    history: dict[str, list[Job]] = {dataset_id: [] for dataset_id in ids}
    for job in find_jobs(connection, repository.name, dataset_ids=ids):
        history[job.dataset_id].append(job)
    added: list[Job] = []
    replaced: list[tuple[str, JobState, str | None, str | None]] = []
    for dataset_id in ids:
        situation = _situation(dataset_id, parts[dataset_id], current.get(dataset_id), history[dataset_id])
        jobs, outdated = _decide(repository, situation, now)
        added += jobs
        replaced += [
            (job.id, JobState.CANCELLED, "replaced by a newer version of the dataset", None) for job in outdated
        ]
    end_jobs(connection, replaced, now)
    add_jobs(connection, added)
    return added


def parts_of_owner(
    dataset_id: str, live: Sequence[Part], current: CurrentDataset | None, history: Sequence[Job]
) -> tuple[Part, ...]:
    """Of a dataset's live objects, the ones that it is read from: those of the owner of its id, and its companions.

    Args:
        dataset_id: Whose objects.
        live: All objects with that id.
        current: What the lake shows of it.
        history: All of its jobs.
    """
    situation = _situation(dataset_id, live, current, history)
    owner = _owner(situation)
    return (*(owner.parts if owner else ()), *_newest_of_each_role(situation.companions))


def expire_waits(connection: Connection, repository: Repository, now: datetime, patience: timedelta) -> list[Job]:
    """End the jobs that waited too long for the other files of their dataset."""
    waiting = find_jobs(connection, repository.name, states=[JobState.PENDING_PAIR])
    expired = [job for job in waiting if now - job.created_at > patience]
    end_jobs(
        connection,
        [
            (
                job.id,
                JobState.ERRORED,
                describe(
                    MissingPair(
                        f"{job.dataset_id}: {job.reason}, for more than {patience}. Upload what is missing; the "
                        "rest need not be uploaded again."
                    )
                ),
                None,
            )
            for job in expired
        ],
        now,
    )
    return expired


def _situation(
    dataset_id: str, live: Sequence[Part], current: CurrentDataset | None, history: Sequence[Job]
) -> _Situation:
    companions = tuple(part for part in live if part.role in {"samples", "metadata"})
    return _Situation(dataset_id, _candidates(live), companions, current, tuple(history))


def _candidates(parts: Iterable[Part]) -> tuple[_Candidate, ...]:
    folders: dict[str, list[Part]] = {}
    single: list[_Candidate] = []
    for part in parts:
        if part.role == "data":
            single.append(_Candidate(part.version.key, (part,)))
        elif part.role in MATRIX_MARKET_ROLES:
            folders.setdefault(part.version.key.rpartition("/")[0], []).append(part)
    found = [*single, *(_Candidate(folder + "/", tuple(members)) for folder, members in folders.items())]
    return tuple(sorted(found, key=lambda c: (min(part.version.modified for part in c.parts), c.key)))


def _decide(repository: Repository, situation: _Situation, now: datetime) -> tuple[list[Job], list[Job]]:
    replaceable = [job for job in situation.unfinished if job.lot is None]
    owner = _owner(situation)
    refusals = [
        job
        for candidate in situation.candidates
        if owner is not None and candidate is not owner
        for job in _refusal(repository, situation, candidate, owner, now)
    ]
    if owner is None:
        return _without_data(repository, situation, replaceable, now)
    parts = (*owner.parts, *_newest_of_each_role(situation.companions))
    missing = [*owner.missing, *_missing_companions(repository, parts)]
    action = Action.UPDATE if situation.will_be_shown else Action.UPLOAD
    if missing:
        wait = _job(repository, situation, action, JobState.PENDING_PAIR, parts, now, _waits_for(missing))
        if any(job.source_version == wait.source_version for job in situation.unfinished):
            return refusals, []
        return [*refusals, wait], replaceable
    job = _job(repository, situation, action, JobState.IN_QUEUE, parts, now, None)
    if _already_told(situation, job):
        return refusals, []
    return [*refusals, job], replaceable


def _already_told(situation: _Situation, job: Job) -> bool:
    for other in situation.unfinished:
        if other.state != JobState.PENDING_PAIR and other.source_version == job.source_version:
            return other.action != Action.DELETE
    if situation.unfinished:
        return False
    if situation.current and situation.current.source_version == job.source_version:
        return True
    newest = [other for other in situation.history if not _is_refusal(other)][-1:]
    return any(
        other.source_version == job.source_version and other.state in {JobState.ERRORED, JobState.NO_CHANGE}
        for other in newest
    )


def _owner(situation: _Situation) -> _Candidate | None:
    keys = [situation.current.data_key] if situation.current else []
    # The newest decision holds: a job in work may be called off for the object that took its place.
    keys += [job.data_key for job in reversed(situation.unfinished) if job.action != Action.DELETE]
    for key in keys:
        for candidate in situation.candidates:
            if any(part.version.key == key for part in candidate.parts):
                return candidate
    return situation.candidates[0] if situation.candidates else None


def _without_data(
    repository: Repository, situation: _Situation, replaceable: list[Job], now: datetime
) -> tuple[list[Job], list[Job]]:
    if situation.will_be_shown:
        if any(job.action == Action.DELETE for job in replaceable):
            return [], []
        last = situation.in_work.parts if situation.in_work else _parts_of_current(situation)
        return [_job(repository, situation, Action.DELETE, JobState.IN_QUEUE, last, now, None)], replaceable
    if not situation.companions:
        return [], replaceable
    wait = _job(
        repository, situation, Action.UPLOAD, JobState.PENDING_PAIR, situation.companions, now, _waits_for(["data"])
    )
    if any(job.source_version == wait.source_version for job in replaceable):
        return [], []
    return [wait], replaceable


def _parts_of_current(situation: _Situation) -> tuple[Part, ...]:
    assert situation.current is not None
    for job in reversed(situation.history):
        if job.source_version == situation.current.source_version:
            return job.parts
    return ()


def _refusal(
    repository: Repository, situation: _Situation, loser: _Candidate, owner: _Candidate, now: datetime
) -> list[Job]:
    error = DatasetIdTaken(
        f"{situation.dataset_id}: {loser.key} has the id of {owner.key}, which is kept. Rename one of them, or delete "
        "the one that is not wanted; nothing needs to be uploaded again."
    )
    job = _job(repository, situation, Action.UPLOAD, JobState.ERRORED, loser.parts, now, describe(error))
    told = any(_is_refusal(other) and other.source_version == job.source_version for other in situation.history)
    return [] if told else [job]


def _is_refusal(job: Job) -> bool:
    return job.state == JobState.ERRORED and (job.reason or "").startswith(DatasetIdTaken.code)


def _newest_of_each_role(companions: Iterable[Part]) -> list[Part]:
    newest: dict[str, Part] = {}
    for part in sorted(companions, key=lambda part: (part.version.modified, part.version.key)):
        newest[part.role] = part
    return list(newest.values())


def _missing_companions(repository: Repository, parts: Iterable[Part]) -> list[str]:
    roles = {part.role for part in parts}
    return [companion for companion in repository.requires if companion not in roles]


def _waits_for(missing: Iterable[str]) -> str:
    names = {"samples": "the sample table", "metadata": "the metadata document", "data": "the data file"}
    return "waits for " + ", ".join(names.get(role, f"the {role} file") for role in missing)


def _job(
    repository: Repository,
    situation: _Situation,
    action: Action,
    state: JobState,
    parts: tuple[Part, ...],
    now: datetime,
    reason: str | None,
) -> Job:
    return Job(
        id=new_job_id(now),
        repository=repository.name,
        dataset_id=situation.dataset_id,
        action=action,
        state=state,
        parts=parts,
        source_version=source_version(parts),
        priority=Priority(repository.priority),
        size=sum(part.version.size for part in parts),
        created_at=now,
        updated_at=now,
        ended_at=now if state in ENDED else None,
        reason=reason,
    )
