"""Decides whether a statement may run, and says what it names. Runs inside the sandboxed process only.

The judge is DuckDB's own parser (`json_serialize_sql`), so that no difference between two parsers can be used; sqlglot
is asked as a second opinion on what kind of statement it is. Everything is refused that is not on a list: kinds of
nodes, functions, table functions (`safe_list`, `syntax_tree`). Which tables exist is decided by the caller; how users'
functions are spelled for DuckDB is in `dialect`.
"""

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from biolake.sql import errors
from biolake.sql.dialect import Edit, apply_edits, from_trino
from biolake.sql.safe_list import FORBIDDEN, SQLGLOT_REFUSED, STABLE_FUNCTIONS, SYNTAX_FUNCTIONS, VOLATILE_FUNCTIONS
from biolake.sql.syntax_tree import Statement, TreeReader

if TYPE_CHECKING:
    import duckdb

_LITERALS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)


class StatementChecker:
    """Checks statements against one DuckDB connection's parser and list of functions."""

    def __init__(self, connection: "duckdb.DuckDBPyConnection", *, characters: int, nesting: int) -> None:
        self._connection = connection
        self._characters = characters
        self._nesting = nesting
        self._functions = self._allowed_functions()
        self._reserved = frozenset(
            str(row[0]).lower()
            for row in connection.execute(
                "SELECT view_name FROM duckdb_views() UNION SELECT table_name FROM duckdb_tables()"
            ).fetchall()
        )
        self.check = lru_cache(maxsize=256)(self._check)

    @property
    def functions(self) -> frozenset[str]:
        """Names of the functions that a statement may call."""
        return self._functions

    def _allowed_functions(self) -> frozenset[str]:
        rows = self._connection.execute(
            "SELECT DISTINCT lower(function_name), function_type, coalesce(stability, '') FROM duckdb_functions() "
            "WHERE function_type IN ('scalar', 'aggregate', 'macro', 'window')"
        ).fetchall()
        allowed: set[str] = set(SYNTAX_FUNCTIONS)
        for name, kind, stability in rows:
            listed = name in VOLATILE_FUNCTIONS or name in STABLE_FUNCTIONS
            pure = kind in ("aggregate", "macro", "window") or stability == "CONSISTENT"
            if (listed or pure) and not FORBIDDEN.match(name):
                allowed.add(name)
        return frozenset(allowed)

    def tree(self, sql: str) -> dict[str, Any]:
        """Return DuckDB's parse of a statement's text that was checked."""
        rows = self._connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()
        return json.loads(rows[0][0])["statements"][0]["node"]

    def _check(self, sql: str) -> Statement:
        self._cap(sql)
        try:
            return self._read(sql, translated=False)
        except errors.InvalidSyntax as refusal:
            # Trino's own syntax that DuckDB's parser does not know; the position belongs to the user's text.
            translation = from_trino(sql)
            if translation is None or translation == sql:
                raise
            try:
                return self._read(translation, translated=True)
            except errors.InvalidSyntax:
                raise refusal from None

    def _cap(self, sql: str) -> None:
        if len(sql) > self._characters:
            raise errors.StatementTooLong(
                f"the statement has {len(sql)} characters, more than {self._characters}. Pass long lists as a "
                "parameter: `WHERE list_contains($ids, dataset_id)`."
            )
        if "\x00" in sql:
            raise errors.InvalidSyntax("the statement has a NUL character. Remove it.", sql.index("\x00"))
        depth = 0
        for match in re.finditer(r"[(\[{)\]}]|\bcase\b|\bend\b", _LITERALS.sub("", sql), re.IGNORECASE):
            depth += 1 if match.group().lower() in ("(", "[", "{", "case") else -1
            if depth > self._nesting:
                raise errors.StatementTooNested(
                    f"the statement nests deeper than {self._nesting} levels. Name its parts with WITH."
                )

    def _read(self, sql: str, *, translated: bool) -> Statement:
        import duckdb

        try:
            kinds = [found.type.name for found in self._connection.extract_statements(sql)]
            rows = self._connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()
            document = json.loads(rows[0][0])
        except RecursionError as error:
            raise errors.StatementTooNested("the statement is nested too deeply. Name its parts with WITH.") from error
        except duckdb.Error as error:
            raise _syntax_error(str(error), sql) from error
        if len(kinds) != 1:
            raise errors.NotOneStatement(
                "there is no statement. Write one SELECT, SHOW or DESCRIBE."
                if not kinds
                else f"there are {len(kinds)} statements. Send one at a time."
            )
        if document.get("error_type") == "parser":
            raise errors.InvalidSyntax(f"{document['error_message']}. Correct the statement.")
        if kinds[0] != "SELECT" or document.get("error"):
            raise errors.NotASelect(
                f"a statement of the kind {kinds[0]} is not answered here. Only SELECT, SHOW TABLES and DESCRIBE are."
            )
        statement = TreeReader(sql, translated=translated, functions=self._functions, reserved=self._reserved).read(
            document["statements"][0]["node"]
        )
        sources = [
            Edit(span.start, span.end, "source" if span.aliased else "source AS search")
            for span in statement.search_spans
        ]
        _second_opinion(apply_edits(sql, [*statement.edits, *sources]))
        return statement


def _syntax_error(complaint: str, sql: str) -> errors.InvalidSyntax:
    message, position = parser_complaint(complaint)
    return errors.InvalidSyntax(
        f"{message}. Correct the statement there.",
        None if position is None else len(sql.encode()[:position].decode(errors="replace")),
    )


def parser_complaint(text: str) -> tuple[str, int | None]:
    """Return the message and byte offset of a DuckDB error reported as JSON (`errors_as_json`)."""
    start = text.find("{")
    try:
        document = json.loads(text[start:]) if start >= 0 else {}
    except ValueError:
        document = {}
    message = str(document.get("exception_message", text)).strip().split("\n")[0].rstrip(".")
    message = re.sub(r"^[A-Z][\w ]* Error: ", "", message)
    position = document.get("position")
    return message, int(position) if position is not None else None


def _second_opinion(sql: str) -> None:
    """Refuse what sqlglot does not read as one query without data definition or manipulation in it."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import ErrorLevel, SqlglotError

    trees: list[Any] = []
    # The last attempt forgives what sqlglot thinks of a function's arguments: DuckDB knows its own functions better.
    for dialect, level in (("duckdb", None), ("trino", None), ("duckdb", ErrorLevel.IGNORE)):
        try:
            trees = [tree for tree in sqlglot.parse(sql, read=dialect, error_level=level) if tree is not None]
        except RecursionError as error:
            raise errors.StatementTooNested("the statement is nested too deeply. Name its parts with WITH.") from error
        except SqlglotError:
            continue
        break
    refused = tuple(getattr(exp, name) for name in SQLGLOT_REFUSED if hasattr(exp, name))
    if len(trees) != 1 or not isinstance(trees[0], exp.Query | exp.Values | exp.Table):
        raise errors.NotASelect("this is not one plain SELECT. Only SELECT, SHOW TABLES and DESCRIBE are answered.")
    for found in trees[0].walk():
        if isinstance(found, refused):
            raise errors.NotASelect(f"{type(found).__name__.upper()} is not answered here: the lake is read only.")
