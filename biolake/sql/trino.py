"""The engine for lakes that are larger than a machine: Trino over the same Delta tables, with the same statements.

DuckDB's check, on tables without rows, is this engine's check, too: what is refused, and what a mistake is called, does
not depend on the engine. `trino_spelling` and `trino_translation` make Trino's SQL of a statement that passed.
"""

import secrets
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from biolake.sql import errors
from biolake.sql.catalog import DATA_MATRIX
from biolake.sql.lake_engine import GRACE_SECONDS, LakeEngine
from biolake.sql.models import MATRICES, SEARCH_COLUMNS, Limits, Parameters, SearchSource
from biolake.sql.names import Named, Visible, found_by
from biolake.sql.parameters import plain_parameters
from biolake.sql.process import Worker, accepted, inspect
from biolake.sql.relations import sample_columns
from biolake.sql.result import QueryResult
from biolake.sql.trino_connection import TrinoAddress, TrinoConnection, TrinoRows, typed_error
from biolake.sql.trino_positions import WrittenStatement
from biolake.sql.trino_registry import UNKNOWN, TrinoRegistry
from biolake.sql.trino_result import arrow_table
from biolake.sql.trino_tables import RepositoryTables, select_found
from biolake.sql.trino_translation import Source, to_trino
from biolake.sql.versions import LakeVersions
from biolake.sql.wire import (
    Bind,
    Bound,
    Inspected,
    MatrixColumns,
    MatrixReference,
    RepositorySnapshot,
    TableSnapshot,
    decoded_schema,
)

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class _Matrix:
    """A dataset's matrix at one version: which lot it is, and its samples in order."""

    dataset_id: str
    lot: str
    samples: tuple[str, ...]


class TrinoEngine(LakeEngine):
    """Answers statements over one lake on S3. Safe to share between threads; close it to end its processes.

    Args:
        lake: The lake's versions.
        address: The Trino.
        search: Answers `search('text')` in statements.
        limits: What statements may cost; Trino's own limits hold beside them.
    """

    def __init__(
        self,
        lake: LakeVersions,
        address: TrinoAddress,
        search: SearchSource | None = None,
        limits: Limits | None = None,
    ) -> None:
        super().__init__(lake, (), search, limits)
        self._lake = lake
        self._connection = TrinoConnection(address)
        self._registry = TrinoRegistry(self._connection, lake.url)
        self._matrices: dict[tuple[str, ...], _Matrix] = {}
        self._lock = threading.Lock()

    def _select(
        self, sql: str, parameters: Parameters | None, rows: int, started: float, deadline: float, visible: Visible
    ) -> QueryResult:
        bound, _, found = self._answer(sql, parameters, rows, deadline, visible)
        table = arrow_table(bound.names, decoded_schema(bound.schema), found.rows, found.names)
        return QueryResult.made(
            table, bound.types, time.monotonic() - started, truncated=found.truncated, scanned_bytes=found.scanned_bytes
        )

    def trino_sql(
        self, sql: str, parameters: Parameters | None = None, *, repositories: Collection[str] | None = None
    ) -> str:
        """Return what Trino would be given for a SELECT, at the versions that the tables have now."""
        visible = None if repositories is None else frozenset(repositories)
        deadline = time.monotonic() + self._limits.seconds
        return self._answer(sql, parameters, None, deadline, visible)[1].text

    def _answer(
        self, sql: str, parameters: Parameters | None, rows: int | None, deadline: float, visible: Visible
    ) -> tuple[Bound, WrittenStatement, TrinoRows]:
        """Answer a statement; where `rows` is None, only write it for Trino."""
        with self._pool.lend(deadline) as worker:
            inspected = inspect(worker, sql, deadline + GRACE_SECONDS)
            found = [found_by(self._search, call, parameters, visible) for call in inspected.searches]
            named = self._names.resolve(inspected.tables, visible)
            self._names.note_found(named, found)
            for attempt in (1, 2):
                tables = self._tables(named)
                try:
                    matrices = {
                        name: self._matrix(reference, tables[reference.repository], deadline)
                        for name, reference in named.matrices.items()
                    }
                    bound = self._bind(worker, sql, parameters, tables, matrices, deadline)
                    statement = self._written(bound, inspected, named, tables, matrices, found)
                    if rows is None:
                        return bound, statement, TrinoRows([])
                    return bound, statement, self._run(sql, statement, tables, rows, deadline)
                except errors.LakeFileMissing:
                    # Maintenance removed a file that an old version still had: take the newest one, once.
                    if attempt == 2:
                        raise
                    for repository in named.tables:
                        self._lake.forget(repository)
        raise AssertionError

    def _tables(self, named: Named) -> dict[str, RepositoryTables]:
        taken = {}
        for repository, tables in named.tables.items():
            versions = self._lake.versions(repository, tables)
            if versions is None:
                raise errors.UnknownTable(
                    f"repository {repository} lost a table ({', '.join(sorted(tables))}) just now. Try again."
                )
            taken[repository] = RepositoryTables(
                {version.name: self._registry.location(repository, version.name) for version in versions},
                {version.name: version for version in versions},
            )
        return taken

    def _bind(
        self,
        worker: Worker,
        sql: str,
        parameters: Parameters | None,
        tables: dict[str, RepositoryTables],
        matrices: dict[str, _Matrix],
        deadline: float,
    ) -> Bound:
        snapshots = tuple(
            RepositorySnapshot(
                repository,
                tuple(TableSnapshot(v.name, v.token, (), v.schema) for v in one.versions.values()),
            )
            for repository, one in tables.items()
        )
        request = Bind(
            sql,
            plain_parameters(parameters),
            max(0.01, deadline - time.monotonic()),
            snapshots,
            tuple(MatrixColumns(name, matrix.samples) for name, matrix in matrices.items()),
            f"b{secrets.token_hex(8)}",
        )
        reply, _ = worker.ask(request, deadline + GRACE_SECONDS)
        bound = accepted(reply)
        assert isinstance(bound, Bound), bound
        return bound

    def _written(
        self,
        bound: Bound,
        inspected: Inspected,
        named: Named,
        tables: dict[str, RepositoryTables],
        matrices: dict[str, _Matrix],
        found: "list[pa.Table]",
    ) -> WrittenStatement:
        sources: dict[str, Source] = {}
        for index, reference in enumerate(inspected.tables):
            schema, name = reference.path
            if schema.lower() == MATRICES:
                matrix, repository = matrices[name], named.matrices[name].repository
                select = tables[repository].select_matrix(matrix.dataset_id, matrix.lot, matrix.samples)
                columns = (*DATA_MATRIX, *sample_columns(list(matrix.samples)))
            else:
                repository, table = named.references[reference.path]
                select, columns = tables[repository].select(table), tables[repository].columns(table)
            sources[f"{bound.mark}_table_{index}"] = Source(select, name, columns)
        for index, hits in enumerate(found):
            there = {name for name in hits.column("repository").unique().to_pylist() if name in tables}
            current = {name: tables[name].current() for name in sorted(there)}
            sources[f"{bound.mark}_search_{index}"] = Source(select_found(hits, current), "search", SEARCH_COLUMNS)
        return to_trino(bound.marked, bound.mark, sources, translated=bound.translated)

    def _run(
        self, sql: str, statement: WrittenStatement, tables: dict[str, RepositoryTables], rows: int, deadline: float
    ) -> TrinoRows:
        from trino.exceptions import TrinoQueryError

        try:
            return self._asked(statement.text, tables, rows, deadline)
        except TrinoQueryError as error:
            raise typed_error(error, statement.original_position(sql, error.error_location)) from error

    def _asked(self, text: str, tables: dict[str, RepositoryTables], rows: int | None, deadline: float) -> TrinoRows:
        """Ask Trino; where it does not know a table yet, register all and ask again."""
        from trino.exceptions import TrinoQueryError

        def ask() -> TrinoRows:
            left = max(0.01, deadline - time.monotonic())
            return self._connection.rows(text, left, most_rows=rows, most_bytes=self._limits.result_bytes)

        try:
            return ask()
        except TrinoQueryError as error:
            if error.error_name not in UNKNOWN:
                raise
        written = [
            (repository, version.name)
            for repository, one in tables.items()
            for version in one.versions.values()
            if version.version is not None
        ]
        self._registry.register(written)
        return ask()

    def _matrix(self, reference: MatrixReference, tables: RepositoryTables, deadline: float) -> _Matrix:
        from trino.exceptions import TrinoQueryError

        key = (reference.name, *(version.token for version in tables.versions.values()))
        with self._lock:
            known = self._matrices.get(key)
        if known is not None:
            return known
        select = tables.select_samples(reference.dataset_id)
        try:
            rows: list[list[Any]] = self._asked(select, {reference.repository: tables}, None, deadline).rows
        except TrinoQueryError as error:
            raise typed_error(error, reference.position) from error
        if not rows:
            raise errors.UnknownTable(
                f"{MATRICES}.{reference.name}: {reference.repository} has no dataset {reference.dataset_id}. "  # noqa: S608
                f"List them with SELECT dataset_id FROM {reference.repository}.datasets.",
                reference.position,
            )
        matrix = _Matrix(rows[0][0], rows[0][1], tuple(row[2] for row in rows if row[2] is not None))
        if len(matrix.samples) > self._limits.matrix_columns:
            raise errors.MatrixTooWide(
                f"{MATRICES}.{reference.name} has {len(matrix.samples)} samples, more than "
                f"{self._limits.matrix_columns} columns. Read {reference.repository}.matrix_long instead.",
                reference.position,
            )
        with self._lock:
            if len(self._matrices) >= 1_000:
                self._matrices.clear()
            self._matrices[key] = matrix
        return matrix
