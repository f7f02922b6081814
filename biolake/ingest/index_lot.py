"""Bring a lot's datasets from the lake into the search index, and end its jobs."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from biolake.arrivals.manifest import read_manifest
from biolake.ingest.documents import documents_of_lot, version_of
from biolake.ingest.heartbeat import heartbeat, refuse_divided, refuse_unless_owner
from biolake.lake.schemas import DATASETS
from biolake.ledger.current import forget, set_current
from biolake.ledger.jobs import end_jobs, get_jobs
from biolake.ledger.lots import finish_lot_if_ended, get_lot, take_lot
from biolake.ledger.models import ENDED, Action, CurrentDataset, Job, JobState, Lot, LotState
from biolake.platform import Platform


@dataclass(frozen=True)
class IndexOutcome:
    """What indexing a lot did.

    Attributes:
        documents: Number of the repository's documents afterwards.
    """

    indexed: int
    removed: int
    documents: int


def index_lot(platform: Platform, lot_key: str, run_id: str) -> IndexOutcome:
    """Index what the lot stored, remove what it deleted, and end the jobs that are thereby done.

    Doing it again changes nothing.

    Raises:
        UnknownLot: The ledger has no such lot.
        LotTaken: Another run works on the lot, or it was divided.
        IndexBusy: Other writers kept interfering; the lot can be tried again.
    """
    with platform.ledger.writing() as connection:
        lot = _own(connection, lot_key, run_id)
        manifest = read_manifest(lot, platform.lake_store)
        jobs = get_jobs(connection, [entry.job_id for entry in manifest.entries])
    with heartbeat(platform.ledger, lot_key, run_id):
        shown = _shown(platform, lot.repository)
        documents = documents_of_lot(platform.lake, lot.repository, lot.key, lot.created_at)
        stored = {document.dataset_id: shown[document.dataset_id] for document in documents}
        removed = [
            job
            for job in jobs
            if job.action == Action.DELETE and job.state not in ENDED and job.dataset_id not in shown
        ]
        if documents:
            platform.index.upsert(documents)
        if removed:
            version = version_of(lot.created_at)
            platform.index.delete(lot.repository, {job.dataset_id: version for job in removed})
        _end(platform, lot, run_id, [job for job in jobs if job.dataset_id in stored], removed, stored)
    return IndexOutcome(len(documents), len(removed), platform.index.count(lot.repository))


def _own(connection: Connection, lot_key: str, run_id: str) -> Lot:
    lot = get_lot(connection, lot_key)
    refuse_divided(lot, run_id)
    if lot.state == LotState.DONE:
        return lot
    if lot.run_id is None:
        take_lot(connection, lot_key, run_id, datetime.now(UTC))
    else:
        refuse_unless_owner(lot, run_id)
    return lot


def _shown(platform: Platform, repository: str) -> dict[str, str]:
    """The content hash of every dataset that the lake shows."""
    table = platform.lake.find(repository, DATASETS.name)
    if table is None:
        return {}
    rows = table.to_pyarrow_dataset().to_table(columns=["dataset_id", "sha256"])
    return dict(zip(rows.column("dataset_id").to_pylist(), rows.column("sha256").to_pylist(), strict=True))


def _end(
    platform: Platform, lot: Lot, run_id: str, indexed: list[Job], removed: list[Job], hashes: dict[str, str]
) -> None:
    now = datetime.now(UTC)
    with platform.ledger.writing() as connection:
        if _own(connection, lot.key, run_id).state == LotState.DONE:
            return
        done = [job for job in indexed if job.state not in ENDED]
        shown = [
            CurrentDataset(
                lot.repository, job.dataset_id, job.data_key, job.source_version, hashes[job.dataset_id], lot.key, now
            )
            for job in done
        ]
        set_current(connection, shown)
        forget(connection, lot.repository, [job.dataset_id for job in removed])
        endings = [(job.id, JobState.SUCCESS, None, hashes.get(job.dataset_id)) for job in [*done, *removed]]
        end_jobs(connection, endings, now)
        finish_lot_if_ended(connection, lot.key)
