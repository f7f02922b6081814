"""Upkeep of a repository's tables: compact small files, remove rows that no dataset points at, vacuum old files."""

# pyarrow makes its compute functions at import, out of pyright's sight.
# pyright: reportAttributeAccessIssue=false

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, write_deltalake

from biolake.lake.commit import writer_properties
from biolake.lake.lake import COMMIT_RETRIES, Lake
from biolake.lake.schemas import DATASETS, MATRIX, REPOSITORY_TABLES, VERSIONED_BY_DATASETS

GRACE = timedelta(hours=24)
RETENTION_HOURS = 168


@dataclass
class MaintenanceReport:
    """What upkeep did, by table.

    Attributes:
        rows_removed: Rows of replaced or deleted versions.
        files_before: Data files before.
        files_after: Data files after.
        files_vacuumed: Files that no kept version needs.
    """

    rows_removed: dict[str, int] = field(default_factory=dict)
    files_before: dict[str, int] = field(default_factory=dict)
    files_after: dict[str, int] = field(default_factory=dict)
    files_vacuumed: dict[str, int] = field(default_factory=dict)

    def as_metadata(self) -> dict[str, dict[str, int]]:
        """The report for a materialization."""
        return dict(vars(self))


def maintain(
    lake: Lake,
    repository: str,
    *,
    open_lots: Collection[str] = (),
    grace: timedelta = GRACE,
    retention_hours: int = RETENTION_HOURS,
) -> MaintenanceReport:
    """Compact and clean a repository's tables; readers and writers may go on meanwhile.

    Args:
        lake: The lake.
        repository: Whose tables.
        open_lots: Lots that are not done; their rows stay however old they are.
        grace: Rows written within this time stay even when no dataset points at them: they may be a lot in work, or a
            reader's snapshot of `datasets` may still point at them.
        retention_hours: Files that left the table within this time stay for readers of older versions.
    """
    report = MaintenanceReport()
    per_row = _values_per_row(lake, repository)
    _remove_unreferenced(lake, repository, datetime.now(UTC) - grace, frozenset(open_lots), per_row, report)
    for schema in REPOSITORY_TABLES:
        table = lake.find(repository, schema.name)
        if table is None:
            continue
        report.files_before[schema.name] = len(table.file_uris())
        table.optimize.compact(
            writer_properties=writer_properties(per_row if schema is MATRIX else 1),
            commit_properties=CommitProperties(max_commit_retries=COMMIT_RETRIES),
        )
        report.files_vacuumed[schema.name] = len(
            table.vacuum(
                retention_hours=retention_hours,
                dry_run=False,
                enforce_retention_duration=retention_hours >= RETENTION_HOURS,
            )
        )
        report.files_after[schema.name] = len(table.file_uris())
    return report


def _remove_unreferenced(
    lake: Lake, repository: str, before: datetime, busy: frozenset[str], per_row: int, report: MaintenanceReport
) -> None:
    datasets = lake.find(repository, DATASETS.name)
    if datasets is None:
        return
    for schema in VERSIONED_BY_DATASETS:
        table = lake.find(repository, schema.name)
        if table is None:
            continue
        written = _pairs(table)
        # Read after the rows: a version that appears in between is then in both.
        shown = {(pair["dataset_id"], pair["lot"]) for pair in _pairs(lake.open(repository, DATASETS.name)).to_pylist()}
        stale: dict[str, list[str]] = {}
        removed = 0
        for pair in written.to_pylist():
            if (pair["dataset_id"], pair["lot"]) not in shown and _is_over(pair["lot"], before, busy):
                stale.setdefault(pair["lot"], []).append(pair["dataset_id"])
                removed += pair["count_all"]
        report.rows_removed[schema.name] = removed
        for lot, dataset_ids in stale.items():
            quoted = ", ".join("'" + dataset_id.replace("'", "''") + "'" for dataset_id in dataset_ids)
            # An overwrite with nothing: DeltaTable.delete leaves files whose text pyarrow cannot filter (string_view).
            write_deltalake(
                table,
                schema.arrow.empty_table(),
                mode="overwrite",
                predicate=f"lot = '{lot}' AND dataset_id IN ({quoted})",
                writer_properties=writer_properties(per_row if schema is MATRIX else 1),
                commit_properties=CommitProperties(max_commit_retries=COMMIT_RETRIES),
            )


def _values_per_row(lake: Lake, repository: str) -> int:
    table = lake.find(repository, DATASETS.name)
    if table is None:
        return 1
    rows = table.to_pyarrow_dataset().to_table(columns=["n_samples", "n_features"])
    features = pc.sum(rows.column("n_features")).as_py() or 0
    values = pc.sum(pc.multiply(rows.column("n_samples"), rows.column("n_features"))).as_py() or 0
    return max(1, values // max(1, features))


def _pairs(table: DeltaTable) -> pa.Table:
    rows = table.to_pyarrow_dataset().to_table(columns=["dataset_id", "lot"])
    return rows.group_by(["dataset_id", "lot"]).aggregate([([], "count_all")])


def _is_over(lot: str, before: datetime, busy: frozenset[str]) -> bool:
    return lot not in busy and _lot_time(lot) < before


def _lot_time(lot: str) -> datetime:
    return datetime.strptime(lot.split("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
