"""The query language as a tree, and the tree as text again. Reading text is `parse.py`.

Precedence, tightest first: ( ), & and the space between words, |, ~. `docs/search.md` explains it to users.
"""

import re
from dataclasses import dataclass
from typing import TypeAlias

QUOTES = '"“”„'
"""Any of these opens a phrase and any closes it: text processors turn one into the other."""

_QUOTED = re.compile(rf"[\\{QUOTES}]")


@dataclass(frozen=True)
class Everything:
    """Every dataset: `*`, and the empty query."""


@dataclass(frozen=True)
class Literal:
    """A word, with `prefix` the beginning of one, in `field` or anywhere (None)."""

    text: str
    field: str | None = None
    prefix: bool = False


@dataclass(frozen=True)
class Phrase:
    """Words in this order beside each other, in `field` or in any one field (None)."""

    text: str
    field: str | None = None


@dataclass(frozen=True)
class And:
    """All of at least two."""

    operands: tuple["Query", ...]


@dataclass(frozen=True)
class Or:
    """Any of at least two."""

    operands: tuple["Query", ...]


@dataclass(frozen=True)
class Not:
    """What does not match the operand."""

    operand: "Query"


Query: TypeAlias = Everything | Literal | Phrase | And | Or | Not


def print_query(query: Query) -> str:
    """Return the query as text that parses to the same tree."""
    match query:
        case Everything():
            return "*"
        case Literal(text, field, prefix):
            return _scope(field) + text + ("*" if prefix else "")
        case Phrase(text, field):
            return _scope(field) + '"' + _QUOTED.sub(r"\\\g<0>", text) + '"'
        case And(operands):
            return " & ".join(_grouped(operand, And, Or, first=place == 0) for place, operand in enumerate(operands))
        case Or(operands):
            return " | ".join(_grouped(operand, Or, first=place == 0) for place, operand in enumerate(operands))
        case Not(operand):
            return "~" + _grouped(operand, And, Or)


def _grouped(query: Query, *looser: type, first: bool = False) -> str:
    """Print an operand; where a ~ comes first it would take in what follows."""
    text = print_query(query)
    return f"({text})" if isinstance(query, looser) or (first and text.startswith("~")) else text


def _scope(field: str | None) -> str:
    return "" if field is None else f"{field}:"
