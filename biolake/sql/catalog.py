"""The answers to SHOW and DESCRIBE, with the meaning of tables and columns from the lake's schemas."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from biolake.lake.schemas import REPOSITORY_TABLES

if TYPE_CHECKING:
    import pyarrow as pa

    from biolake.sql.result import ResultColumn

MATRIX_LONG = {
    "dataset_id": "The dataset, unique in its repository",
    "layer": "Name of the layer",
    "feature_id": "The feature, as in `features`",
    "sample_id": "The sample, as in `samples`",
    "value": "The value; null where missing",
}
MATRIX_LONG_DESCRIPTION = "One row per feature, layer and sample of a dataset: `matrix` unfolded."
DATA_MATRIX = {
    "feature_id": "The feature, as in `features`",
    "rid": "The same as feature_id",
    "layer": "Name of the layer",
}
_DESCRIPTIONS = {schema.name: schema.description for schema in REPOSITORY_TABLES} | {
    "matrix_long": MATRIX_LONG_DESCRIPTION
}
_COLUMNS = {schema.name: {c.name: c.description for c in schema.columns} for schema in REPOSITORY_TABLES} | {
    "matrix_long": MATRIX_LONG
}


def schemas_table(repositories: Sequence[str]) -> "pa.Table":
    """Return the answer to SHOW SCHEMAS."""
    import pyarrow as pa

    return pa.table({"repository": pa.array(list(repositories), pa.string())})


def tables_table(listing: Mapping[str, Sequence[str]]) -> "pa.Table":
    """Return the answer to SHOW TABLES for the tables of each repository."""
    import pyarrow as pa

    rows = [(repository, table) for repository, tables in listing.items() for table in tables]
    return pa.table(
        {
            "repository": pa.array([repository for repository, _ in rows], pa.string()),
            "table": pa.array([table for _, table in rows], pa.string()),
            "description": pa.array([_DESCRIPTIONS.get(table) for _, table in rows], pa.string()),
        }
    )


def describe_columns(table: str, columns: Sequence["ResultColumn"]) -> "pa.Table":
    """Return the answer to DESCRIBE for a table's columns."""
    import pyarrow as pa

    meanings = _COLUMNS.get(table, {})
    if [c.name for c in columns[:3]] == list(DATA_MATRIX):
        meanings = DATA_MATRIX | {c.name: f"Values of sample {c.name}" for c in columns[3:]}
    return pa.table(
        {
            "column": pa.array([c.name for c in columns], pa.string()),
            "type": pa.array([c.type for c in columns], pa.string()),
            "description": pa.array([meanings.get(c.name) for c in columns], pa.string()),
        }
    )
