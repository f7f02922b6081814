"""The embedded engine: DuckDB over the lake's Delta tables, in sandboxed processes.

Here a statement's names are resolved against the lake; whether it may run is decided in `statement`, what the names
mean is in `relations`, and the processes are in `process`.
"""

# ruff: noqa: S608 - statements made here are checked like users' in the process that runs them

import re
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from biolake.sql import errors
from biolake.sql.catalog import describe_columns, schemas_table, tables_table
from biolake.sql.commands import Describe, ShowSchemas, ShowTables, read_command
from biolake.sql.models import MATRICES, SEARCH_COLUMNS, Limits, Parameters, SearchSource
from biolake.sql.process import Worker, WorkerPool
from biolake.sql.result import QueryResult
from biolake.sql.snapshots import LakeSnapshots
from biolake.sql.syntax_tree import nearest
from biolake.sql.wire import (
    MISSING_FILE,
    Execute,
    Executed,
    Failed,
    Inspect,
    Inspected,
    MatrixReference,
    Message,
    RepositorySnapshot,
    SearchCall,
    TableReference,
)

if TYPE_CHECKING:
    import pyarrow as pa

_GRACE_SECONDS = 1.0
_LONG = "matrix_long"


@dataclass
class _Names:
    """What a statement names, resolved: tables by repository, and matrices."""

    tables: dict[str, set[str]] = field(default_factory=dict)
    matrices: dict[str, MatrixReference] = field(default_factory=dict)

    def add(self, repository: str, *tables: str) -> None:
        self.tables.setdefault(repository, {"datasets"} if _needs_datasets(tables) else set()).update(tables)
        if _needs_datasets(tables):
            self.tables[repository].add("datasets")


class EmbeddedEngine:
    """Answers statements over one lake. Safe to share between threads; close it to end its processes."""

    def __init__(self, lake: LakeSnapshots, search: SearchSource | None = None, limits: Limits | None = None) -> None:
        self._lake = lake
        self._search = search
        self._limits = limits or Limits()
        self._pool = WorkerPool(self._limits, lake.folders)

    def query(
        self,
        sql: str,
        parameters: Parameters | None = None,
        *,
        max_rows: int | None = None,
        timeout: float | None = None,
        repositories: Collection[str] | None = None,
    ) -> QueryResult:
        """Answer one statement; see :class:`biolake.sql.models.SqlEngine`."""
        started = time.monotonic()
        visible = None if repositories is None else frozenset(repositories)
        command = read_command(sql)
        if isinstance(command, ShowSchemas):
            return QueryResult.of(schemas_table(self._visible(visible)), time.monotonic() - started)
        if isinstance(command, ShowTables) and (command.repository or "").lower() != MATRICES:
            return self._show_tables(command, visible, started)
        if isinstance(command, ShowTables):
            return self._show_matrices(visible, max_rows, timeout)
        if isinstance(command, Describe):
            shape = self.query(f"SELECT * FROM {command.table} LIMIT 0", repositories=repositories)
            name = command.table.replace('"', "").split(".")[-1].strip().lower()
            return QueryResult.of(describe_columns(name, shape.columns), time.monotonic() - started)
        seconds = min(timeout or self._limits.seconds, self._limits.seconds)
        rows = min(self._limits.rows if max_rows is None else max(0, max_rows), self._limits.rows)
        deadline = started + seconds
        try:
            with self._pool.lend(deadline) as worker:
                inspected = self._inspect(worker, sql, deadline)
                message, payload = self._answer(worker, sql, inspected, parameters, rows, deadline, visible)
        except errors.QueryTimedOut as error:
            raise errors.QueryTimedOut(
                f"no answer within {seconds:g} s. Select less, filter by feature_id or dataset_id, or give it longer."
            ) from error
        return QueryResult.read(payload, message, time.monotonic() - started)

    def _answer(
        self,
        worker: Worker,
        sql: str,
        inspected: Inspected,
        parameters: Parameters | None,
        rows: int,
        deadline: float,
        visible: frozenset[str] | None,
    ) -> tuple[Executed, memoryview]:
        found = [self._found(call, parameters, visible) for call in inspected.searches]
        names = self._resolve(inspected.tables, visible)
        for table in found:
            for repository in table.column("repository").unique().to_pylist():
                if self._lake.snapshot(repository, {"datasets"}) is not None:
                    names.add(repository, "datasets")
        streams = [_stream(table) for table in found]

        def execute() -> tuple[Message, memoryview]:
            request = Execute(
                sql,
                _plain(parameters),
                max(0.01, deadline - time.monotonic()),
                rows,
                self._limits.result_bytes,
                self._snapshots(names),
                tuple(names.matrices.values()),
                tuple(len(stream) for stream in streams),
            )
            return worker.ask(request, deadline + _GRACE_SECONDS, b"".join(streams))

        message, payload = execute()
        if isinstance(message, Failed) and message.error == MISSING_FILE:
            # Maintenance removed a file that an old snapshot still had: take a new snapshot, once.
            for repository in names.tables:
                self._lake.forget(repository)
            message, payload = execute()
        reply = _accepted(message)
        assert isinstance(reply, Executed), reply
        return reply, payload

    def _inspect(self, worker: Worker, sql: str, deadline: float) -> Inspected:
        try:
            reply, _ = worker.ask(Inspect(sql), deadline + _GRACE_SECONDS)
        except errors.QueryProcessDied:
            # It died between statements, which is nobody's fault here: one new process may try.
            worker.restart()
            reply, _ = worker.ask(Inspect(sql), deadline + _GRACE_SECONDS)
        inspected = _accepted(reply)
        assert isinstance(inspected, Inspected), inspected
        return inspected

    def _visible(self, visible: frozenset[str] | None) -> list[str]:
        return [name for name in self._lake.repositories() if visible is None or name in visible]

    def _show_tables(self, command: ShowTables, visible: frozenset[str] | None, started: float) -> QueryResult:
        known = self._visible(visible)
        if command.repository is not None:
            chosen = _match(command.repository, known)
            if chosen is None:
                raise errors.UnknownTable(_no_repository(command.repository, known))
            known = [chosen]
        listing = {name: _shown(self._lake.tables(name)) for name in known}
        return QueryResult.of(tables_table(listing), time.monotonic() - started)

    def _show_matrices(
        self, visible: frozenset[str] | None, max_rows: int | None, timeout: float | None
    ) -> QueryResult:
        known = [name for name in self._visible(visible) if "datasets" in self._lake.tables(name)]
        parts = [
            f"SELECT '{MATRICES}' AS repository, '{name}__' || dataset_id AS \"table\", title AS description "
            f'FROM "{name}".datasets WHERE n_values > 0'
            for name in known
        ]
        if not parts:
            return QueryResult.of(tables_table({}), 0.0)
        statement = " UNION ALL ".join(parts) + ' ORDER BY "table"'
        return self.query(statement, max_rows=max_rows, timeout=timeout)

    def _resolve(self, tables: tuple[TableReference, ...], visible: frozenset[str] | None) -> _Names:
        names = _Names()
        for reference in tables:
            if len(reference.path) != 2:
                raise errors.UnknownTable(self._unqualified(reference, visible), reference.position)
            schema, table = reference.path
            if schema.lower() == MATRICES:
                matrix = self._matrix(table, reference, visible)
                names.matrices[matrix.name] = matrix
                names.add(matrix.repository, "datasets", "samples", "matrix")
                continue
            repository = self._repository(schema, visible)
            if repository is None:
                raise errors.UnknownTable(_no_repository(schema, self._visible(visible)), reference.position)
            if table.lower() == _LONG:
                self._require_datasets(repository, reference)
                names.add(repository, "datasets", "samples", "matrix")
                continue
            name = self._table(repository, table)
            if name is None:
                known = _shown(self._lake.tables(repository))
                near = nearest(table, known) or known
                raise errors.UnknownTable(
                    f"repository {repository} has no table {table}. Did you mean {' or '.join(near)}?",
                    reference.position,
                )
            if _needs_datasets({name}):
                self._require_datasets(repository, reference)
            names.add(repository, name)
        return names

    def _repository(self, name: str, visible: frozenset[str] | None) -> str | None:
        """Return the repository that `name` means; the lake is listed only where the name is not its exact spelling."""
        if (visible is None or name in visible) and self._lake.snapshot(name, {"datasets"}) is not None:
            return name
        return _match(name, self._visible(visible))

    def _require_datasets(self, repository: str, reference: TableReference) -> None:
        if self._lake.snapshot(repository, {"datasets"}) is None:
            raise errors.UnknownTable(
                f"{'.'.join(reference.path)}: {repository} has no table datasets, so none of its rows count.",
                reference.position,
            )

    def _table(self, repository: str, name: str) -> str | None:
        lowered = name.lower()
        if self._lake.snapshot(repository, {lowered}) is not None:
            return lowered
        return _match(name, self._lake.tables(repository))

    def _matrix(self, name: str, reference: TableReference, visible: frozenset[str] | None) -> MatrixReference:
        for split in re.finditer("__", name):
            repository = self._repository(name[: split.start()], visible)
            if repository is not None and name[split.end() :]:
                self._require_datasets(repository, reference)
                return MatrixReference(name, repository, name[split.end() :], reference.position)
        raise errors.UnknownTable(
            f"there is no {MATRICES}.{name}. A matrix is called {MATRICES}.<repository>__<dataset_id>; list them with "
            f"SHOW TABLES IN {MATRICES}.",
            reference.position,
        )

    def _unqualified(self, reference: TableReference, visible: frozenset[str] | None) -> str:
        known = self._visible(visible)
        table = reference.path[-1]
        if reference.path[0].lower() in ("information_schema", "pg_catalog"):
            return f"{'.'.join(reference.path)} is not shown. Use SHOW TABLES and DESCRIBE."
        example = next((name for name in known if table.lower() in _shown(self._lake.tables(name))), None)
        hint = f"Did you mean {example}.{table.lower()}?" if example else "List the tables with SHOW TABLES."
        return f"there is no table {'.'.join(reference.path)}. Tables are called <repository>.<table>. {hint}"

    def _snapshots(self, names: _Names) -> tuple[RepositorySnapshot, ...]:
        taken = []
        for repository, tables in names.tables.items():
            snapshot = self._lake.snapshot(repository, tables)
            if snapshot is None:
                raise errors.UnknownTable(
                    f"repository {repository} lost a table ({', '.join(sorted(tables))}) just now. Try again."
                )
            taken.append(snapshot)
        return tuple(taken)

    def _found(self, call: SearchCall, parameters: Parameters | None, visible: frozenset[str] | None) -> "pa.Table":
        import pyarrow as pa

        if self._search is None:
            raise errors.SearchUnavailable(
                "this engine was opened without a search index. Open it with one, or use LIKE.", call.position
            )
        text = call.text if call.parameter is None else _parameter(call.parameter, parameters, call.position)
        found = self._search(str(text), **call.options)
        schema = pa.schema(
            zip(SEARCH_COLUMNS, (pa.string(), pa.string(), pa.float64(), pa.int64(), pa.string()), strict=True)
        )
        table = found.select(list(SEARCH_COLUMNS)).cast(schema)
        if visible is not None:
            seen = [name in visible for name in table.column("repository").to_pylist()]
            table = table.filter(pa.array(seen, pa.bool_()))
        return table

    def process_ids(self) -> list[int]:
        """Return the operating system's numbers of the processes that wait for statements."""
        return self._pool.process_ids()

    def close(self) -> None:
        """End the engine's processes."""
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _accepted(reply: Message) -> Message:
    if not isinstance(reply, Failed):
        return reply
    if reply.error == MISSING_FILE:
        raise errors.LakeFileMissing(f"a file of the lake could not be read: {reply.message}. Verify the lake.")
    kind = getattr(errors, reply.error, errors.InvalidStatement)
    raise kind(reply.message, reply.position)


def _needs_datasets(tables: Collection[str]) -> bool:
    return bool({"datasets", "samples", "features", "matrix"} & set(tables))


def _shown(tables: list[str]) -> list[str]:
    return [*tables, _LONG] if "matrix" in tables else tables


def _match(name: str, known: Collection[str]) -> str | None:
    """Return the one of `known` that `name` spells: exactly, or but for case when only one does."""
    if name in known:
        return name
    alike = [k for k in known if k.lower() == name.lower()]
    return alike[0] if len(alike) == 1 else None


def _no_repository(name: str, known: list[str]) -> str:
    near = nearest(name, tuple(known))
    hint = f"Did you mean {' or '.join(near)}?" if near else "List them with SHOW SCHEMAS."
    return f"there is no repository {name}. {hint}"


def _parameter(name: str, parameters: Parameters | None, position: int) -> Any:
    given: Any = parameters or {}
    if isinstance(given, Mapping) and name in given:
        return given[name]
    if not isinstance(given, Mapping) and name.isdigit() and 0 < int(name) <= len(given):
        return given[int(name) - 1]
    raise errors.InvalidStatement(f"there is no value for the parameter {name}. Pass it in `parameters`.", position)


def _plain(parameters: Parameters | None) -> Any:
    if parameters is None or isinstance(parameters, Mapping):
        return None if parameters is None else dict(parameters)
    return list(parameters)


def _stream(table: "pa.Table") -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()
