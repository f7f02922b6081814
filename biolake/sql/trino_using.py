"""JOIN … USING as Trino understands it: its columns belong to neither table there, and come first in `*`.

Both functions change a SELECT of sqlglot's in place so that it means on Trino what it means to DuckDB.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp


def expand_stars(select: "exp.Select", columns: Mapping[str, tuple[str, ...]]) -> None:
    """Write `*` and `t.*` as columns in DuckDB's order; what is unknown, or may be missing on one side, stays a star.

    Args:
        select: A SELECT whose joins use USING.
        columns: By name of a table, the names of its columns.
    """
    from sqlglot import exp

    first = select.args.get("from_") or select.args.get("from")
    joins = select.args.get("joins") or []
    if first is None or any(join.side.upper() in ("RIGHT", "FULL") for join in joins):
        return
    known: dict[str, tuple[str, ...]] = {}
    shown: list[tuple[str, str]] = []
    for source, using in [(first.this, []), *((join.this, join.args.get("using") or []) for join in joins)]:
        alias, hidden = source.alias_or_name, {column.name.lower() for column in using}
        names = columns.get(source.name, ()) if isinstance(source, exp.Table) else ()
        if not names:
            return
        known[alias.lower()] = names
        shown += [(alias, name) for name in names if name.lower() not in hidden]
    written: list[exp.Expression] = []  # type: ignore[reportPrivateImportUsage]
    for projection in select.expressions:
        if (
            isinstance(projection, exp.Star)
            and not projection.args.get("except_")
            and not projection.args.get("except")
        ):
            written += [_column(alias, name) for alias, name in shown]
        elif isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star):
            names = known.get(projection.table.lower())
            written += [_column(projection.table, name) for name in names] if names else [projection]
        else:
            written.append(projection)
    select.set("expressions", written)


def drop_qualifiers(select: "exp.Select") -> None:
    """Name columns of USING alone. The column of a side that may be missing keeps its table, which Trino refuses."""
    from sqlglot import exp

    before: set[str] = set()
    if (first := select.args.get("from_") or select.args.get("from")) is not None:
        before.add(first.this.alias_or_name.lower())
    shared: set[tuple[str, str]] = set()
    for join in select.args.get("joins") or []:
        other = join.this.alias_or_name.lower()
        same = {"": before | {other}, "LEFT": before, "RIGHT": {other}}.get(join.side.upper(), set())
        shared |= {(table, column.name.lower()) for column in join.args.get("using") or [] for table in same}
        before = before | {other}
    for column in select.find_all(exp.Column):
        if (column.table.lower(), column.name.lower()) in shared and column.find_ancestor(exp.Select) is select:
            column.set("table", None)


def _column(table: str, name: str) -> "exp.Column":
    from sqlglot import exp

    return exp.column(exp.to_identifier(name, quoted=True), table=exp.to_identifier(table, quoted=True))
