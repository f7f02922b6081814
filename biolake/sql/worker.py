"""The sandboxed process: one DuckDB connection that answers one request after the other over a socket.

The walls around it are put up by `sandbox`, which `process` starts. It trusts the parent, which decides what exists; it
trusts no statement.
"""

import io
import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from biolake.sql import errors
from biolake.sql.complaints import Complaints
from biolake.sql.dialect import MACROS, SETTINGS, Edit, apply_edits
from biolake.sql.models import search_schema
from biolake.sql.relations import Relations, quoted
from biolake.sql.sandbox import Walls
from biolake.sql.statement import StatementChecker
from biolake.sql.syntax_tree import SearchSpan, Statement
from biolake.sql.trino_spelling import marked
from biolake.sql.wire import (
    Bind,
    Bound,
    ConnectionClosed,
    Execute,
    Executed,
    Failed,
    Inspect,
    Inspected,
    Message,
    Ready,
    encoded_schema,
    receive,
    send,
)

_BATCH_ROWS = 8_192


def main(descriptor: int, walls: Walls, *, network_namespace: bool) -> None:
    """Answer requests on the socket `descriptor` until the parent hangs up."""
    connection = socket.socket(fileno=descriptor)
    database = Database(walls)
    send(connection, Ready(network_namespace))
    while True:
        try:
            request, payload = receive(connection)
        except ConnectionClosed:
            return
        reply, answer = database.answer(request, payload)
        send(connection, reply, answer)
        if isinstance(reply, Failed) and _address_space() > walls.memory_bytes // 2:
            # What a failed statement left behind would be missing to the next one: let a new process answer that.
            return


def _address_space() -> int:
    with open("/proc/self/statm") as statistics:
        return int(statistics.read().split()[0]) * resource.getpagesize()


class Database:
    """The connection, locked down, with what it knows of the lake."""

    def __init__(self, walls: Walls) -> None:
        import duckdb

        self._walls = walls
        self._connection = duckdb.connect(
            config={
                "memory_limit": f"{walls.memory_bytes // 2}B",
                "threads": walls.threads,
                "temp_directory": "",
                "autoload_known_extensions": False,
                "autoinstall_known_extensions": False,
                "allow_community_extensions": False,
                "allow_persistent_secrets": False,
                "python_enable_replacements": False,
            }
        )
        run = self._connection.execute
        for macro in MACROS:
            run(f"CREATE MACRO {macro}")
        for setting in (*SETTINGS, "SET errors_as_json = true", "SET parquet_metadata_cache = true"):
            run(setting)
        folders = ", ".join("'" + folder.replace("'", "''") + "'" for folder in walls.lake_folders)
        run(f"SET allowed_directories = [{folders}]")
        run("SET enable_external_access = false")
        run("SET lock_configuration = true")
        self._checker = StatementChecker(self._connection, characters=walls.characters, nesting=walls.nesting)
        self._relations = Relations(self._connection, matrix_columns=walls.matrix_columns)
        self._complaints = Complaints(self._connection, self._relations, walls.memory_bytes)

    def answer(self, request: Message, payload: memoryview) -> tuple[Message, bytes | memoryview]:
        """Return the reply to one request; every refusal is a `Failed`."""
        try:
            if isinstance(request, Inspect):
                statement = self._checker.check(request.sql)
                return Inspected(statement.tables, statement.searches), b""
            if isinstance(request, Execute):
                return self._execute(request, payload)
            if isinstance(request, Bind):
                return self._bind(request), b""
        except errors.SqlError as error:
            return Failed(type(error).__name__, str(error), error.position), b""
        except MemoryError:
            return self._complaints.too_large(), b""
        except RecursionError:
            return Failed("StatementTooNested", "the statement is nested too deeply. Name its parts with WITH."), b""
        raise ConnectionClosed(f"a request of the kind {type(request).__name__}")

    def _execute(self, request: Execute, payload: memoryview) -> tuple[Message, bytes | memoryview]:
        import duckdb

        statement = self._checker.check(request.sql)
        edits: tuple[Edit, ...] = ()
        started = time.monotonic()
        try:
            with self._within(request.seconds):
                edits = self._prepare(request, statement, payload)
                return self._rows(request, apply_edits(statement.sql, edits))
        except duckdb.Error as error:
            if isinstance(error, duckdb.InterruptException) or time.monotonic() - started > request.seconds:
                return Failed("QueryTimedOut", "no answer in time."), b""
            return self._complaints.of(error, request, statement, edits), b""

    def _bind(self, request: Bind) -> Message:
        """Hold a statement against tables without rows: DuckDB says what it gives, and what is wrong with it."""
        import duckdb

        statement = self._checker.check(request.sql)
        edits: tuple[Edit, ...] = ()
        try:
            with self._within(request.seconds):
                edits = self._prepare_empty(request, statement)
                bound = self._shape(apply_edits(statement.sql, edits), request.parameters)

                def is_text(edit: Edit) -> bool:
                    try:
                        self._shape(apply_edits(statement.sql, [*edits, edit]), request.parameters)
                    except (duckdb.BinderException, duckdb.CatalogException):
                        return False
                    return True

                tree = self._checker.tree(statement.sql)
                text = marked(statement, tree, request.mark, request.parameters, is_text)
        except duckdb.InterruptException:
            return Failed("QueryTimedOut", "no answer in time.")
        except duckdb.Error as error:
            return self._complaints.of(error, request, statement, edits)
        names, types, schema = bound
        return Bound(names, types, schema, text, request.mark, statement.translated)

    def _shape(self, sql: str, parameters: Any) -> tuple[tuple[str, ...], tuple[str, ...], str]:
        relation = self._connection.sql(sql, params=parameters or None)
        schema = relation.limit(0).to_arrow_table().schema
        return tuple(relation.columns), tuple(str(kind) for kind in relation.types), encoded_schema(schema)

    def _prepare_empty(self, request: Bind, statement: Statement) -> tuple[Edit, ...]:
        for snapshot in request.snapshots:
            self._relations.show(snapshot)
        for matrix in request.matrices:
            self._relations.show_empty_matrix(matrix)
        edits = list(statement.edits)
        for index, span in enumerate(statement.search_spans):
            self._relations.show_search(f"search {index}", search_schema().empty_table(), [])
            edits.append(self._source(index, span))
        return tuple(edits)

    @contextmanager
    def _within(self, seconds: float) -> Iterator[None]:
        """Interrupt the connection after `seconds`, and let the process spend processor time for as long only."""
        allowance = resource.getrusage(resource.RUSAGE_SELF)
        spent = allowance.ru_utime + allowance.ru_stime
        processor = int(spent + seconds * self._walls.threads) + 5
        resource.setrlimit(resource.RLIMIT_CPU, (processor, resource.RLIM_INFINITY))
        timer = threading.Timer(seconds, self._connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _prepare(self, request: Execute, statement: Statement, payload: memoryview) -> tuple[Edit, ...]:
        import pyarrow as pa

        snapshots = {snapshot.repository: snapshot for snapshot in request.snapshots}
        for snapshot in request.snapshots:
            self._relations.show(snapshot)
        for matrix in request.matrices:
            self._relations.show_matrix(matrix, snapshots[matrix.repository])
        edits, offset = list(statement.edits), 0
        for index, (length, span) in enumerate(zip(request.search_lengths, statement.search_spans, strict=True)):
            found = pa.ipc.open_stream(pa.py_buffer(payload[offset : offset + length])).read_all()
            offset += length
            named = {str(name) for name in found.column("repository").unique().to_pylist()}
            self._relations.show_search(f"search {index}", found, sorted(named & snapshots.keys()))
            edits.append(self._source(index, span))
        return tuple(edits)

    def _source(self, index: int, span: SearchSpan) -> Edit:
        source = quoted(f"search {index}")
        if span.parameter is not None:
            # The parameter stays in the text, so that the numbering of the others does not change.
            source = f"(SELECT * FROM {source} WHERE {span.parameter}::VARCHAR IS NOT NULL)"  # noqa: S608 - a parameter's name
        return Edit(span.start, span.end, source + ("" if span.aliased else " AS search"))

    def _rows(self, request: Execute, sql: str) -> tuple[Message, bytes | memoryview]:
        import pyarrow as pa

        parameters = request.parameters or None
        relation = self._connection.sql(sql, params=parameters)
        if relation is None:
            return Failed("NotASelect", "the statement has no result. Only SELECT is answered."), b""
        types = tuple(str(kind) for kind in relation.types)
        reader = relation.to_arrow_reader(_BATCH_ROWS)
        sink, rows, truncated = io.BytesIO(), 0, False
        try:
            with pa.ipc.new_stream(sink, reader.schema) as writer:
                for batch in reader:
                    kept = min(batch.num_rows, request.max_rows - rows)
                    if sink.tell() + batch.nbytes > request.max_bytes:
                        kept = min(kept, (request.max_bytes - sink.tell()) * batch.num_rows // batch.nbytes)
                    truncated = kept < batch.num_rows
                    writer.write_batch(batch.slice(0, max(0, kept)))
                    rows += kept
                    if truncated:
                        break
        finally:
            reader.close()
        return Executed(types, truncated, None), sink.getbuffer()
