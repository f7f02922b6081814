"""What a document must contain to match a query, in terms of the analysis: the same for every engine.

A term is a word's stem, in a field preceded by `field:`. An engine indexes `document_terms` and answers `require`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import TypeAlias

from biolake.search.analysis import STOP_WORDS, compounds, folded_words, identity, stem, words
from biolake.search.fields import FIELDS, Part, SearchField, texts
from biolake.search.models import SearchDocument
from biolake.search.query import And, Everything, Literal, Not, Or, Phrase, Query

MIN_PREFIX = 2
MAX_PREFIX = 20
ALL = "∀"
"""The term that every document contains."""
BOUNDARY = "¶"
"""Stands between values, so that no phrase reaches over."""


@dataclass(frozen=True)
class Term:
    """A term anywhere in the document."""

    term: str


@dataclass(frozen=True)
class Sequence:
    """Terms one right after the other."""

    terms: tuple[str, ...]


@dataclass(frozen=True)
class Prefix:
    """A term that begins so; at most `MAX_PREFIX` characters count."""

    term: str


@dataclass(frozen=True)
class AllOf:
    """Every one holds."""

    parts: tuple["Requirement", ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one holds."""

    parts: tuple["Requirement", ...]


@dataclass(frozen=True)
class NoneOf:
    """The part does not hold."""

    part: "Requirement"


Requirement: TypeAlias = Term | Sequence | Prefix | AllOf | AnyOf | NoneOf


@dataclass(frozen=True)
class DocumentTerms:
    """A document as its terms.

    Attributes:
        everything: Terms in order, plain and by field, with boundaries; answers terms and sequences.
        prefixes: Beginnings of the words, plain and by field, each once.
        parts: Per scored part its terms; the names' with the whole identifiers, each preceded by `=`.
    """

    everything: tuple[str, ...]
    prefixes: tuple[str, ...]
    parts: dict[Part, tuple[str, ...]]


@dataclass(frozen=True)
class FieldTerms:
    """One field of a document as its terms.

    Attributes:
        field: The field.
        terms: Stems in order, plain, with boundaries before each value.
        words: The folded words, each once: what a word's beginning is compared with.
    """

    field: SearchField
    terms: list[str]
    words: set[str]


def field_terms(document: SearchDocument) -> Iterator[FieldTerms]:
    """Yield the terms of each field, also of those that have none."""
    for field in FIELDS.values():
        plain: list[str] = []
        distinct: set[str] = set()
        for text in texts(document, field):
            plain.append(BOUNDARY)
            folded = folded_words(text)
            plain.extend(map(stem, folded))
            distinct.update(folded)
            for joined in compounds(text):
                plain.extend((BOUNDARY, stem(joined)))
                distinct.add(joined)
        yield FieldTerms(field, plain, distinct)


def identities(document: SearchDocument) -> list[str]:
    """Return the comparable forms of the whole names that a document is known by."""
    return [identity(name) for name in (document.dataset_id, *document.accessions)]


def document_terms(document: SearchDocument) -> DocumentTerms:
    """Return the terms under which a document is found."""
    everything: list[str] = [ALL]
    prefixes: dict[str, None] = {}
    parts: dict[Part, list[str]] = {part: [] for part in Part if part is not Part.REST}
    for found in field_terms(document):
        field, plain = found.field, found.terms
        beginnings = dict.fromkeys(chain.from_iterable(map(_beginnings, sorted(found.words))))
        if field.everywhere:
            everything.extend(plain)
            prefixes.update(beginnings)
        scope = field.name + ":"
        everything.extend([term if term is BOUNDARY else scope + term for term in plain])
        prefixes.update(dict.fromkeys([scope + beginning for beginning in beginnings]))
        if field.part in parts:
            parts[field.part].extend([term for term in plain if term is not BOUNDARY])
    parts[Part.NAMES].extend("=" + name for name in identities(document))
    return DocumentTerms(tuple(everything), tuple(prefixes), {part: tuple(found) for part, found in parts.items()})


@lru_cache(maxsize=200_000)
def _beginnings(word: str) -> tuple[str, ...]:
    return tuple(word[:length] for length in range(MIN_PREFIX, min(len(word), MAX_PREFIX) + 1))


def require(query: Query) -> Requirement:
    """Return what a document must contain.

    A word of several (`IL-6`) is met by its parts in order or by the parts written together. Stop words count only
    where nothing else is asked for, and in phrases.
    """
    match query:
        case Everything():
            return Term(ALL)
        case Literal(text, field, prefix):
            return _beginning(text, field) if prefix else _word(text, field)
        case Phrase(text, field):
            return _sequence([_scoped(word.stem, field) for word in words(text)])
        case And(operands):
            telling = [operand for operand in operands if not _is_stop_word(operand)]
            # Only exclusions would be left: then the stop word is all that was asked for.
            if all(isinstance(operand, Not) for operand in telling):
                telling = list(operands)
            return _all([require(operand) for operand in telling])
        case Or(operands):
            return AnyOf(tuple(require(operand) for operand in operands))
        case Not(operand):
            return NoneOf(require(operand))


@dataclass(frozen=True)
class Wish:
    """A word that a query looks for, for scoring and highlighting.

    Attributes:
        terms: The stems, more than one for a phrase or a word of several.
        joined: The stem of the parts written together, where there are several.
        field: Where it is looked for, None for anywhere.
        prefix: Whether the last term is the beginning of a word, not a stem.
        identity: The whole text as an identifier.
    """

    terms: tuple[str, ...]
    joined: str | None
    field: str | None
    prefix: bool
    identity: str | None


def wishes(query: Query) -> Iterator[Wish]:
    """Yield what the query looks for, without what it excludes."""
    match query:
        case Literal(text, field, prefix):
            found = list(words(text))
            last = found[-1].folded if prefix else found[-1].stem
            terms = (*(word.stem for word in found[:-1]), last)
            whole = None if prefix else identity(text)
            yield Wish(terms, _joined(text) if len(terms) > 1 else None, field, prefix, whole)
        case Phrase(text, field):
            yield Wish(tuple(word.stem for word in words(text)), None, field, False, identity(text))
        case And(operands) | Or(operands):
            for operand in operands:
                if not _is_stop_word(operand):
                    yield from wishes(operand)
        case _:
            return


def _is_stop_word(query: Query) -> bool:
    return isinstance(query, Literal) and not query.prefix and query.field is None and query.text.lower() in STOP_WORDS


def _word(text: str, field: str | None) -> Requirement:
    found = [word.stem for word in words(text)]
    sequence = _sequence([_scoped(term, field) for term in found])
    joined = _joined(text)
    if len(found) == 1 or joined is None:
        return sequence
    return AnyOf((sequence, Term(_scoped(joined, field))))


def _beginning(text: str, field: str | None) -> Requirement:
    found = list(words(text))
    last = Prefix(_scoped(found[-1].folded[:MAX_PREFIX], field))
    if len(found) == 1:
        return last
    apart = AllOf((*(Term(_scoped(word.stem, field)) for word in found[:-1]), last))
    joined = _together(text)
    return apart if joined is None else AnyOf((apart, Prefix(_scoped(joined[:MAX_PREFIX], field))))


def _joined(text: str) -> str | None:
    joined = _together(text)
    return None if joined is None else stem(joined)


def _together(text: str) -> str | None:
    """Return a hyphenated word written together; None where the text is more than that."""
    whole = "".join(word.folded for word in words(text))
    return whole if next(compounds(text), None) == whole else None


def _sequence(terms: list[str]) -> Requirement:
    return Term(terms[0]) if len(terms) == 1 else Sequence(tuple(terms))


def _all(parts: list[Requirement]) -> Requirement:
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _scoped(term: str, field: str | None) -> str:
    return term if field is None else f"{field}:{term}"
