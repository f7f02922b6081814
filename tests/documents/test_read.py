"""YAML and JSON documents are read as what they say, or refused with the place of every mistake."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from biolake.documents.read import read_document


def test_plain_words_stay_words():
    document, mistakes = read_document(b"country: NO\nyes: 012\nratio: 1e-3\non: off\ntime: 12:30:00\n", "x")
    assert mistakes == []
    assert document.value == {"country": "NO", "yes": 12, "ratio": 0.001, "on": "off", "time": "12:30:00"}


PRINTABLE = st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp"))
PLAIN = st.one_of(st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.text(PRINTABLE, max_size=12))
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdef ", min_size=1), inner, max_size=4),
)


@given(content=st.dictionaries(st.text("abcdef", min_size=1, max_size=6), VALUES, min_size=1, max_size=5))
def test_json_is_read_as_what_it_is(content: dict[str, Any]):
    document, mistakes = read_document(json.dumps(content, ensure_ascii=False).encode(), "x")
    assert mistakes == []
    assert document.value == content


@given(content=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes):
    document, mistakes = read_document(content, "x")
    assert mistakes or document.lines or not isinstance(document.value, dict)
