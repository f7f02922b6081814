"""Reading a repository's tables for commands: what is shown, and where it came from."""

import json
from typing import Any

import pyarrow.dataset as pads

from biolake.lake.errors import DatasetNotShown
from biolake.lake.lake import Lake
from biolake.lake.schemas import DATASETS, PROVENANCE


def list_datasets(lake: Lake, repository: str, limit: int) -> list[dict[str, Any]]:
    """Return the newest datasets' rows without their free text."""
    table = lake.find(repository, DATASETS.name)
    if table is None:
        return []
    columns = [name for name in DATASETS.column_names if name not in {"summary", "metadata", "findings"}]
    rows = table.to_pyarrow_dataset().to_table(columns=columns).sort_by([("ingested_at", "descending")])
    return rows.slice(0, limit).to_pylist()


def dataset_record(lake: Lake, repository: str, dataset_id: str) -> dict[str, Any]:
    """Return a dataset's row, its metadata unfolded.

    Raises:
        DatasetNotShown: The lake shows no such dataset.
    """
    rows = _rows(lake, repository, DATASETS.name, dataset_id)
    if not rows:
        raise DatasetNotShown(
            f"{dataset_id}: not in {repository}. `biolake jobs --dataset {dataset_id}` tells its jobs."
        )
    record = rows[0]
    record["metadata"] = json.loads(record["metadata"] or "{}")
    return record


def provenance_of(lake: Lake, repository: str, dataset_id: str) -> list[dict[str, Any]]:
    """Return every processing of a dataset, oldest first.

    Raises:
        DatasetNotShown: It was never processed.
    """
    rows = _rows(lake, repository, PROVENANCE.name, dataset_id)
    if not rows:
        raise DatasetNotShown(
            f"{dataset_id}: never processed in {repository}. `biolake jobs --dataset {dataset_id}` tells its jobs."
        )
    return sorted(rows, key=lambda row: row["processed_at"])


def _rows(lake: Lake, repository: str, name: str, dataset_id: str) -> list[dict[str, Any]]:
    table = lake.find(repository, name)
    if table is None:
        return []
    return table.to_pyarrow_dataset().to_table(filter=pads.field("dataset_id") == dataset_id).to_pylist()
