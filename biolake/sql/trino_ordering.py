"""ORDER BY an expression over a name that is both a column and what another column is called in the result.

DuckDB takes the column, Trino the result's: the rows would come in another order, and nobody would be told.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from biolake.sql import errors

if TYPE_CHECKING:
    from sqlglot import exp


def refuse_two_meanings(select: "exp.Select", columns: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse a SELECT whose ORDER BY has such a name.

    Args:
        select: The SELECT, with marked tables.
        columns: By name of a marked table, the names of its columns.

    Raises:
        NotOnTrino: There is one.
    """
    from sqlglot import exp

    order = select.args.get("order")
    if order is None:
        return
    called = {
        one.alias.lower()
        for one in select.expressions
        if isinstance(one, exp.Alias)
        and not (isinstance(one.this, exp.Column) and one.this.name.lower() == one.alias.lower())
    }
    read = {column.name.lower() for one in select.expressions for column in one.find_all(exp.Column)}
    for table in select.find_all(exp.Table):
        read |= {name.lower() for name in columns.get(table.name, ())}
    for term in order.expressions:
        value = term.this if isinstance(term, exp.Ordered) else term
        if isinstance(value, exp.Column):
            continue
        for column in value.find_all(exp.Column):
            name = column.name.lower()
            if not column.table and name in called and name in read:
                raise errors.NotOnTrino(
                    f"ORDER BY of an expression over {column.name}, which is a column and the name of another in the "
                    "result, has no counterpart on Trino. Name the one in the result otherwise."
                )
