"""What a lot's materialization shows in Dagster's UI."""

import dagster as dg

from biolake.ingest.models import DatasetOutcome, LotOutcome
from biolake.lake.schemas import TableSchema
from biolake.ledger.models import JobState

_MOST_ROWS = 200
_ORDER = {JobState.ERRORED: 0, JobState.CANCELLED: 1}


def column_schema(table: TableSchema) -> dg.TableSchema:
    """A lake table's columns as Dagster shows them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                type=str(column.type),
                description=column.description,
                constraints=dg.TableColumnConstraints(nullable=column.nullable),
            )
            for column in table.columns
        ]
    )


def lot_metadata(outcome: LotOutcome) -> dict[str, dg.MetadataValue]:
    """Counts, the table of datasets with what became of each, manifest, lake versions and times."""
    stored = outcome.of_state(JobState.RUNNING)
    metadata: dict[str, dg.MetadataValue] = {
        "dagster/partition_row_count": dg.MetadataValue.int(len(stored)),
        "datasets": dataset_table(outcome.outcomes),
        "stored": dg.MetadataValue.int(len(stored)),
        "errored": dg.MetadataValue.int(len(outcome.of_state(JobState.ERRORED))),
        "unchanged": dg.MetadataValue.int(len(outcome.of_state(JobState.NO_CHANGE))),
        "cancelled": dg.MetadataValue.int(len(outcome.of_state(JobState.CANCELLED))),
        "values": dg.MetadataValue.int(sum(o.cells_out or 0 for o in outcome.outcomes)),
        "manifest_sha256": dg.MetadataValue.text(outcome.manifest_sha256),
        "lake_versions": dg.MetadataValue.json(outcome.lake_versions),
        "seconds": dg.MetadataValue.json({step: round(spent, 3) for step, spent in outcome.seconds.items()}),
    }
    return metadata


def dataset_table(outcomes: tuple[DatasetOutcome, ...]) -> dg.MetadataValue:
    """The datasets with what became of them, those that need attention first."""
    ordered = sorted(outcomes, key=lambda outcome: (_ORDER.get(outcome.state, 2), outcome.dataset_id))
    records = [
        dg.TableRecord(
            {
                "dataset": outcome.dataset_id,
                "action": outcome.action.value,
                "outcome": "stored" if outcome.state == JobState.RUNNING else outcome.state.value.lower(),
                "samples": outcome.n_samples if outcome.n_samples is not None else "",
                "features": outcome.n_features if outcome.n_features is not None else "",
                "reason": outcome.reason or "",
            }
        )
        for outcome in ordered[:_MOST_ROWS]
    ]
    if len(ordered) > _MOST_ROWS:
        more = len(ordered) - _MOST_ROWS
        records.append(
            dg.TableRecord(
                {
                    "dataset": f"… and {more} more",
                    "action": "",
                    "outcome": "see the provenance table",
                    "samples": "",
                    "features": "",
                    "reason": "",
                }
            )
        )
    return dg.MetadataValue.table(records)
