"""The views inside the sandboxed process: what `<repository>.<table>` means for one snapshot of the lake.

Rows of `samples`, `features` and `matrix` show only while their `(dataset_id, lot)` is in `datasets`, so an update or a
delete of all levels is one commit for readers. Finding the snapshot's files is `snapshots`' work, in the parent.
"""

# ruff: noqa: S608 - names and values go through `quoted` and `text`

from typing import TYPE_CHECKING

from biolake.lake.schemas import REPOSITORY_TABLES, VERSIONED_BY_DATASETS
from biolake.sql import errors
from biolake.sql.models import MATRICES
from biolake.sql.wire import MatrixColumns, MatrixReference, RepositorySnapshot, TableSnapshot, decoded_schema

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

CURRENT = "current versions"
_VERSIONED = frozenset(schema.name for schema in VERSIONED_BY_DATASETS)
_NOT_SHOWN = frozenset(
    (schema.name, column.name) for schema in REPOSITORY_TABLES for column in schema.columns if not column.shown
)
# Of a sparse row, each value and the zeros after it; of any other, the values as they are.
_UNFOLDED = (
    'CASE WHEN spans IS NULL THEN "values" ELSE flatten(list_transform(list_zip("values", spans), '
    'lambda pair: list_resize([pair[1]], pair[2], 0.0))) END AS "values"'
)
_FIXED_COLUMNS = ("feature_id", "rid", "layer")


def quoted(name: str) -> str:
    """Return `name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """Return `value` as an SQL string literal."""
    return "'" + value.replace("'", "''") + "'"


class Relations:
    """Keeps the views of one connection in step with the snapshots that requests bring."""

    def __init__(self, connection: "duckdb.DuckDBPyConnection", *, matrix_columns: int) -> None:
        self._connection = connection
        self._matrix_columns = matrix_columns
        self._tokens: dict[tuple[str, str], str] = {}
        self._matrices: dict[str, tuple[str, ...]] = {}
        connection.execute(f"CREATE SCHEMA {quoted(CURRENT)}")
        connection.execute(f"CREATE SCHEMA {quoted(MATRICES)}")

    def show(self, snapshot: RepositorySnapshot) -> None:
        """Make the views of a repository's tables stand for `snapshot`."""
        names = {table.name for table in snapshot.tables}
        for table in snapshot.tables:
            key = (snapshot.repository, table.name)
            if self._tokens.get(key) == table.token:
                continue
            self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(snapshot.repository)}")
            self._tokens.pop(key, None)
            if table.name == "datasets":
                self._show_current(snapshot.repository, table)
            self._show_table(snapshot.repository, table)
            self._tokens[key] = table.token
        if {"matrix", "samples"} <= names and (snapshot.repository, "matrix_long") not in self._tokens:
            self._show_long(snapshot.repository)
            self._tokens[snapshot.repository, "matrix_long"] = "view"

    def _show_current(self, repository: str, table: TableSnapshot) -> None:
        rows = f"SELECT dataset_id, lot FROM {_scan(table)}" if table.files else "SELECT '', '' WHERE false"
        self._connection.execute(
            f"CREATE OR REPLACE TABLE {quoted(CURRENT)}.{quoted(repository)} AS "
            f"SELECT * FROM ({rows}) t(dataset_id, lot)"
        )

    def _show_table(self, repository: str, table: TableSnapshot) -> None:
        source = self._typed(table)
        if table.name in _VERSIONED:
            source = f"{source} SEMI JOIN {quoted(CURRENT)}.{quoted(repository)} USING (dataset_id, lot)"
        self._connection.execute(f"CREATE OR REPLACE VIEW {quoted(repository)}.{quoted(table.name)} AS {source}")

    def _typed(self, table: TableSnapshot) -> str:
        """Return a SELECT with the table's declared columns: files written before a column was added lack it."""
        declared = self._declared(table)
        if not table.files:
            columns = ", ".join(
                f"NULL::{kind} AS {quoted(name)}" for name, kind in declared if (table.name, name) not in _NOT_SHOWN
            )
            return f"SELECT * FROM (SELECT {columns} WHERE false) {quoted(table.name)}"
        described = self._connection.execute(f"DESCRIBE SELECT * FROM {_scan(table)}").fetchall()
        found = {str(row[0]): str(row[1]) for row in described}
        columns = ", ".join(
            _UNFOLDED
            if (table.name, name) == ("matrix", "values") and "spans" in found
            else quoted(name)
            if found.get(name) == kind
            else f"{_value(name, found)}::{kind} AS {quoted(name)}"
            for name, kind in declared
            if (table.name, name) not in _NOT_SHOWN
        )
        return f"SELECT * FROM (SELECT {columns} FROM {_scan(table)}) {quoted(table.name)}"

    def _declared(self, table: TableSnapshot) -> list[tuple[str, str]]:
        self._connection.register("declared columns", decoded_schema(table.schema).empty_table())
        try:
            rows = self._connection.execute('DESCRIBE SELECT * FROM "declared columns"').fetchall()
        finally:
            self._connection.unregister("declared columns")
        return [(str(row[0]), str(row[1])) for row in rows]

    def _show_long(self, repository: str) -> None:
        schema = quoted(repository)
        self._connection.execute(
            f"CREATE OR REPLACE VIEW {schema}.matrix_long AS "
            "SELECT dataset_id, layer, feature_id, unnest(sample_ids) AS sample_id, unnest(values) AS value "
            f"FROM {schema}.matrix JOIN (SELECT dataset_id, lot, list(sample_id ORDER BY position) AS sample_ids "
            f"FROM {schema}.samples GROUP BY ALL) USING (dataset_id, lot)"
        )

    def show_matrix(self, reference: MatrixReference, snapshot: RepositorySnapshot) -> None:
        """Make `data_matrices.<name>` stand for a dataset: one row per feature and layer, one column per sample.

        Raises:
            UnknownTable: The repository has no such dataset.
            MatrixTooWide: It has more samples than a result may have columns.
        """
        tokens = tuple(table.token for table in snapshot.tables)
        if self._matrices.get(reference.name) == tokens:
            return
        schema = quoted(reference.repository)
        rows = self._connection.execute(
            f"SELECT dataset_id, lot FROM {quoted(CURRENT)}.{schema} "
            "WHERE dataset_id = $1 OR lower(dataset_id) = lower($1) ORDER BY dataset_id <> $1, dataset_id LIMIT 1",
            [reference.dataset_id],
        ).fetchall()
        if not rows:
            raise errors.UnknownTable(
                f"{MATRICES}.{reference.name}: {reference.repository} has no dataset {reference.dataset_id}. "
                f"List them with SELECT dataset_id FROM {reference.repository}.datasets.",
                reference.position,
            )
        dataset_id, lot = (str(part) for part in rows[0])
        samples = [
            str(found[0])
            for found in self._connection.execute(
                f"SELECT sample_id FROM {schema}.samples WHERE dataset_id = ? AND lot = ? ORDER BY position",
                [dataset_id, lot],
            ).fetchall()
        ]
        if len(samples) > self._matrix_columns:
            raise errors.MatrixTooWide(
                f"{MATRICES}.{reference.name} has {len(samples)} samples, more than {self._matrix_columns} columns. "
                f"Read {reference.repository}.matrix_long WHERE dataset_id = {text(dataset_id)} instead.",
                reference.position,
            )
        columns = [
            f'"values"[{index}] AS {quoted(name)}' for index, name in enumerate(sample_columns(samples), start=1)
        ]
        self._connection.execute(
            f"CREATE OR REPLACE VIEW {quoted(MATRICES)}.{quoted(reference.name)} AS "
            f"SELECT {', '.join(['feature_id', 'feature_id AS rid', 'layer', *columns])} "
            f"FROM {schema}.matrix WHERE dataset_id = {text(dataset_id)} AND lot = {text(lot)}"
        )
        self._matrices[reference.name] = tokens

    def show_empty_matrix(self, matrix: MatrixColumns) -> None:
        """Make `data_matrices.<name>` stand for a matrix without rows."""
        columns = ["feature_id", "feature_id AS rid", "layer"]
        columns += [f"NULL::DOUBLE AS {quoted(name)}" for name in sample_columns(list(matrix.samples))]
        self._connection.execute(
            f"CREATE OR REPLACE VIEW {quoted(MATRICES)}.{quoted(matrix.name)} AS SELECT {', '.join(columns)} "
            "FROM (SELECT NULL::VARCHAR AS feature_id, NULL::VARCHAR AS layer WHERE false)"
        )

    def show_search(self, name: str, found: "pa.Table", repositories: list[str]) -> None:
        """Make a table of a search's hits, without datasets that are no longer (or not yet) in the lake."""
        current = " UNION ALL ".join(
            f"SELECT {text(repository)} AS repository, dataset_id FROM {quoted(CURRENT)}.{quoted(repository)}"
            for repository in repositories
        )
        condition = f"SEMI JOIN ({current}) USING (repository, dataset_id)" if repositories else "WHERE false"
        self._connection.register("found", found)
        try:
            self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(name)} AS SELECT * FROM found {condition}")
        finally:
            self._connection.unregister("found")

    def columns(self, repository: str, table: str) -> list[str]:
        """Return the names of a shown table's columns."""
        rows = self._connection.execute(
            "SELECT column_name FROM duckdb_columns() WHERE schema_name = ? AND table_name = ?", [repository, table]
        ).fetchall()
        return [str(row[0]) for row in rows]


def sample_columns(samples: list[str]) -> list[str]:
    """Return column names for samples: their ids, numbered (`_2`) where they differ in case only, which SQL ignores."""
    taken = {name.lower() for name in _FIXED_COLUMNS}
    names = []
    for sample in samples:
        name, number = sample, 2
        while name.lower() in taken:
            name, number = f"{sample}_{number}", number + 1
        taken.add(name.lower())
        names.append(name)
    return names


def _scan(table: TableSnapshot) -> str:
    return f"read_parquet([{', '.join(text(file) for file in table.files)}], union_by_name = true)"


def _value(name: str, found: dict[str, str]) -> str:
    return quoted(name) if name in found else "NULL"
