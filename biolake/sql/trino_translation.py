"""Translates a marked statement into Trino's SQL with sqlglot. What is marked, and why, is in `trino_spelling`.

The text that Trino gets is written anew from sqlglot's tree, never the user's own: whatever two parsers might read
differently (comments, quotes) is gone. Every table in the tree must be marked or named by a WITH of the statement, and
every function must be one that was marked because it is known, or syntax that sqlglot has a node of its own for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from biolake.sql import errors
from biolake.sql.trino_decimals import divide_doubles, write_literals
from biolake.sql.trino_dialect import dialects
from biolake.sql.trino_functions import is_known
from biolake.sql.trino_ordering import refuse_two_meanings
from biolake.sql.trino_positions import WrittenStatement
from biolake.sql.trino_using import drop_qualifiers, expand_stars

if TYPE_CHECKING:
    from sqlglot import exp

# Kinds of sqlglot's functions that are syntax rather than calls.
_SYNTAX_NODES = (
    *("And", "Or", "Xor", "Not", "Case", "Cast", "TryCast", "Coalesce", "Nullif", "If", "Extract", "Trim", "Substring"),
    *("StrPosition", "Array", "ArrayContains", "Grouping", "Struct", "CurrentDate", "CurrentTimestamp"),
    *(
        "Explode",
        "Unnest",
        "Try",
        "Interval",
        "Exists",
        "GroupConcat",
        "Concat",
        "Row",
        "DPipe",
        "SafeDPipe",
        "JSONCast",
    ),
)
_REFUSED_NODES = (
    *(
        "Parameter",
        "Placeholder",
        "SessionParameter",
        "Command",
        "Into",
        "Lock",
        "MatchRecognize",
        "TableSample",
        "Qualify",
    ),
)


@dataclass(frozen=True)
class Source:
    """What stands for a marked table: a SELECT, the name it has where the statement gives it none, and its columns."""

    sql: str
    name: str
    columns: tuple[str, ...] = ()


def to_trino(marked: str, mark: str, sources: Mapping[str, Source], *, translated: bool) -> WrittenStatement:
    """Return a marked statement as Trino reads it.

    Args:
        marked: The statement.
        mark: What the marked names begin with.
        sources: By name of a marked table, what stands for it.
        translated: Whether the text is DuckDB's own dialect, as sqlglot writes it, rather than users'.

    Raises:
        NotOnTrino: Something in it has no counterpart.
    """
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    users, trino = dialects()
    try:
        tree = _parsed(marked, "duckdb" if translated else users)
        _check(tree, mark, translated=translated)
        write_literals(tree, mark)
        divide_doubles(tree, mark)
        columns = {name: source.columns for name, source in sources.items()}
        for select in tree.find_all(exp.Select):
            refuse_two_meanings(select, columns)
        _unmark(tree, mark, sources)
        for select in tree.find_all(exp.Select):
            if any(join.args.get("using") for join in select.args.get("joins") or []):
                expand_stars(select, columns)
                drop_qualifiers(select)
        text = tree.sql(dialect=trino, identify=True, comments=False, unsupported_level=_raise_level())
    except SqlglotError as error:
        said = str(error).partition("\n")[0].replace(f"{mark}_", "").rstrip(".")
        raise errors.NotOnTrino(f"the statement cannot be written for Trino ({said}). Write it otherwise.") from error
    except RecursionError as error:
        raise errors.StatementTooNested("the statement is nested too deeply. Name its parts with WITH.") from error
    return WrittenStatement.of(text, {f'"{name}"': f"({source.sql})" for name, source in sources.items()})


def _raise_level() -> Any:
    from sqlglot.errors import ErrorLevel

    return ErrorLevel.RAISE


def _parsed(text: str, dialect: Any) -> "exp.Query | exp.Values":
    import sqlglot
    from sqlglot import exp

    trees = [tree for tree in sqlglot.parse(text, read=dialect) if tree is not None]
    if len(trees) != 1 or not isinstance(trees[0], exp.Query | exp.Values):
        raise errors.NotASelect("this is not one plain SELECT. Only SELECT, SHOW TABLES and DESCRIBE are answered.")
    return trees[0]


def _check(tree: "exp.Query | exp.Values", mark: str, *, translated: bool) -> None:
    from sqlglot import exp

    named = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    syntax = tuple(getattr(exp, name) for name in _SYNTAX_NODES if hasattr(exp, name))
    refused = tuple(getattr(exp, name) for name in _REFUSED_NODES if hasattr(exp, name))
    for node in tree.walk():
        if isinstance(node, refused):
            raise errors.NotOnTrino(f"{type(node).__name__} has no counterpart on Trino. Write it otherwise.")
        if isinstance(node, exp.BitwiseXor) and not translated:
            raise errors.NotOnTrino("a ^ b has no counterpart on Trino. Write power(a, b).")
        if isinstance(node, exp.Distinct) and node.args.get("on") is not None:
            raise errors.NotOnTrino("DISTINCT ON has no counterpart on Trino. Number the rows with row_number().")
        if isinstance(node, exp.Table):
            plain = isinstance(node.this, exp.Identifier) and not node.args.get("db") and not node.args.get("catalog")
            if not plain or not (node.name.startswith(f"{mark}_") or node.name.lower() in named):
                raise errors.NotASelect(f"{node.sql()} is not a table of the lake. Only those are answered.")
        elif isinstance(node, exp.Anonymous):
            name = node.name.lower()
            if not name.startswith(f"{mark}_") and not (translated and is_known(name)) and name != "grouping":
                raise errors.NotOnTrino(f"{name}() has no counterpart on Trino. See docs/sql-on-trino.md.")
        elif isinstance(node, exp.Func) and not translated and not isinstance(node, syntax):
            raise errors.NotOnTrino(f"{node.sql_name().lower()} cannot be written for Trino. Write it otherwise.")


def _unmark(tree: "exp.Query | exp.Values", mark: str, sources: Mapping[str, Source]) -> None:
    """Take the mark off functions, and give tables their names."""
    from sqlglot import exp

    for node in list(tree.find_all(exp.Table)):
        if (source := sources.get(node.name)) is not None and not node.alias:
            node.set("alias", exp.TableAlias(this=exp.to_identifier(source.name, quoted=True)))
    for node in tree.find_all(exp.Anonymous):
        node.set("this", node.name.removeprefix(f"{mark}_"))
