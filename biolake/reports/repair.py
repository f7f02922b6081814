"""Bring bucket, ledger, lake and index together again where `biolake.reports.reconcile` found that they differ."""

from collections.abc import Iterable
from datetime import UTC, datetime

from biolake.arrivals.admit import admit
from biolake.arrivals.reprocess import reprocess
from biolake.arrivals.tick import tick
from biolake.ingest.documents import documents_of_lot
from biolake.lake.schemas import DATASETS
from biolake.ledger.current import current_datasets, forget, set_current
from biolake.ledger.lots import all_lots
from biolake.ledger.models import CurrentDataset
from biolake.ledger.objects import live_parts
from biolake.platform import Platform
from biolake.reports.reconcile import Difference, Reconciliation
from biolake.repositories.models import Repository


def repair(platform: Platform, repository: Repository, before: Reconciliation) -> tuple[str, ...]:
    """Do or ask for what brings the stores together again; run lots and reconcile again afterwards.

    Returns:
        One line for each thing done.
    """
    done: list[str] = []
    kinds = {difference.between for difference in before.differences}
    if "bucket and ledger" in kinds:
        told = tick(repository, platform.bucket, platform.lake_store, platform.ledger, platform.settings)
        done.append(f"recorded {told.observation.arrived} new versions and {told.observation.gone} deletions")
    again = sorted(_names(before.differences, "bucket and lake", "ledger and lake", "rows"))
    if again:
        done += _ask_again(platform, repository, again)
    if "lake and index" in kinds:
        done.append(_index_again(platform, repository.name, _names(before.differences, "lake and index")))
    return tuple(done)


def _names(differences: Iterable[Difference], *between: str) -> set[str]:
    return {difference.name for difference in differences if difference.between in between}


def _ask_again(platform: Platform, repository: Repository, dataset_ids: list[str]) -> list[str]:
    done: list[str] = []
    now = datetime.now(UTC)
    shown = _shown(platform, repository.name)
    with platform.ledger.writing() as connection:
        there = live_parts(connection, repository.name, dataset_ids)
        known = current_datasets(connection, repository.name, dataset_ids)
        forget(connection, repository.name, [name for name in dataset_ids if name not in shown])
        # Without an entry nobody would ask for the deletion of what only the lake knows.
        ghosts = [shown[name] for name in dataset_ids if name in shown and name not in known and not there[name]]
        set_current(connection, ghosts)
        admitted = admit(connection, repository, dataset_ids, now)
        if admitted:
            done.append(f"asked for {len(admitted)} uploads, updates and deletions")
    present = [name for name in dataset_ids if any(part.role not in {"samples", "metadata"} for part in there[name])]
    if present:
        done.append(f"asked for {len(reprocess(platform.ledger, repository, present))} datasets to be read again")
    return done


def _index_again(platform: Platform, repository: str, dataset_ids: set[str]) -> str:
    shown = _shown(platform, repository)
    with platform.ledger.reading() as connection:
        made = {lot.key: lot.created_at for lot in all_lots(connection, repository)}
    wanted = {shown[name].lot for name in dataset_ids if name in shown}
    indexed = 0
    for lot in sorted(wanted):
        documents = documents_of_lot(platform.lake, repository, lot, made.get(lot) or _time_in(lot))
        mine = [document for document in documents if document.dataset_id in dataset_ids]
        platform.index.delete(repository, [document.dataset_id for document in mine])
        indexed += platform.index.upsert(mine).written
    ghosts = [name for name in dataset_ids if name not in shown]
    platform.index.delete(repository, ghosts)
    return f"indexed {indexed} datasets again and removed {len(ghosts)}"


def _time_in(lot: str) -> datetime:
    """When a lot was made that the ledger does not know: a later lot's documents must win over its."""
    return datetime.strptime(lot.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _shown(platform: Platform, repository: str) -> dict[str, CurrentDataset]:
    """What the lake shows, as the ledger should have it but for the name of the object."""
    table = platform.lake.find(repository, DATASETS.name)
    if table is None:
        return {}
    columns = ["dataset_id", "source_version", "sha256", "lot", "ingested_at"]
    return {
        row["dataset_id"]: CurrentDataset(
            repository,
            row["dataset_id"],
            "",
            row["source_version"],
            row["sha256"],
            row["lot"],
            row["ingested_at"],
        )
        for row in table.to_pyarrow_dataset().to_table(columns=columns).to_pylist()
    }
