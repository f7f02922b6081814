"""Cut queued jobs into lots: by count, by bytes or by age, never more lots at once than the deployment allows.

In production a dataset that the smallest machine is not for is a lot by itself, and so has a pod of its own.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from biolake.arrivals.manifest import Manifest, write_manifest
from biolake.environment.profiles import PRODUCTION
from biolake.ledger.jobs import assign_lot, queued_jobs
from biolake.ledger.lots import add_lot, newest_lot_time, open_lots
from biolake.ledger.models import Job, Lot
from biolake.machines.choose import read_machines
from biolake.objects.store import ObjectStore
from biolake.settings import Settings


def cut_lots(
    connection: Connection, repository: str, lake: ObjectStore, settings: Settings, now: datetime
) -> list[Lot]:
    """Make as many lots as are due and allowed, and return them.

    The manifest is stored before the ledger's transaction ends: a crash in between leaves a manifest that nobody names
    and jobs that are still in the queue.

    Raises:
        DocumentInvalid: The table of machine sizes is wrong; nothing is cut before it is corrected.
    """
    lots: list[Lot] = []
    room = settings.active_lots - len(open_lots(connection, repository))
    created = time_of_next_lot(connection, repository, now)
    while len(lots) < room:
        queued = queued_jobs(connection, repository, settings.lot_datasets)
        jobs = next(_due_lots(queued, settings, now), None)
        if jobs is None:
            break
        lot = write_manifest(Manifest.of(repository, jobs, created), lake)
        add_lot(connection, lot)
        assign_lot(connection, [job.id for job in jobs], lot.key, now)
        lots.append(lot)
    return lots


def time_of_next_lot(connection: Connection, repository: str, now: datetime) -> datetime:
    """Return a time after that of every lot: the index takes the later one's for the newer, whatever clocks say."""
    last = newest_lot_time(connection, repository)
    return now if last is None or last < now else last + timedelta(seconds=1)


def _due_lots(queued: Sequence[Job], settings: Settings, now: datetime) -> Iterator[list[Job]]:
    """Yield what may be a lot now, each as if it were the only one, in the queue's order."""
    # Of a dataset, only the first: its versions stay in order.
    first = list({job.dataset_id: job for job in reversed(queued)}.values())[::-1]
    heavy = _heavy(first, settings)
    light = _fill([job for job in first if job.id not in heavy], settings)
    for job in first:
        if job.id in heavy:
            yield [job]
        elif light and job is light[0] and _due(light, settings, now):
            yield light


def _heavy(jobs: Sequence[Job], settings: Settings) -> set[str]:
    """Return the ids of the jobs that get a machine of their own."""
    if settings.profile != PRODUCTION or not jobs:
        return set()
    most = read_machines(settings.machines).sizes["small"].dataset_bytes
    return {job.id for job in jobs if most is not None and job.size > most}


def _fill(jobs: Sequence[Job], settings: Settings) -> list[Job]:
    taken: list[Job] = []
    size = 0
    for job in jobs:
        if taken and size + job.size > settings.lot_bytes:
            break
        taken.append(job)
        size += job.size
    return taken


def _due(jobs: list[Job], settings: Settings, now: datetime) -> bool:
    full = len(jobs) >= settings.lot_datasets or sum(job.size for job in jobs) >= settings.lot_bytes
    oldest = min(job.created_at for job in jobs)
    return full or now - oldest >= timedelta(seconds=settings.lot_wait_seconds)
