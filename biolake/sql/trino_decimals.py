"""Numbers with a point: exact on both engines, until they are divided, where DuckDB makes doubles and Trino rounds.

Both functions change a tree of sqlglot's in place so that it means on Trino what it means to DuckDB.
"""

from typing import TYPE_CHECKING

from biolake.sql import errors

if TYPE_CHECKING:
    from sqlglot import exp

# Functions whose value is one of their arguments, or has its type.
_SAME_TYPE = frozenset(
    (
        *("abs", "any_value", "arbitrary", "ceil", "ceiling", "coalesce", "first", "first_value", "floor", "greatest"),
        *("if", "lag", "last_value", "lead", "least", "max", "max_by", "min", "min_by", "mod", "nth_value", "nullif"),
        *("round", "sign", "sum"),
    )
)


def write_literals(tree: "exp.Query | exp.Values", mark: str) -> None:
    """Write numbers as doubles where a decimal would not do: in divisions, and where a type must stay as it began."""
    from sqlglot import exp

    calls = {call.name.lower().removeprefix(f"{mark}_") for call in tree.find_all(exp.Anonymous)}
    recursive = any(found.args.get("recursive") for found in tree.find_all(exp.With))
    typed = bool(calls & {"reduce", "list_reduce"}) or tree.find(exp.Reduce, exp.Avg) is not None
    if not (recursive or typed or tree.find(exp.Div) is not None):
        return
    for literal in list(tree.find_all(exp.Literal)):
        text = literal.name
        if not literal.is_string and "." in text and "e" not in text.lower():
            literal.set("this", f"{text}e0")


def divide_doubles(tree: "exp.Query | exp.Values", mark: str) -> None:
    """Make doubles of the decimals that are divided.

    Raises:
        NotOnTrino: It cannot be seen whether a column that is divided is a decimal.
    """
    from sqlglot import exp

    if not any(_is_decimal(cast) for cast in tree.find_all(exp.Cast)):
        return
    for division in list(tree.find_all(exp.Div)):
        sides = (division.this, division.expression)
        if any(_has_decimals(side, mark) for side in sides):
            division.set("this", exp.cast(division.this, "DOUBLE"))
        elif any(side.find(exp.Column) is not None and not isinstance(side, exp.Cast) for side in sides):
            raise errors.NotOnTrino(
                "a division of what may be decimals has no counterpart on Trino. CAST its sides to DOUBLE or BIGINT."
            )


def _is_decimal(cast: "exp.Cast") -> bool:
    from sqlglot import exp

    return cast.to.this == exp.DataType.Type.DECIMAL


def _has_decimals(value: "exp.Expression", mark: str) -> bool:  # type: ignore[reportPrivateImportUsage]
    from sqlglot import exp

    if isinstance(value, exp.Cast):
        return _is_decimal(value)
    if isinstance(value, exp.Anonymous) and value.name.lower().removeprefix(f"{mark}_") not in _SAME_TYPE:
        return False
    return any(_has_decimals(child, mark) for child in value.iter_expressions())
