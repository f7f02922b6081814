"""The query language: what is read, what it means, and that every text has an answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolake.search.analysis import STOP_WORDS, words
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
from biolake.search.parse import MAX_LENGTH, parse_query
from biolake.search.query import And, Everything, Literal, Not, Or, Phrase, Query, print_query
from biolake.search.terms import require


def word(text: str) -> Literal:
    return Literal(text)


A, B, C, D = word("a"), word("b"), word("c"), word("d")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Everything()),
        ("  \t", Everything()),
        ("*", Everything()),
        ("melanoma", word("melanoma")),
        ("a b", And((A, B))),
        ("a & b", And((A, B))),
        ("a && b AND c", And((A, B, C))),
        ("a | b", Or((A, B))),
        ("a || b OR c", Or((A, B, C))),
        ("a b | c", Or((And((A, B)), C))),
        ("a (b | c)", And((A, Or((B, C))))),
        ("a ~ b", And((A, Not(B)))),
        ("a NOT b", And((A, Not(B)))),
        ("a ~ b | c", And((A, Not(Or((B, C)))))),
        ("a | b ~ c", And((Or((A, B)), Not(C)))),
        ("a ~ b ~ c", And((A, Not(B), Not(C)))),
        ("a & ~b | c", Or((And((A, Not(B))), C))),
        ("a | ~b c", Or((A, And((Not(B), C))))),
        ("~ a b", Not(And((A, B)))),
        ("(~a) b", And((Not(A), B))),
        ("((a))", A),
        ("(a b) c", And((A, B, C))),
        ("a and b", And((A, word("and"), B))),
        ("neuro*", Literal("neuro", prefix=True)),
        ('"breast cancer"', Phrase("breast cancer")),
        ("“breast cancer”", Phrase("breast cancer")),
        (r'"say \"no\""', Phrase('say "no"')),
        ('organism:"Homo sapiens"', Phrase("Homo sapiens", "organism")),
        ("Organism:human", Literal("human", "organism")),
        ("disease:melan*", Literal("melan", "curated_disease", prefix=True)),
        ("GO:0008150", word("GO:0008150")),
        ("HLA-A*02:01", word("HLA-A*02:01")),
        ("a - b", And((A, B))),
        ("IL-6", word("IL-6")),
        ("title:-", None),
        (
            "(Hepatocellular carcinoma | HCC) ~ Radiotherapy",
            And((Or((And((word("Hepatocellular"), word("carcinoma"))), word("HCC"))), Not(word("Radiotherapy")))),
        ),
    ],
)
def test_reads_what_a_scientist_writes(text: str, expected: Query | None) -> None:
    if expected is None:
        with pytest.raises(InvalidQuery):
            parse_query(text)
    else:
        assert parse_query(text) == expected


@pytest.mark.parametrize(
    ("text", "error", "position"),
    [
        ("a |", MissingOperand, 2),
        ("| a", MissingOperand, 0),
        ("a (& b)", MissingOperand, 3),
        ("a & | b", MissingOperand, 2),
        ("title:", MissingOperand, 0),
        ("lung title: x", MissingOperand, 5),
        ("(a", UnbalancedParenthesis, 0),
        ("a (b", UnbalancedParenthesis, 2),
        ("a)", UnbalancedParenthesis, 1),
        ("a ()", UnbalancedParenthesis, 2),
        ('lung "breast', UnclosedQuote, 5),
        ('"..."', NothingToSearch, 0),
        ("???", NothingToSearch, 0),
        ("a*", PrefixTooShort, 0),
        ("lung organsim:human", UnknownField, 5),
        ("lung -breast", InvalidQuery, 5),
        ("a" * (MAX_LENGTH + 1), QueryTooLong, MAX_LENGTH),
        ("(" * 50 + "a" + ")" * 50, QueryTooLong, None),
    ],
)
def test_an_error_says_where_and_what_to_do(text: str, error: type[InvalidQuery], position: int | None) -> None:
    with pytest.raises(error) as raised:
        parse_query(text)
    if position is not None:
        assert raised.value.position == position
        assert f"character {position + 1}:" in str(raised.value)
    assert raised.value.text == text
    assert str(raised.value).endswith(".")


def test_an_unknown_field_is_met_with_the_closest_one() -> None:
    with pytest.raises(UnknownField, match="Did you mean organism:"):
        parse_query("organsim:human")


@given(st.text(alphabet=st.one_of(st.sampled_from('ab1 *()&|~":-\\“AND'), st.characters()), max_size=60))
def test_any_text_is_a_query_or_says_why_not(text: str) -> None:
    query = _read(text)
    if isinstance(query, InvalidQuery):
        assert 0 <= query.position <= len(text)
    else:
        assert parse_query(print_query(query)) == query
        require(query)


def _read(text: str) -> Query | InvalidQuery:
    try:
        return parse_query(text)
    except InvalidQuery as error:
        return error


_fields = st.none() | st.sampled_from(sorted(FIELDS))
_texts = st.text(min_size=1, max_size=20)


def _is_word(text: str) -> bool:
    """A text that stands for itself as a word: no operator, field, phrase or prefix in it."""
    try:
        return parse_query(text) == Literal(text)
    except InvalidQuery:
        return False


_words = st.one_of(
    st.sampled_from(["IL-6", "TNF-α", "GSE42872", "Sjögren’s", "3.5", "GO:0008150", "x*y"]), _texts.filter(_is_word)
)
_leaves = st.one_of(
    st.just(Everything()),
    st.builds(Literal, _words, _fields),
    st.builds(Literal, st.sampled_from(["neuro", "IL-17", "βαγ"]), _fields, st.just(True)),
    st.builds(Phrase, _texts.filter(lambda text: any(True for _ in words(text))), _fields),
)


def _flat(kind: type[And] | type[Or], operands: list[Query]) -> Query:
    """Operands of one kind are in one node, as the parser leaves them."""
    parts = [part for operand in operands for part in (operand.operands if isinstance(operand, kind) else (operand,))]
    return kind(tuple(parts))


_queries = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(lambda parts: _flat(And, parts), st.lists(inner, min_size=2, max_size=3)),
        st.builds(lambda parts: _flat(Or, parts), st.lists(inner, min_size=2, max_size=3)),
    ),
    max_leaves=8,
)


@given(_queries)
def test_a_printed_query_reads_as_the_same(query: Query) -> None:
    assert parse_query(print_query(query)) == query


def test_names_of_fields_can_be_told_from_each_other() -> None:
    assert not set(ALIASES) & set(FIELDS)
    assert set(ALIASES.values()) <= set(FIELDS)


@pytest.mark.parametrize("text", sorted(STOP_WORDS))
def test_a_stop_word_counts_only_where_it_is_all_there_is(text: str) -> None:
    assert require(parse_query(f"lung {text} liver")) == require(parse_query("lung liver"))
    assert require(parse_query(text)) != require(parse_query("*"))
    assert require(parse_query(f'"{text} lung"')) != require(parse_query("lung"))
