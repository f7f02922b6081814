"""The two dialects of sqlglot's that a statement goes through: the one that users write, and Trino's."""

import re
from functools import cache
from typing import Any

from biolake.sql import errors
from biolake.sql.trino_casts import cast
from biolake.sql.trino_functions import written

# A function's arguments may be written more than once, and calls within calls with them.
_LONGEST = 500_000
_NUMBER = r"-?\d+(\.\d+)?(e[+-]?\d+)?|-?Infinity|NaN"


@cache
def dialects() -> tuple[Any, Any]:
    """Users' dialect to read (Trino's grammar with DuckDB's conveniences), and Trino's to write."""
    from sqlglot import TokenType, exp
    from sqlglot.dialects.trino import Trino

    class UsersTokenizer(Trino.Tokenizer):
        KEYWORDS = {**Trino.Tokenizer.KEYWORDS, "QUALIFY": TokenType.QUALIFY}  # noqa: RUF012 - sqlglot's way

    class Users(Trino):
        # Subscripts stay as they are written: they become calls of element_at, which counts from 1, too.
        INDEX_OFFSET = 0
        Tokenizer = UsersTokenizer

    kinds = exp.DataType.Type
    # As exact as DuckDB's; without digits, Trino's have three.
    times = {
        kinds.TIMESTAMP: "TIMESTAMP(6)",
        kinds.TIMESTAMPNTZ: "TIMESTAMP(6)",
        kinds.TIMESTAMPTZ: "TIMESTAMP(6) WITH TIME ZONE",
        kinds.TIMESTAMPLTZ: "TIMESTAMP(6) WITH TIME ZONE",
        kinds.TIME: "TIME(6)",
    }

    class Written(Trino):
        INDEX_OFFSET = 0

        class Generator(Trino.Generator):
            TYPE_MAPPING = {**Trino.Generator.TYPE_MAPPING, exp.DataType.Type.INT128: "DECIMAL(38, 0)"}  # noqa: RUF012

            # string_agg(DISTINCT x, ',') is two arguments, not distinct pairs.
            MULTI_ARG_DISTINCT = True

            def anonymous_sql(self, expression: exp.Anonymous) -> str:
                arguments = [self.sql(argument) for argument in expression.expressions]
                call = written(expression.name.lower(), arguments)
                # A name that sqlglot's own writer of Trino made is Trino's already.
                return _short(call or f"{expression.name.upper()}({', '.join(arguments)})")

            def bracket_sql(self, expression: exp.Bracket) -> str:
                keys = ", ".join(self.sql(key) for key in expression.expressions)
                return f"ELEMENT_AT({self.sql(expression, 'this')}, {keys})"

            def cast_sql(self, expression: exp.Cast, safe_prefix: str | None = None) -> str:
                value, kind = expression.this, self.sql(expression, "to")
                known = isinstance(value, exp.Null) or (isinstance(value, exp.Literal) and _is_plain(value.name, kind))
                if known or expression.args.get("format"):
                    return super().cast_sql(expression, safe_prefix)
                if kind == "VARCHAR" and _is_json(value):
                    return f"JSON_FORMAT({self.sql(value)})"
                return _short(cast(self.sql(value), kind, or_null=bool(safe_prefix)))

            def datatype_sql(self, expression: exp.DataType) -> str:
                if not expression.expressions and (name := times.get(expression.this)):
                    return name
                return super().datatype_sql(expression)

            def extract_sql(self, expression: exp.Extract) -> str:
                text = super().extract_sql(expression)
                # Sunday is 0.
                return f"({text} % 7)" if expression.this.name.upper() in ("DOW", "DAYOFWEEK") else text

            def is_sql(self, expression: exp.Is) -> str:
                if not isinstance(expression.expression, exp.Boolean):
                    return super().is_sql(expression)
                negated = "" if expression.args.get("negate") else "NOT "
                right = self.sql(expression, "expression")
                return f"({self.sql(expression, 'this')}) IS {negated}DISTINCT FROM {right}"

    return Users, Written


def _is_plain(text: str, kind: str) -> bool:
    """Whether a literal is cast to a number alike everywhere."""
    return bool(re.fullmatch(r"-?\d+", text)) or (kind == "DOUBLE" and bool(re.fullmatch(_NUMBER, text)))


def _is_json(value: Any) -> bool:
    from sqlglot import exp

    if isinstance(value, exp.Cast):
        return value.to.this == exp.DataType.Type.JSON
    return isinstance(value, exp.Anonymous) and value.name.lower() in ("json_extract", "json_parse")


def _short(text: str) -> str:
    if len(text) > _LONGEST:
        raise errors.NotOnTrino("the statement becomes too long for Trino. Name its parts with WITH.")
    return text
