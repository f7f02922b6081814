"""Requests in the embedded engine's own terms: full-text queries of Lance, filters as SQL of DataFusion."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from biolake.search.fields import FIELDS, IDENTITY_WEIGHT, WEIGHTS, Part
from biolake.search.lance.rows import SCORED
from biolake.search.models import KEYWORD_LISTS, Filter, Range, SearchRequest
from biolake.search.terms import ALL, AllOf, AnyOf, NoneOf, Prefix, Requirement, Term, Wish
from biolake.search.terms import Sequence as TermSequence

if TYPE_CHECKING:
    from lancedb.query import FullTextQuery

LIVE = "NOT deleted"


def matching(requirement: Requirement) -> "FullTextQuery":
    """Return the query that matches what meets the requirement."""
    from lancedb.query import BooleanQuery, Occur

    match requirement:
        case Term(term):
            return _match(term, "terms", WEIGHTS[Part.REST])
        case Prefix(term):
            return _match(term, "prefixes", WEIGHTS[Part.REST])
        case TermSequence(terms):
            return _phrase(terms)
        case AnyOf(parts):
            return BooleanQuery([(Occur.SHOULD, matching(part)) for part in parts])
        case AllOf(parts):
            clauses = [
                (Occur.MUST_NOT, matching(part.part)) if isinstance(part, NoneOf) else (Occur.MUST, matching(part))
                for part in parts
            ]
            if all(occur is Occur.MUST_NOT for occur, _ in clauses):
                clauses.insert(0, (Occur.MUST, _match(ALL, "terms", WEIGHTS[Part.REST])))
            return BooleanQuery(clauses)
        case NoneOf(part):
            return BooleanQuery(
                [(Occur.MUST, _match(ALL, "terms", WEIGHTS[Part.REST])), (Occur.MUST_NOT, matching(part))]
            )


def ranking(requirement: Requirement, wanted: Iterable[Wish]) -> "FullTextQuery":
    """Return the query that matches the same and scores by where the words are found."""
    from lancedb.query import BooleanQuery, Occur

    wishes = list(wanted)
    clauses: list[tuple[Occur, FullTextQuery]] = [(Occur.MUST, matching(requirement))]
    for part, column in SCORED.items():
        terms = [term for wish in wishes for term in _terms(wish) if _scored_in(wish, part)]
        if terms:
            clauses.append((Occur.SHOULD, _match(" ".join(terms), column, WEIGHTS[part])))
    names = [f"={wish.identity}" for wish in wishes if wish.identity and _scored_in(wish, Part.NAMES)]
    if names:
        clauses.append((Occur.SHOULD, _match(" ".join(names), SCORED[Part.NAMES], IDENTITY_WEIGHT)))
    return BooleanQuery(clauses) if len(clauses) > 1 else clauses[0][1]


def _match(terms: str, column: str, boost: float) -> "FullTextQuery":
    from lancedb.query import MatchQuery

    return MatchQuery(terms, column, boost=boost)  # pyright: ignore[reportCallIssue]


def _phrase(terms: Iterable[str]) -> "FullTextQuery":
    from lancedb.query import PhraseQuery

    return PhraseQuery(" ".join(terms), "terms")  # pyright: ignore[reportCallIssue]


def _scored_in(wish: Wish, part: Part) -> bool:
    return wish.field is None or FIELDS[wish.field].part is part


def _terms(wish: Wish) -> Sequence[str]:
    whole = wish.terms[:-1] if wish.prefix else wish.terms
    return whole if wish.joined is None else (*whole, wish.joined)


def where(request: SearchRequest) -> str:
    """Return the request's filters as one SQL condition."""
    conditions = [LIVE]
    if request.repositories:
        conditions.append(_one_of("repository", request.repositories))
    conditions.extend(_condition(name, value) for name, value in request.filters.items())
    return " AND ".join(conditions)


def in_list(column: str, values: Iterable[str]) -> str:
    """Return the condition that the column is one of the values."""
    return f"{column} IN ({', '.join(_literal(value) for value in values)})"


def _condition(name: str, value: Filter) -> str:
    if isinstance(value, Range):
        bounds = ((">=", value.minimum), ("<=", value.maximum))
        return " AND ".join(f"{name} {sign} {_literal(bound)}" for sign, bound in bounds if bound is not None)
    return _one_of(name, value)


def _one_of(name: str, values: Sequence[str] | Sequence[int]) -> str:
    if not values:
        return "false"
    literals = ", ".join(_literal(value) for value in values)
    return f"array_has_any({name}, [{literals}])" if name in KEYWORD_LISTS else f"{name} IN ({literals})"


def _literal(value: str | int | datetime) -> str:
    """Write a value so that no content can end the literal: SQL knows one escape, the doubled quote."""
    if isinstance(value, datetime):
        return f"timestamp '{value.astimezone(UTC).isoformat(sep=' ', timespec='microseconds')}'"
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"
