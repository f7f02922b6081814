"""The embedded engine: DuckDB over the lake's Delta tables, in sandboxed processes.

Names are resolved in `names`; whether a statement may run is decided in `statement`, what the tables hold is in
`relations`, and the processes are in `process`.
"""

import time
from typing import TYPE_CHECKING

from biolake.sql import errors
from biolake.sql.lake_engine import GRACE_SECONDS, LakeEngine
from biolake.sql.models import Limits, Parameters, SearchSource
from biolake.sql.names import Named, Visible, found_by
from biolake.sql.parameters import plain_parameters
from biolake.sql.process import Worker, accepted, inspect
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


class EmbeddedEngine(LakeEngine):
    """Answers statements over one lake. Safe to share between threads; close it to end its processes."""

    def __init__(self, lake: LakeSnapshots, search: SearchSource | None = None, limits: Limits | None = None) -> None:
        super().__init__(lake.versions, lake.folders, search, limits)
        self._lake = lake

    def _select(
        self, sql: str, parameters: Parameters | None, rows: int, started: float, deadline: float, visible: Visible
    ) -> QueryResult:
        with self._pool.lend(deadline) as worker:
            inspected = inspect(worker, sql, deadline + GRACE_SECONDS)
            message, payload = self._answer(worker, sql, inspected, parameters, rows, deadline, visible)
        return QueryResult.read(payload, message, time.monotonic() - started)

    def _answer(
        self,
        worker: Worker,
        sql: str,
        inspected: Inspected,
        parameters: Parameters | None,
        rows: int,
        deadline: float,
        visible: Visible,
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
            return worker.ask(request, deadline + GRACE_SECONDS, b"".join(streams))

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


def _stream(table: "pa.Table") -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()
