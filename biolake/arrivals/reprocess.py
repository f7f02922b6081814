"""Ask for datasets to be read again from the objects that are there: with new code, or after a failure."""

from collections.abc import Sequence
from datetime import UTC, datetime

from biolake.arrivals.admit import parts_of_owner
from biolake.ledger.current import current_datasets
from biolake.ledger.errors import UnknownDataset
from biolake.ledger.jobs import add_jobs, find_jobs, new_job_id, source_version
from biolake.ledger.ledger import Ledger
from biolake.ledger.models import ENDED, Action, Job, JobState, Part, Priority
from biolake.ledger.objects import live_parts
from biolake.repositories.models import Repository


def reprocess(ledger: Ledger, repository: Repository, dataset_ids: Sequence[str] = ()) -> list[Job]:
    """Put a job into the queue for each named dataset, or for every shown one; the next tick cuts their lot.

    Datasets that already have a job in the queue or in work are left to it.

    Raises:
        UnknownDataset: A named dataset has no objects in the bucket.
    """
    now = datetime.now(UTC)
    with ledger.writing() as connection:
        current = current_datasets(connection, repository.name, list(dataset_ids) or None)
        wanted = list(dict.fromkeys(dataset_ids)) or sorted(current)
        parts = live_parts(connection, repository.name, wanted)
        unknown = [dataset_id for dataset_id in wanted if not _data_parts(parts[dataset_id])]
        if unknown and dataset_ids:
            raise UnknownDataset(
                f"{repository.name}: no objects of {', '.join(unknown[:20])} are in the bucket ({len(unknown)} of "
                f"{len(wanted)}). `biolake dataset list` shows what there is."
            )
        history: dict[str, list[Job]] = {dataset_id: [] for dataset_id in wanted}
        for job in find_jobs(connection, repository.name, dataset_ids=wanted):
            history[job.dataset_id].append(job)
        jobs = [
            _job(
                repository,
                dataset_id,
                parts_of_owner(dataset_id, parts[dataset_id], current.get(dataset_id), history[dataset_id]),
                now,
            )
            for dataset_id in wanted
            if dataset_id not in unknown and all(job.state in ENDED for job in history[dataset_id])
        ]
        add_jobs(connection, jobs)
    return jobs


def _data_parts(parts: Sequence[Part]) -> list[Part]:
    return [part for part in parts if part.role not in {"samples", "metadata"}]


def _job(repository: Repository, dataset_id: str, parts: tuple[Part, ...], now: datetime) -> Job:
    return Job(
        id=new_job_id(now),
        repository=repository.name,
        dataset_id=dataset_id,
        action=Action.REPROCESS,
        state=JobState.IN_QUEUE,
        parts=parts,
        source_version=source_version(parts),
        priority=Priority(repository.priority),
        size=sum(part.version.size for part in parts),
        created_at=now,
        updated_at=now,
    )
