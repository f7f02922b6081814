"""Cut queued jobs into lots: by count, by bytes or by age, never more lots at once than the deployment allows."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from biolake.arrivals.manifest import Manifest, write_manifest
from biolake.ledger.jobs import assign_lot, queued_jobs
from biolake.ledger.lots import add_lot, newest_lot_time, open_lots
from biolake.ledger.models import Job, Lot
from biolake.objects.store import ObjectStore
from biolake.settings import Settings


def cut_lots(
    connection: Connection, repository: str, lake: ObjectStore, settings: Settings, now: datetime
) -> list[Lot]:
    """Make as many lots as are due and allowed, and return them.

    The manifest is stored before the ledger's transaction ends: a crash in between leaves a manifest that nobody names
    and jobs that are still in the queue.
    """
    lots: list[Lot] = []
    room = settings.active_lots - len(open_lots(connection, repository))
    created = time_of_next_lot(connection, repository, now)
    while len(lots) < room:
        jobs = _fill(queued_jobs(connection, repository, settings.lot_datasets), settings)
        if not jobs or not _due(jobs, settings, now):
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


def _fill(queued: list[Job], settings: Settings) -> list[Job]:
    jobs: list[Job] = []
    datasets: set[str] = set()
    size = 0
    for job in queued:
        if job.dataset_id in datasets:
            continue
        if jobs and size + job.size > settings.lot_bytes:
            break
        jobs.append(job)
        datasets.add(job.dataset_id)
        size += job.size
    return jobs


def _due(jobs: list[Job], settings: Settings, now: datetime) -> bool:
    full = len(jobs) >= settings.lot_datasets or sum(job.size for job in jobs) >= settings.lot_bytes
    oldest = min(job.created_at for job in jobs)
    return full or now - oldest >= timedelta(seconds=settings.lot_wait_seconds)
