"""Walks DuckDB's parse tree of a statement: what it names, and whether all of it is on the safe list.

The lists are in `safe_list`; parsing and the caps before it are in `statement`. The tree is that of DuckDB's
`json_serialize_sql`, whose positions count bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from biolake.sql import errors
from biolake.sql.dialect import Edit, edits_for_call
from biolake.sql.safe_list import EXPRESSIONS, FORBIDDEN, NODES, REACHES_OUTSIDE, TABLE_FUNCTIONS
from biolake.sql.wire import SearchCall, TableReference

_NO_POSITION = 1 << 63
_DEEPEST = 2_000


@dataclass(frozen=True)
class SearchSpan:
    """Where a call of `search()` is, in bytes, whether it has an alias, and how its parameter, if any, is written."""

    start: int
    end: int
    aliased: bool
    parameter: str | None


@dataclass(frozen=True)
class Statement:
    """A statement that may run, once its tables are known to exist.

    Attributes:
        sql: The text for DuckDB, before `edits`.
        tables: The tables it names, common table expressions left out.
        table_starts: Where those tables are in `sql`, in bytes, in the same order.
        searches: Its calls of `search()`.
        search_spans: Where those calls are in `sql`, in the same order.
        edits: Replacements that spell users' functions for DuckDB; byte offsets into `sql`.
        translated: Whether `sql` is another text than the user's, so that positions in it mean nothing to them.
    """

    sql: str
    tables: tuple[TableReference, ...]
    table_starts: tuple[int, ...]
    searches: tuple[SearchCall, ...]
    search_spans: tuple[SearchSpan, ...]
    edits: tuple[Edit, ...]
    translated: bool


class TreeReader:
    """One walk over a statement's tree: refuses what is not on the safe list, gathers what the statement names."""

    def __init__(self, sql: str, *, translated: bool, functions: frozenset[str], reserved: frozenset[str]) -> None:
        self._functions = functions
        self._reserved = reserved
        self._sql = sql
        self._bytes = sql.encode()
        self._translated = translated
        self._tables: list[tuple[int, TableReference]] = []
        self._searches: list[tuple[SearchCall, SearchSpan]] = []
        self._edits: list[Edit] = []

    def read(self, tree: dict[str, Any]) -> Statement:
        """Return what the statement names.

        Args:
            tree: The root node of `json_serialize_sql`.

        Raises:
            SqlError: The subclass that says what is refused, and where.
        """
        stack: list[tuple[Any, frozenset[str], int]] = [(tree, frozenset(), 0)]
        while stack:
            node, visible, depth = stack.pop()
            if depth > _DEEPEST:
                raise errors.StatementTooNested("the statement is nested too deeply. Name its parts with WITH.")
            if isinstance(node, dict):
                visible = self._visit(node, visible)
                stack.extend((child, visible, depth + 1) for child in _children(node))
            elif isinstance(node, list):
                stack.extend((child, visible, depth + 1) for child in node)
        self._searches.sort(key=lambda pair: pair[1].start)
        self._tables.sort(key=lambda pair: pair[0])
        return Statement(
            self._sql,
            tuple(table for _, table in self._tables),
            tuple(start for start, _ in self._tables),
            tuple(call for call, _ in self._searches),
            tuple(span for _, span in self._searches),
            tuple(self._edits),
            self._translated,
        )

    def _visit(self, node: dict[str, Any], visible: frozenset[str]) -> frozenset[str]:
        position = self._position(node)
        if "class" in node:
            if node["class"] not in EXPRESSIONS:
                raise errors.NotASelect(f"{node['class']} expressions are not answered here.", position)
        elif isinstance(node.get("type"), str) and node["type"] not in NODES:
            raise errors.NotASelect(f"{node['type']} is not answered here. Only SELECT over tables is.", position)
        names = [str(entry["key"]) for entry in node["cte_map"]["map"]] if "cte_map" in node else []
        if node.get("type") in ("RECURSIVE_CTE_NODE", "CTE_NODE") and "cte_name" in node:
            names.append(str(node["cte_name"]))
        for name in names:
            if name.lower() in self._reserved:
                raise errors.InvalidStatement(f"WITH {name}: this name is taken by the engine. Choose another one.")
        visible = visible | {name.lower() for name in names}
        if node.get("type") == "BASE_TABLE":
            self._base_table(node, visible, position)
        if "function_name" in node and "class" in node:
            self._function(node, position)
        if node.get("type") == "TABLE_FUNCTION":
            self._table_function(node, position)
        return visible

    def _base_table(self, node: dict[str, Any], visible: frozenset[str], position: int | None) -> None:
        if node.get("at_clause"):
            raise errors.NotASelect(
                "AT (VERSION ...) is not answered here: tables show their current version.", position
            )
        path = tuple(str(part) for part in node["qualified_name"]["path"])
        if len(path) == 1 and path[0].lower() in visible:
            return
        self._tables.append((int(node["query_location"]), TableReference(path, position or 0)))

    def _function(self, node: dict[str, Any], position: int | None) -> None:
        name = str(node["function_name"]).lower()
        if node.get("schema") or node.get("catalog"):
            raise errors.ForbiddenFunction(f"{name}: call functions by their plain name.", position)
        argument = node.get("arguments") or []
        edits = edits_for_call(name, node, argument, self._bytes)
        if edits:
            self._edits.extend(edits)
        elif name not in self._functions and name not in TABLE_FUNCTIONS:
            raise self._no_function(name, position)

    def _no_function(self, name: str, position: int | None) -> errors.SqlError:
        if FORBIDDEN.match(name) or REACHES_OUTSIDE.match(name):
            return errors.ForbiddenFunction(f"{name}() is not allowed: it looks outside the lake's tables.", position)
        near = nearest(name, self._functions)
        hint = f" Did you mean {' or '.join(near)}?" if near else " See the list of functions in docs/sql.md."
        return errors.UnknownFunction(f"there is no function {name}().{hint}", position)

    def _table_function(self, node: dict[str, Any], position: int | None) -> None:
        function = node["function"]
        name = str(function.get("function_name", "")).lower()
        if function.get("class") != "FUNCTION" or name not in TABLE_FUNCTIONS:
            raise errors.ForbiddenFunction(
                f"FROM {name}(...) is not allowed. Table functions are: {', '.join(sorted(TABLE_FUNCTIONS))}.",
                position,
            )
        if name == "search":
            self._search(node, function, position)

    def _search(self, node: dict[str, Any], function: dict[str, Any], position: int | None) -> None:
        text: str | None = None
        parameter: str | None = None
        options: dict[str, str | int] = {}
        arguments = function["arguments"]
        for index, argument in enumerate(arguments):
            option, value = str(argument.get("name", "")).lower(), argument["expression"]
            literal = value.get("literal", {})
            if index == 0 and not option and value["class"] == "PARAMETER":
                parameter = str(value["identifier"])
            elif index == 0 and not option and literal.get("kind") == "STRING":
                text = literal["text"]
            elif option == "repository" and literal.get("kind") == "STRING":
                options[option] = literal["text"]
            elif option == "limit" and literal.get("kind") == "INTEGER":
                options[option] = int(literal["text"])
            else:
                raise errors.InvalidSearch(
                    "write search('text'), with repository := 'name' and limit := 100 where wanted; the text may be "
                    "a parameter.",
                    position,
                )
        if not arguments or node["query_location"] >= _NO_POSITION:
            raise errors.InvalidSearch("search() needs a text: search('breast cancer').", position)
        first, last = (_span(arguments[index]["expression"]) for index in (0, -1))
        written = self._bytes[first[0] : first[1]].decode() if parameter is not None else None
        end = self._bytes.find(b")", last[1]) + 1
        span = SearchSpan(int(node["query_location"]), end, bool(node.get("alias")), written)
        self._searches.append((SearchCall(text, parameter, options, position or 0), span))

    def _position(self, node: dict[str, Any]) -> int | None:
        offset = node.get("query_location", _NO_POSITION)
        if self._translated or not isinstance(offset, int) or offset >= _NO_POSITION:
            return None
        return len(self._bytes[:offset].decode(errors="replace"))


def _span(node: dict[str, Any]) -> tuple[int, int]:
    return int(node["query_location"]), int(node["query_location"]) + int(node["query_location_length"])


def _children(node: dict[str, Any]) -> Iterator[Any]:
    for key, value in node.items():
        if isinstance(value, dict | list) and key not in ("qualified_name", "literal"):
            yield value


def nearest(name: str, known: "frozenset[str] | list[str] | tuple[str, ...]", count: int = 3) -> list[str]:
    """Return the names most like `name`, best first."""
    by_lower = {k.lower(): k for k in known}
    return [by_lower[k] for k in get_close_matches(name.lower(), list(by_lower), n=count, cutoff=0.6)]
