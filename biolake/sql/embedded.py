"""The embedded engine: DuckDB over the lake's Delta tables, in sandboxed processes.

Names are resolved in `names`; whether a statement may run is decided in `statement`, what the tables hold is in
`relations`, and the processes are in `process`.
"""

import time
from collections.abc import Collection
from types import TracebackType
from typing import TYPE_CHECKING, Self

from biolake.sql import errors
from biolake.sql.answers import answer_command
from biolake.sql.commands import read_command
from biolake.sql.models import Limits, Parameters, SearchSource
from biolake.sql.names import LakeNames, Named, found_by
from biolake.sql.parameters import plain_parameters
from biolake.sql.process import Worker, WorkerPool, accepted, inspect
from biolake.sql.result import QueryResult
from biolake.sql.snapshots import LakeSnapshots
from biolake.sql.wire import (
    MISSING_FILE,
    Execute,
    Executed,
    Failed,
    Inspected,
    Message,
    RepositorySnapshot,
)

if TYPE_CHECKING:
    import pyarrow as pa

_GRACE_SECONDS = 1.0


class EmbeddedEngine:
    """Answers statements over one lake. Safe to share between threads; close it to end its processes."""

    def __init__(self, lake: LakeSnapshots, search: SearchSource | None = None, limits: Limits | None = None) -> None:
        self._lake = lake
        self._names = LakeNames(lake.versions)
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
        if command is not None:

            def ask(made: str) -> QueryResult:
                return self.query(made, max_rows=max_rows, timeout=timeout, repositories=visible)

            return answer_command(command, self._names, visible, ask)
        seconds = min(timeout or self._limits.seconds, self._limits.seconds)
        rows = min(self._limits.rows if max_rows is None else max(0, max_rows), self._limits.rows)
        deadline = started + seconds
        try:
            with self._pool.lend(deadline) as worker:
                inspected = inspect(worker, sql, deadline + _GRACE_SECONDS)
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
        found = [found_by(self._search, call, parameters, visible) for call in inspected.searches]
        names = self._names.resolve(inspected.tables, visible)
        self._names.note_found(names, found)
        streams = [_stream(table) for table in found]

        def execute() -> tuple[Message, memoryview]:
            request = Execute(
                sql,
                plain_parameters(parameters),
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
        reply = accepted(message)
        assert isinstance(reply, Executed), reply
        return reply, payload

    def _snapshots(self, names: Named) -> tuple[RepositorySnapshot, ...]:
        taken = []
        for repository, tables in names.tables.items():
            snapshot = self._lake.snapshot(repository, tables)
            if snapshot is None:
                raise errors.UnknownTable(
                    f"repository {repository} lost a table ({', '.join(sorted(tables))}) just now. Try again."
                )
            taken.append(snapshot)
        return tuple(taken)

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


def _stream(table: "pa.Table") -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()
