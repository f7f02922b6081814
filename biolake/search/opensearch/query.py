"""Requests in OpenSearch's own terms: what matches, what it scores, filters, order, facets.

What matches follows from `terms.py` alone, so that the engines find the same; how it is scored is this engine's: the
sum of BM25 over the columns in which a word is found, each by the weight of its part.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from biolake.search.fields import FIELDS, IDENTITY_WEIGHT, WEIGHTS, Part
from biolake.search.models import NUMBERS, Filter, Range, SearchRequest
from biolake.search.opensearch.lifecycle import SHOWN
from biolake.search.opensearch.mapping import EVERYWHERE, SCOPED, column_of
from biolake.search.opensearch.rows import microseconds, term
from biolake.search.query import Everything, Query
from biolake.search.terms import (
    ALL,
    AllOf,
    AnyOf,
    NoneOf,
    Prefix,
    Requirement,
    Term,
    Wish,
    require,
    wishes,
)
from biolake.search.terms import Sequence as TermSequence
from biolake.search.vectors import DEPTH

Clause = dict[str, Any]

NOTHING: Final[Clause] = {"match_none": {}}
EVERY: Final[Clause] = {"match_all": {}}
_MANY_TERMS = 64
"""A list of so many words (of genes, say) is asked for as a set: a query has room for about a thousand clauses."""
_ORDERED_BY = {"ingested_at": "ingested_us"}
_FIRST_SHARD_SIZE = 1000


def text_query(request: SearchRequest, query: Query) -> Clause:
    """Return the query of a request's text and filters, with scores where the order goes by them."""
    shown = filters(request)
    if isinstance(query, Everything):
        return {"bool": {"filter": shown}}
    matches = matching(require(query))
    if request.sort != "relevance":
        return {"bool": {"filter": [*shown, matches]}}
    asked: Clause = {"must": [matches], "filter": shown}
    names = _names(wishes(query))
    if names:
        exact = {"terms": {"identities": names}}
        asked["should"] = [{"constant_score": {"filter": exact, "boost": IDENTITY_WEIGHT}}]
    return {"bool": asked}


def vector_query(request: SearchRequest) -> Clause:
    """Return the query of the datasets nearest to the request's vector among those that its filters allow."""
    nearest = {"vector": list(request.vector or ()), "k": request.neighbours}
    return {"knn": {"vector": {**nearest, "filter": {"bool": {"filter": filters(request)}}}}}


def hybrid_query(request: SearchRequest, query: Query) -> Clause:
    """Return the query of what the text or the vector finds, for the search pipeline to score."""
    both = [text_query(request, query), vector_query(request)]
    return {"hybrid": {"queries": both, "pagination_depth": DEPTH}}


def matching(requirement: Requirement) -> Clause:
    """Return the query that matches what meets the requirement."""
    match requirement:
        case Term(text) if text == ALL:
            return EVERY
        case Term(text):
            return _either(
                {"term": {f"terms.{column}": {"value": value, "boost": boost}}}
                for column, value, boost in _places(text)
            )
        case Prefix(text):
            return _either(
                {"prefix": {f"words.{column}": {"value": value, "boost": boost}}}
                for column, value, boost in _places(text)
            )
        case TermSequence(texts):
            return _either(_phrases(texts))
        case AnyOf():
            return _any_of(requirement)
        case AllOf(parts):
            wanted = [matching(part) for part in parts if not isinstance(part, NoneOf)]
            unwanted = [matching(part.part) for part in parts if isinstance(part, NoneOf)]
            return {"bool": {"must": wanted or [EVERY], "must_not": unwanted}}
        case NoneOf(part):
            return {"bool": {"must": [EVERY], "must_not": [matching(part)]}}


def filters(request: SearchRequest) -> list[Clause]:
    """Return the conditions that every hit of the request meets, none of them scored."""
    conditions: list[Clause] = [SHOWN]
    if request.repositories:
        conditions.append({"terms": {"repository": list(request.repositories)}})
    conditions.extend(_condition(name, value) for name, value in request.filters.items())
    return conditions


def order(request: SearchRequest, query: Query) -> list[Clause]:
    """Return the order of the hits, unique by the key that comes last."""
    last: Clause = {"key": "asc"}
    if request.sort != "relevance":
        by = _ORDERED_BY.get(request.sort, request.sort)
        return [{by: {"order": "desc" if request.descending else "asc", "missing": "_last"}}, last]
    if isinstance(query, Everything) and request.vector is None:
        return [last]
    return [{"_score": "desc"}, last]


def facets(names: Iterable[str], size: int, shard_size: int = _FIRST_SHARD_SIZE) -> Clause:
    """Return the counts of values; with one shard, or a large enough `shard_size`, they are exact."""
    by_count = [{"_count": "desc"}, {"_key": "asc"}]
    return {
        name: {"terms": {"field": name, "size": size, "shard_size": max(size, shard_size), "order": by_count}}
        for name in names
    }


def _places(text: str) -> list[tuple[str, str, float]]:
    """Return the columns a term is looked for in, what it is there, and its weight."""
    field, colon, plain = text.partition(":")
    if not colon:
        return [(column, term(text), WEIGHTS[part]) for column, part in EVERYWHERE.items()]
    column = column_of(field)
    value = f"{field}:{term(plain)}" if column == SCOPED else term(plain)
    return [(column, value, WEIGHTS[FIELDS[field].part])]


def _phrases(texts: Sequence[str]) -> Iterable[Clause]:
    # Each term of a phrase is in the same columns.
    for places in zip(*map(_places, texts), strict=True):
        column, _, boost = places[0]
        phrase = " ".join(value for _, value, _ in places)
        yield {"match_phrase": {f"terms.{column}": {"query": phrase, "boost": boost}}}


def _any_of(requirement: AnyOf) -> Clause:
    parts = list(_flat(requirement))
    terms = [part.term for part in parts if isinstance(part, Term) and part.term != ALL]
    if len(terms) <= _MANY_TERMS:
        return _either(map(matching, parts))
    sets: dict[tuple[str, float], list[str]] = {}
    for text in terms:
        for column, value, boost in _places(text):
            sets.setdefault((column, boost), []).append(value)
    others = [matching(part) for part in parts if not (isinstance(part, Term) and part.term != ALL)]
    found = [{"terms": {f"terms.{column}": values, "boost": boost}} for (column, boost), values in sets.items()]
    return _either([*found, *others])


def _flat(requirement: AnyOf) -> Iterable[Requirement]:
    for part in requirement.parts:
        if isinstance(part, AnyOf):
            yield from _flat(part)
        else:
            yield part


def _either(clauses: Iterable[Clause]) -> Clause:
    found = list(clauses)
    return found[0] if len(found) == 1 else {"bool": {"should": found, "minimum_should_match": 1}}


def _names(wanted: Iterable[Wish]) -> list[str]:
    """Return the whole names that the query may be asking for."""
    return [
        term(wish.identity)
        for wish in wanted
        if wish.identity and (wish.field is None or FIELDS[wish.field].part is Part.NAMES)
    ]


def _condition(name: str, value: Filter) -> Clause:
    if isinstance(value, Range):
        return _within(name, value)
    values = [item for item in value if not isinstance(item, int) or _fits(name, item)]
    return {"terms": {name: values}} if values else NOTHING


def _within(name: str, value: Range) -> Clause:
    low, high = _limits(name)
    least, most = _number(value.minimum, low), _number(value.maximum, high)
    if least > high or most < low:
        return NOTHING
    return {"range": {_ORDERED_BY.get(name, name): {"gte": max(least, low), "lte": min(most, high)}}}


def _number(bound: int | datetime | None, otherwise: int) -> int:
    return otherwise if bound is None else microseconds(bound) if isinstance(bound, datetime) else bound


def _fits(name: str, value: int) -> bool:
    low, high = _limits(name)
    return name not in NUMBERS or low <= value <= high


def _limits(name: str) -> tuple[int, int]:
    """Return the smallest and largest number of the column's type; another is refused, not compared."""
    bits = 31 if name == "year" else 63
    return -(2**bits), 2**bits - 1
