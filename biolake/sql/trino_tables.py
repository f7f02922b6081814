"""What `<repository>.<table>` means on Trino: a SELECT over the lake's Delta tables, each at one version.

The twin of `relations`, which says the same in DuckDB's views. Rows of `samples`, `features` and `matrix` show only
while their `(dataset_id, lot)` is in `datasets`. Making the tables known to Trino is in `trino_registry`.
"""

# ruff: noqa: S608 - names and values go through `quoted` and `text`

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from biolake.lake.schemas import REPOSITORY_TABLES, VERSIONED_BY_DATASETS
from biolake.sql.catalog import MATRIX_LONG
from biolake.sql.models import SEARCH_COLUMNS
from biolake.sql.names import LONG
from biolake.sql.relations import quoted, sample_columns, text
from biolake.sql.versions import TableVersion
from biolake.sql.wire import decoded_schema

if TYPE_CHECKING:
    import pyarrow as pa

_VERSIONED = frozenset(schema.name for schema in VERSIONED_BY_DATASETS)
_NOT_SHOWN = frozenset(
    (schema.name, column.name) for schema in REPOSITORY_TABLES for column in schema.columns if not column.shown
)
# Of a sparse row, each value and the zeros after it; of any other, the values as they are.
_UNFOLDED = (
    'CASE WHEN t.spans IS NULL THEN t."values" ELSE flatten(zip_with(t."values", t.spans, '
    '(item, span) -> ARRAY[item] || repeat(0e0, span - 1))) END AS "values"'
)
_SEARCH_TYPES = ("VARCHAR", "VARCHAR", "DOUBLE", "BIGINT", "VARCHAR")


@dataclass(frozen=True)
class RepositoryTables:
    """A repository's tables that a statement needs, at their versions.

    Attributes:
        location: By table, its name on Trino, quoted.
        versions: By table, its version.
    """

    location: Mapping[str, str]
    versions: Mapping[str, TableVersion]

    def select(self, table: str) -> str:
        """Return the SELECT that a table, or `matrix_long`, stands for."""
        if table == LONG:
            return self._long()
        version = self.versions[table]
        schema = decoded_schema(version.schema)
        if version.version is None:
            columns = ", ".join(
                f"CAST(NULL AS {trino_type(field.type)}) AS {quoted(field.name)}"
                for field in schema
                if (table, field.name) not in _NOT_SHOWN
            )
            return f"SELECT {columns} WHERE false"
        columns = ", ".join(
            _UNFOLDED if (table, name) == ("matrix", "values") and "spans" in schema.names else f"t.{quoted(name)}"
            for name in schema.names
            if (table, name) not in _NOT_SHOWN
        )
        source = f"SELECT {columns} FROM {self._at(table)} t"
        if table in _VERSIONED:
            source += f" JOIN ({self.current()}) c ON t.dataset_id = c.dataset_id AND t.lot = c.lot"
        return source

    def columns(self, table: str) -> tuple[str, ...]:
        """Return the names of a table's columns, in order."""
        if table == LONG:
            return tuple(MATRIX_LONG)
        names = decoded_schema(self.versions[table].schema).names
        return tuple(name for name in names if (table, name) not in _NOT_SHOWN)

    def current(self) -> str:
        """Return the SELECT of each current dataset's `dataset_id` and `lot`."""
        return f"SELECT DISTINCT dataset_id, lot FROM {self._at('datasets')}"

    def select_matrix(self, dataset_id: str, lot: str, samples: Sequence[str]) -> str:
        """Return the SELECT of one dataset's matrix, with a column for each of its samples."""
        columns = ["feature_id", "feature_id AS rid", "layer"]
        columns += [
            f'element_at("values", {place}) AS {quoted(name)}'
            for place, name in enumerate(sample_columns(list(samples)), start=1)
        ]
        condition = f"dataset_id = {text(dataset_id)} AND lot = {text(lot)}"
        return f"SELECT {', '.join(columns)} FROM ({self.select('matrix')}) m WHERE {condition}"

    def select_samples(self, dataset_id: str) -> str:
        """Return the SELECT of a dataset's id, lot and samples in order: its own spelling before others of its id."""
        wanted = text(dataset_id)
        samples = "SELECT dataset_id, lot, sample_id, position FROM"
        return (
            f"SELECT d.dataset_id, d.lot, s.sample_id FROM (SELECT dataset_id, lot FROM ({self.current()}) WHERE "
            f"dataset_id = {wanted} OR lower(dataset_id) = lower({wanted}) ORDER BY dataset_id <> {wanted}, dataset_id "
            f"LIMIT 1) d LEFT JOIN ({samples} ({self.select('samples')})) s ON s.dataset_id = d.dataset_id "
            "AND s.lot = d.lot ORDER BY s.position"
        )

    def _long(self) -> str:
        return (
            "SELECT m.dataset_id, m.layer, m.feature_id, u.sample_id, u.value "
            f"FROM ({self.select('matrix')}) m JOIN (SELECT dataset_id, lot, "
            f"array_agg(sample_id ORDER BY position) AS sample_ids FROM ({self.select('samples')}) "
            "GROUP BY dataset_id, lot) s ON s.dataset_id = m.dataset_id AND s.lot = m.lot "
            'CROSS JOIN UNNEST(s.sample_ids, m."values") AS u(sample_id, value)'
        )

    def _at(self, table: str) -> str:
        return f"{self.location[table]} FOR VERSION AS OF {self.versions[table].version}"


def select_found(found: "pa.Table", current: Mapping[str, str]) -> str:
    """Return the SELECT of a search's hits, without datasets that are no longer (or not yet) in the lake.

    Args:
        found: The hits.
        current: By repository, the SELECT of its current datasets.
    """
    kept = [row for row in found.to_pylist() if row["repository"] in current]
    if not kept:
        columns = zip(SEARCH_COLUMNS, _SEARCH_TYPES, strict=True)
        return f"SELECT {', '.join(f'CAST(NULL AS {kind}) AS {quoted(name)}' for name, kind in columns)} WHERE false"
    names = ", ".join(quoted(name) for name in SEARCH_COLUMNS)
    rows = ", ".join(
        f"({_text(row['repository'])}, {_text(row['dataset_id'])}, CAST('{row['score']!r}' AS DOUBLE), "
        f"CAST({row['rank']} AS BIGINT), {_text(row['title'])})"
        for row in kept
    )
    there = " UNION ALL ".join(
        f"SELECT {text(repository)} AS repository, dataset_id FROM ({select})" for repository, select in current.items()
    )
    return (
        f"SELECT f.* FROM (VALUES {rows}) AS f({names}) JOIN ({there}) c "
        "ON f.repository = c.repository AND f.dataset_id = c.dataset_id"
    )


def trino_type(kind: "pa.DataType") -> str:
    """Return Trino's name of an Arrow type that the lake's tables have."""
    import pyarrow as pa

    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"ARRAY({trino_type(kind.value_type)})"
    if pa.types.is_map(kind):
        return f"MAP({trino_type(kind.key_type)}, {trino_type(kind.item_type)})"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP(6) WITH TIME ZONE" if kind.tz else "TIMESTAMP(6)"
    names = {"int8": "TINYINT", "int16": "SMALLINT", "int32": "INTEGER", "int64": "BIGINT", "bool": "BOOLEAN"}
    names |= {"float": "REAL", "double": "DOUBLE", "date32[day]": "DATE", "binary": "VARBINARY"}
    return names.get(str(kind), "VARCHAR")


def _text(value: str | None) -> str:
    return "CAST(NULL AS VARCHAR)" if value is None else text(value)
