"""Reading a query text: its symbols, then their grammar.

    exclusion := either ("~" either)*          what the left matches and none of the right
    either    := both ("|" both)*
    both      := operand (["&"] operand)*
    operand   := "~" operand | "(" exclusion ")" | [field ":"] (word | word* | "phrase") | "*"

A "~" after "&" or "|" belongs to the one operand that follows; elsewhere it reaches up to the next "~".
"""

import difflib
import re
from dataclasses import dataclass
from enum import Enum, auto

from biolake.search.analysis import words
from biolake.search.errors import (
    InvalidQuery,
    MissingOperand,
    NothingToSearch,
    PrefixTooShort,
    QueryTooLong,
    UnbalancedParenthesis,
    UnclosedQuote,
    UnknownField,
)
from biolake.search.fields import ALIASES, FIELDS
from biolake.search.query import QUOTES, And, Everything, Literal, Not, Or, Phrase, Query
from biolake.search.terms import MIN_PREFIX

MAX_LENGTH = 4000
MAX_DEPTH = 20

_OPEN_WORD = re.compile(rf"[^\s()&|~{QUOTES}]+")
_FIELD = re.compile(r"([A-Za-z][A-Za-z_]*):(.*)", re.DOTALL)


class _Kind(Enum):
    OPEN = auto()
    CLOSE = auto()
    AND = auto()
    OR = auto()
    NOT = auto()
    LEAF = auto()
    END = auto()


_MARKS = {"(": _Kind.OPEN, ")": _Kind.CLOSE, "&": _Kind.AND, "|": _Kind.OR, "~": _Kind.NOT}
_OPERATORS = {"AND": _Kind.AND, "OR": _Kind.OR, "NOT": _Kind.NOT}


@dataclass(frozen=True)
class _Symbol:
    kind: _Kind
    position: int
    leaf: Query | None = None


def parse_query(text: str) -> Query:
    """Read a query.

    Raises:
        InvalidQuery: One of its subclasses, with the position and the remedy.
    """
    if len(text) > MAX_LENGTH:
        raise QueryTooLong(text, MAX_LENGTH, f"more than {MAX_LENGTH} characters", "Shorten the query")
    symbols = _symbols(text)
    if len(symbols) == 1:
        if text.strip():
            raise NothingToSearch(text, 0, "no letter or digit to search for", "Give a word")
        return Everything()
    return _Parser(text, symbols).query()


def _symbols(text: str) -> list[_Symbol]:
    symbols: list[_Symbol] = []
    position = 0
    while position < len(text):
        character = text[position]
        if character.isspace():
            position += 1
        elif character in _MARKS:
            symbols.append(_Symbol(_MARKS[character], position))
            # Programmers write && and ||.
            position += 2 if character in "&|" and text[position : position + 2] == character * 2 else 1
        elif character in QUOTES:
            leaf, end = _phrase(text, position, None)
            symbols.append(_Symbol(_Kind.LEAF, position, leaf))
            position = end
        else:
            symbol, position = _word(text, position)
            symbols.extend(symbol)
    return [*symbols, _Symbol(_Kind.END, len(text))]


def _word(text: str, position: int) -> tuple[list[_Symbol], int]:
    match = _OPEN_WORD.match(text, position)
    assert match is not None
    word, end = match.group(), match.end()
    if word in _OPERATORS:
        return [_Symbol(_OPERATORS[word], position)], end
    named = _FIELD.fullmatch(word)
    if named and (field := _field(text, position, named.group(1))):
        if named.group(2):
            leaf = _literal(text, position, named.group(2), field)
            if leaf is None:
                raise MissingOperand(
                    text, position, f"{field}: has no letter or digit to look for", "Give a word after the colon"
                )
            return [_Symbol(_Kind.LEAF, position, leaf)], end
        if end < len(text) and text[end] in QUOTES:
            leaf, end = _phrase(text, end, field)
            return [_Symbol(_Kind.LEAF, position, leaf)], end
        raise MissingOperand(
            text, position, f"{field}: has nothing to look for", 'Write a word or "a phrase" right after the colon'
        )
    leaf = _literal(text, position, word, None)
    # A dash or bullet that stands alone, as in a pasted title, is no word.
    return ([] if leaf is None else [_Symbol(_Kind.LEAF, position, leaf)]), end


def _field(text: str, position: int, name: str) -> str | None:
    known = ALIASES.get(name.lower(), name.lower())
    if known in FIELDS:
        return known
    if not name.islower():
        return None  # GO:0008150 and HLA:A are words with a colon.
    close = difflib.get_close_matches(name, [*FIELDS, *ALIASES], n=1)
    suggestion = f"Did you mean {close[0]}:? " if close else ""
    raise UnknownField(
        text, position, f"no field {name!r}", f"{suggestion}Use one of {', '.join(FIELDS)}, or put the text in quotes"
    )


def _literal(text: str, position: int, word: str, field: str | None) -> Query | None:
    if word == "*" and field is None:
        return Everything()
    bare = word.rstrip("*")
    found = list(words(bare))
    if not found:
        return None
    if bare.startswith("-") and field is None:
        raise InvalidQuery(text, position, f"{word!r} begins with a minus", "To exclude a word write ~ before it")
    prefix = bare != word and found[-1].end == len(bare)
    if prefix and len(found[-1].folded) < MIN_PREFIX:
        raise PrefixTooShort(
            text, position, f"{word!r} has fewer than {MIN_PREFIX} characters before the *", "Give more of the word"
        )
    # What stays must read as the same word again: no operator, no field, no * of its own.
    return Literal(bare, field, prefix)


def _phrase(text: str, start: int, field: str | None) -> tuple[Query, int]:
    content: list[str] = []
    position = start + 1
    while position < len(text) and text[position] not in QUOTES:
        if text[position] == "\\" and position + 1 < len(text) and text[position + 1] in QUOTES + "\\":
            position += 1
        content.append(text[position])
        position += 1
    if position == len(text):
        raise UnclosedQuote(text, start, "the quote is not closed", 'Add " where the phrase ends')
    phrase = "".join(content)
    if not any(True for _ in words(phrase)):
        raise NothingToSearch(text, start, "the phrase has no letter or digit", "Put words between the quotes")
    return Phrase(phrase, field), position + 1


class _Parser:
    """Recursive descent over the symbols; the only state is the place."""

    def __init__(self, text: str, symbols: list[_Symbol]) -> None:
        self._text = text
        self._symbols = symbols
        self._at = 0

    def query(self) -> Query:
        result = self._exclusion(0)
        left = self._symbols[self._at]
        if left.kind is _Kind.CLOSE:
            raise UnbalancedParenthesis(self._text, left.position, "the ) closes nothing", "Remove it or add a (")
        assert left.kind is _Kind.END
        return result

    def _take(self, kind: _Kind) -> bool:
        if self._symbols[self._at].kind is kind:
            self._at += 1
            return True
        return False

    def _exclusion(self, depth: int) -> Query:
        parts: list[Query] = [] if self._symbols[self._at].kind is _Kind.NOT else [self._either(depth)]
        while self._take(_Kind.NOT):
            parts.append(Not(self._either(depth)))
        return _join(And, parts)

    def _either(self, depth: int) -> Query:
        parts = [self._both(depth)]
        while self._take(_Kind.OR):
            parts.append(self._both(depth))
        return _join(Or, parts)

    def _both(self, depth: int) -> Query:
        parts = [self._operand(depth)]
        while self._take(_Kind.AND) or self._symbols[self._at].kind in (_Kind.LEAF, _Kind.OPEN):
            parts.append(self._operand(depth))
        return _join(And, parts)

    def _operand(self, depth: int) -> Query:
        symbol = self._symbols[self._at]
        if depth > MAX_DEPTH:
            raise QueryTooLong(
                self._text, symbol.position, f"groups nested deeper than {MAX_DEPTH}", "Simplify the query"
            )
        self._at += 1
        if symbol.kind is _Kind.LEAF:
            assert symbol.leaf is not None
            return symbol.leaf
        if symbol.kind is _Kind.NOT:
            return Not(self._operand(depth + 1))
        if symbol.kind is _Kind.OPEN:
            return self._group(symbol, depth)
        before = self._symbols[self._at - 2] if self._at > 1 else None
        if before is None:
            raise MissingOperand(
                self._text, symbol.position, "the query begins with an operator", "Give a word before it"
            )
        if before.kind is _Kind.OPEN and symbol.kind in (_Kind.AND, _Kind.OR):
            raise MissingOperand(self._text, symbol.position, "nothing stands before the operator", "Add a word")
        raise MissingOperand(self._text, before.position, "nothing follows the operator", "Add a word after it")

    def _group(self, opening: _Symbol, depth: int) -> Query:
        if self._symbols[self._at].kind is _Kind.CLOSE:
            raise UnbalancedParenthesis(self._text, opening.position, "nothing stands between ( and )", "Remove them")
        if self._symbols[self._at].kind is _Kind.END:
            raise UnbalancedParenthesis(self._text, opening.position, "the ( is not closed", "Add a )")
        inner = self._exclusion(depth + 1)
        if not self._take(_Kind.CLOSE):
            raise UnbalancedParenthesis(self._text, opening.position, "the ( is not closed", "Add a )")
        return inner


def _join(kind: type[And] | type[Or], parts: list[Query]) -> Query:
    """Put operands of one kind in one node: grouping that changes nothing leaves no trace."""
    flat: list[Query] = []
    for part in parts:
        flat.extend(part.operands if isinstance(part, kind) else (part,))
    return flat[0] if len(flat) == 1 else kind(tuple(flat))
