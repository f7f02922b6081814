"""Marks in a checked statement what another engine writes differently: tables, searches, functions, parameters.

Runs where the statement was checked, on DuckDB's parse tree, whose positions count bytes. The marked text is read by
`trino_translation`, which knows marks from everything else because the mark is a word that nobody can guess.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from biolake.sql import errors
from biolake.sql.dialect import Edit, apply_edits
from biolake.sql.parameters import parameter_value
from biolake.sql.syntax_tree import Statement
from biolake.sql.trino_functions import OVERLOADED, SYNTAX, is_known

_PART = re.compile(rb'\s*("(?:[^"]|"")*"|[\w$]+)\s*(\.)?')
_NO_POSITION = 1 << 63


@dataclass(frozen=True)
class Call:
    """A function that the statement calls by name: where in its bytes, and whether it is a source of rows."""

    name: str
    start: int
    is_table: bool


def marked(
    statement: Statement, tree: Mapping[str, Any], mark: str, parameters: Any, is_text: Callable[[Edit], bool]
) -> str:
    """Return the statement with everything marked.

    Args:
        statement: The checked statement.
        tree: DuckDB's parse of its text.
        mark: What marked names begin with.
        parameters: Values of its parameters, which are written into the text.
        is_text: Whether DuckDB accepts the statement with one more edit, which gives a function a name for texts.

    Raises:
        NotOnTrino: Something in it has no counterpart.
    """
    source = statement.sql.encode()
    searches = [(span.start, span.end) for span in statement.search_spans]
    edits = [
        Edit(span.start, span.end, f"{mark}_search_{index}" + ("" if span.aliased else " AS search"))
        for index, span in enumerate(statement.search_spans)
    ]
    for index, (table, start) in enumerate(zip(statement.tables, statement.table_starts, strict=True)):
        end = _end_of_name(source, start, len(table.path))
        edits.append(Edit(start, end, f"{mark}_table_{index}"))
    named = {tuple(part.lower() for part in table.path) for table in statement.tables}
    for node, is_table in _nodes(tree):
        offset = int(node.get("query_location", _NO_POSITION))
        if offset >= _NO_POSITION or any(start <= offset < end for start, end in searches):
            continue
        length = int(node.get("query_location_length", 0))
        if node.get("type") == "TABLE_FUNCTION":
            name = str(node["function"].get("function_name", "")).lower()
            if name != "unnest":
                remedy = "Write UNNEST(sequence(1, n)) AS t(i) for numbers."
                raise _refusal(statement, offset, f"FROM {name}(...)", remedy)
        elif node.get("class") == "PARAMETER":
            value = parameter_value(str(node["identifier"]), parameters, offset)
            edits.append(Edit(offset, offset + length, literal(value)))
        elif node.get("class") == "COLUMN_REF":
            edits += _column(node, named, source, offset, length)
        elif node.get("type") == "ARRAY_SLICE":
            raise _refusal(statement, offset, "a list's part by [a:b]", "Write slice(list, start, length).")
        elif "function_name" in node and "class" in node and not node.get("is_operator"):
            edits += _call(statement, Call(str(node["function_name"]).lower(), offset, is_table), source, mark, is_text)
    return apply_edits(statement.sql, edits)


def literal(value: Any) -> str:
    """Return a value as Trino writes it."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return f"({value})" if value < 0 else str(value)
    if isinstance(value, float):
        if value - value != 0:
            name = "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
            return f"CAST('{name}' AS DOUBLE)"
        return f"CAST('{value!r}' AS DOUBLE)"
    if isinstance(value, list | tuple):
        return f"ARRAY[{', '.join(literal(item) for item in value)}]"
    return "'" + str(value).replace("'", "''") + "'"


def _call(
    statement: Statement, call: Call, source: bytes, mark: str, is_text: Callable[[Edit], bool]
) -> Iterator[Edit]:
    name, start = call.name, call.start
    end = start + len(name)
    by_name = source[start:end].decode(errors="replace").lower() == name and re.match(rb"\s*\(", source[end : end + 9])
    if name == "count_star" and source[start : start + 5].lower() == b"count":
        name, end, by_name = "count", start + 5, True
    if name == "unnest":
        if not call.is_table:
            raise _refusal(statement, start, "unnest() among the columns", "Write CROSS JOIN UNNEST(list) AS t(x).")
        return
    if statement.translated:
        return
    if not by_name:
        if name not in SYNTAX:
            remedy = "Write map(ARRAY[key], ARRAY[value])." if name == "map" else "Write it otherwise."
            raise _refusal(statement, start, f"what DuckDB reads as {name}()", remedy)
        return
    if not is_known(name):
        raise _refusal(statement, start, f"{name}()", "See docs/sql-on-trino.md for the functions that both have.")
    if name in OVERLOADED:
        name = f"{name}_text" if is_text(Edit(start, end, OVERLOADED[name])) else f"{name}_list"
    yield Edit(start, end, f"{mark}_{name}")


def _column(
    node: dict[str, Any], tables: set[tuple[str, ...]], source: bytes, offset: int, length: int
) -> Iterator[Edit]:
    parts = [str(part) for part in node.get("column_names", ())]
    written = source[offset : offset + length]
    if len(parts) > 2 and tuple(part.lower() for part in parts[:2]) in tables:
        # A column by its repository: on other engines the table in the statement has no repository.
        parts = parts[1:]
    elif b'"' in written or not re.search(rb"\bvalues\b", written, re.IGNORECASE):
        return
    yield Edit(offset, offset + length, ".".join('"' + part.replace('"', '""') + '"' for part in parts))


def _nodes(tree: Any) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield every node, and whether it is a function that rows come from."""
    stack: list[tuple[Any, bool]] = [(tree, False)]
    while stack:
        node, is_table = stack.pop()
        if isinstance(node, list):
            stack += [(child, False) for child in node]
        elif isinstance(node, dict):
            yield node, is_table
            of_rows = node.get("type") == "TABLE_FUNCTION"
            stack += [
                (child, of_rows and key == "function")
                for key, child in node.items()
                if isinstance(child, dict | list) and key not in ("qualified_name", "literal")
            ]


def _end_of_name(source: bytes, start: int, parts: int) -> int:
    end = start
    for _ in range(parts):
        found = _PART.match(source, end)
        if found is None:
            break
        end = found.end() if found.group(2) else found.end(1)
    return end


def _refusal(statement: Statement, offset: int, what: str, remedy: str) -> errors.NotOnTrino:
    before = None if statement.translated else len(statement.sql.encode()[:offset].decode(errors="replace"))
    return errors.NotOnTrino(f"{what} has no counterpart on Trino. {remedy}", before)
