"""The sandboxed process: one DuckDB connection that answers one request after the other over a socket.

The walls around it are put up by `sandbox`, which `process` starts. It trusts the parent, which decides what exists; it
trusts no statement.
"""

import io
import json
import re
import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from biolake.sql import errors
from biolake.sql.dialect import MACROS, SETTINGS, Edit, apply_edits, original_offset
from biolake.sql.models import search_schema
from biolake.sql.relations import Relations, quoted
from biolake.sql.sandbox import Walls
from biolake.sql.statement import StatementChecker, parser_complaint
from biolake.sql.syntax_tree import SearchSpan, Statement, nearest
from biolake.sql.trino_spelling import marked
from biolake.sql.wire import (
    MISSING_FILE,
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

if TYPE_CHECKING:
    import duckdb

_BATCH_ROWS = 8_192
_EXPLAIN = "EXPLAIN "
# Names of the same thing elsewhere, for people who bring their statements along.
_ELSEWHERE = {
    "src_dataset_id": "dataset_id",
    "name": "sample_id (in samples) or feature_id (in features)",
    "description": "title",
    "total_num_samples": "n_samples",
    "data_table_name": "'data_matrices.' || repository || '__' || dataset_id",
    "kw_doc_id": "dataset_id",
    "curated_strain": "characteristics['strain']",
}


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
            return self._too_large(), b""
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
            return self._failed(error, request, statement, edits), b""

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
            return self._failed(error, request, statement, edits)
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

    def _failed(
        self, error: "duckdb.Error", request: Execute | Bind, statement: Statement, edits: tuple[Edit, ...]
    ) -> Failed:
        import duckdb

        if isinstance(error, duckdb.OutOfMemoryException):
            return self._too_large()
        complaint, shift = str(error), 0
        if isinstance(error, duckdb.BinderException | duckdb.CatalogException) and not _document(complaint):
            complaint, shift = self._located(request, statement, edits) or complaint, len(_EXPLAIN)
        document = _document(complaint)
        message, offset = parser_complaint(complaint)
        position = None
        if offset is not None and not statement.translated:
            source = statement.sql.encode()
            position = len(source[: original_offset(offset - shift, edits)].decode(errors="replace"))
        if isinstance(error, duckdb.IOException | duckdb.PermissionException):
            return Failed(MISSING_FILE, message)
        if "std::bad_alloc" in message or "Out of Memory" in message:
            return self._too_large()
        column = _missing_column(document, message)
        if column is not None:
            return Failed("UnknownColumn", self._no_column(column, request), position)
        if isinstance(error, duckdb.ParserException):
            return Failed("InvalidSyntax", f"{message}. Correct the statement there.", position)
        unbound = isinstance(error, duckdb.InvalidInputException) and "parameter" in message
        if unbound or isinstance(error, duckdb.BinderException | duckdb.CatalogException):
            return Failed("InvalidStatement", f"{message}. Correct the statement.", position)
        return Failed("InvalidValue", f"{message}. Use try_cast or filter such values first.", position)

    def _located(self, request: Execute | Bind, statement: Statement, edits: tuple[Edit, ...]) -> str | None:
        """Return the same complaint with its place: DuckDB gives none for relations, but does for EXPLAIN."""
        import duckdb

        try:
            sql = _EXPLAIN + apply_edits(statement.sql, edits)
            self._connection.execute(sql, request.parameters or None).fetchall()
        except duckdb.Error as error:
            return str(error)
        return None

    def _no_column(self, column: str, request: Execute | Bind) -> str:
        known: dict[str, None] = {}
        for snapshot in request.snapshots:
            for table in snapshot.tables:
                known.update(dict.fromkeys(self._relations.columns(snapshot.repository, table.name)))
        for matrix in request.matrices:
            known.update(dict.fromkeys(self._relations.columns("data_matrices", matrix.name)))
        here = _ELSEWHERE.get(column.lower())
        near = nearest(column, tuple(known))
        if here and column not in near:
            return f"there is no column {column}. Here it is {here}."
        if near:
            return f"there is no column {column}. Did you mean {' or '.join(near)}?"
        return f"there is no column {column}. DESCRIBE the table to see its columns."

    def _too_large(self) -> Failed:
        budget = self._walls.memory_bytes // 1024**2
        return Failed(
            "QueryTooLarge",
            f"the statement needs more memory than {budget} MB. Select fewer rows or columns, or filter by feature_id "
            "or dataset_id.",
        )


def _document(complaint: str) -> dict[str, Any]:
    start = complaint.find("{")
    try:
        return json.loads(complaint[start:]) if start >= 0 else {}
    except ValueError:
        return {}


def _missing_column(document: dict[str, Any], message: str) -> str | None:
    if document.get("error_subtype") == "COLUMN_NOT_FOUND" and "name" in document:
        return str(document["name"])
    found = re.search(r'(?:does not have a column named|Referenced column) "([^"]+)"', message)
    return found.group(1) if found else None
