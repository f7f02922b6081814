"""Bring a lot's datasets from the lake into the search index, and end its jobs."""

from dataclasses import dataclass
from datetime import UTC, datetime

from biolake.arrivals.manifest import Manifest, read_manifest
from biolake.ingest.documents import documents_of_lot, version_of
from biolake.ledger.current import current_datasets, forget, set_current
from biolake.ledger.jobs import end_jobs, get_jobs
from biolake.ledger.lots import finish_lot_if_ended, get_lot
from biolake.ledger.models import ENDED, Action, CurrentDataset, Job, JobState, Lot
from biolake.platform import Platform
from biolake.search.models import SearchDocument


@dataclass(frozen=True)
class IndexOutcome:
    """What indexing a lot did.

    Attributes:
        documents: Number of the repository's documents afterwards.
    """

    indexed: int
    removed: int
    documents: int


def index_lot(platform: Platform, lot_key: str) -> IndexOutcome:
    """Index what the lot stored, remove what it deleted, and end the jobs that are thereby done.

    Doing it again changes nothing.

    Raises:
        UnknownLot: The ledger has no such lot.
        IndexBusy: Other writers kept interfering; the lot can be tried again.
    """
    with platform.ledger.reading() as connection:
        lot = get_lot(connection, lot_key)
    manifest = read_manifest(lot, platform.lake_store)
    documents = documents_of_lot(platform.lake, lot.repository, lot.key, lot.created_at)
    with platform.ledger.reading() as connection:
        jobs = get_jobs(connection, [entry.job_id for entry in manifest.entries])
    removed = [job.dataset_id for job in jobs if job.action == Action.DELETE and job.state == JobState.RUNNING]
    if documents:
        platform.index.upsert(documents)
    if removed:
        platform.index.delete(lot.repository, dict.fromkeys(removed, version_of(lot.created_at)))
    _end(platform, lot, manifest, jobs, documents)
    return IndexOutcome(len(documents), len(removed), platform.index.count(lot.repository))


def _end(platform: Platform, lot: Lot, manifest: Manifest, jobs: list[Job], documents: list[SearchDocument]) -> None:
    now = datetime.now(UTC)
    indexed = {document.dataset_id for document in documents}
    hashes = _content_hashes(platform, lot, indexed)
    done = [
        job for job in jobs if job.state not in ENDED and (job.dataset_id in indexed or job.action == Action.DELETE)
    ]
    unchanged = [job for job in jobs if job.state == JobState.NO_CHANGE]
    with platform.ledger.writing() as connection:
        shown = [
            CurrentDataset(
                lot.repository, job.dataset_id, job.data_key, job.source_version, hashes[job.dataset_id], lot.key, now
            )
            for job in done
            if job.action != Action.DELETE
        ]
        set_current(connection, shown)
        forget(connection, lot.repository, [job.dataset_id for job in done if job.action == Action.DELETE])
        before = current_datasets(connection, lot.repository, [job.dataset_id for job in unchanged])
        # The lake's content is also the content of this newer object version.
        set_current(
            connection,
            [
                CurrentDataset(
                    lot.repository,
                    job.dataset_id,
                    job.data_key,
                    job.source_version,
                    before[job.dataset_id].sha256,
                    before[job.dataset_id].lot,
                    now,
                )
                for job in unchanged
                if job.dataset_id in before
            ],
        )
        end_jobs(connection, [(job.id, JobState.SUCCESS, None, hashes.get(job.dataset_id)) for job in done], now)
        finish_lot_if_ended(connection, lot.key)


def _content_hashes(platform: Platform, lot: Lot, dataset_ids: set[str]) -> dict[str, str]:
    if not dataset_ids:
        return {}
    import pyarrow.dataset as pads

    table = platform.lake.open(lot.repository, "datasets").to_pyarrow_dataset()
    rows = table.to_table(columns=["dataset_id", "sha256"], filter=pads.field("lot") == lot.key)
    return dict(zip(rows.column("dataset_id").to_pylist(), rows.column("sha256").to_pylist(), strict=True))
