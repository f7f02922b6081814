"""What DuckDB said of a statement, as people are told it: which mistake, where in their own text, what to do."""

import json
import re
from typing import TYPE_CHECKING, Any

from biolake.sql.dialect import Edit, apply_edits, original_offset
from biolake.sql.relations import Relations
from biolake.sql.statement import parser_complaint
from biolake.sql.syntax_tree import Statement, nearest
from biolake.sql.wire import MISSING_FILE, Bind, Execute, Failed

if TYPE_CHECKING:
    import duckdb

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


class Complaints:
    """Turns DuckDB's errors into refusals."""

    def __init__(self, connection: "duckdb.DuckDBPyConnection", relations: Relations, memory_bytes: int) -> None:
        self._connection, self._relations, self._memory_bytes = connection, relations, memory_bytes

    def of(
        self, error: "duckdb.Error", request: Execute | Bind, statement: Statement, edits: tuple[Edit, ...]
    ) -> Failed:
        """What went wrong with a statement that was checked; `edits` are what was changed in its text."""
        import duckdb

        if isinstance(error, duckdb.OutOfMemoryException):
            return self.too_large()
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
            return self.too_large()
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

    def too_large(self) -> Failed:
        """The statement does not fit."""
        budget = self._memory_bytes // 1024**2
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
