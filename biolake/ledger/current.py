"""Which version of each dataset the lake shows, as the ledger knows it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select

from biolake.ledger.models import CurrentDataset
from biolake.ledger.tables import CURRENT_DATASETS


def current_datasets(
    connection: Connection, repository: str, dataset_ids: Sequence[str] | None = None
) -> dict[str, CurrentDataset]:
    """Return the shown versions by dataset id; all of the repository's where no ids are given."""
    query = select(CURRENT_DATASETS).where(CURRENT_DATASETS.c.repository == repository)
    if dataset_ids is None:
        return {row["dataset_id"]: _current(row) for row in connection.execute(query).mappings()}
    found: dict[str, CurrentDataset] = {}
    for start in range(0, len(dataset_ids), 500):
        chunk = query.where(CURRENT_DATASETS.c.dataset_id.in_(dataset_ids[start : start + 500]))
        found |= {row["dataset_id"]: _current(row) for row in connection.execute(chunk).mappings()}
    return found


def set_current(connection: Connection, shown: Sequence[CurrentDataset]) -> None:
    """Record the versions that the lake now shows."""
    if not shown:
        return
    forget(connection, shown[0].repository, [dataset.dataset_id for dataset in shown])
    names = CURRENT_DATASETS.c.keys()
    connection.execute(
        insert(CURRENT_DATASETS), [{name: getattr(dataset, name) for name in names} for dataset in shown]
    )


def forget(connection: Connection, repository: str, dataset_ids: Sequence[str]) -> None:
    """Record that the lake no longer shows these datasets."""
    for start in range(0, len(dataset_ids), 500):
        connection.execute(
            delete(CURRENT_DATASETS).where(
                CURRENT_DATASETS.c.repository == repository,
                CURRENT_DATASETS.c.dataset_id.in_(list(dataset_ids[start : start + 500])),
            )
        )


def _current(row: RowMapping) -> CurrentDataset:
    values: dict[str, Any] = dict(row)
    return CurrentDataset(**values)
