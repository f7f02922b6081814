"""Which words are the same to a search."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolake.search.analysis import compounds, identity, stem, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Gene expression", ["gene", "expression"]),
        ("TNF-alpha TNF-α", ["tnf", "alpha", "tnf", "alpha"]),
        ("TNFα", ["tnfalpha"]),
        ("IL-6, IL‑6", ["il", "6", "il", "6"]),
        ("naïve café Sjögren", ["naive", "cafe", "sjogren"]),
        ("GSE42872_GPL6244", ["gse42872", "gpl6244"]),
        ("CD4⁺ H₂O", ["cd4", "h2o"]),
        ("Straße µM", ["strasse", "um"]),
        ("肝臓 liver", ["肝", "臓", "liver"]),
        ("½ <b>&amp;</b>", ["1", "2", "b", "amp", "b"]),
        ("", []),
        ("--- ?!", []),
    ],
)
def test_words_of_a_text(text: str, expected: list[str]) -> None:
    assert [word.stem for word in words(text)] == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tumor", "tumors"),
        ("mouse", "mice"),
        ("biopsy", "biopsies"),
        ("virus", "viruses"),
        ("carcinoma", "carcinomas"),
        ("study", "Studies".lower()),
    ],
)
def test_singular_and_plural_are_one_word(one: str, other: str) -> None:
    assert stem(one) == stem(other)


@pytest.mark.parametrize("word", ["kras", "hras", "virus", "analysis", "aids1", "lupus", "mass", "gas", "os"])
def test_a_word_that_is_no_plural_stays(word: str) -> None:
    assert stem(word) == word


@pytest.mark.parametrize(
    ("text", "expected"),
    [("IL-6", ["il6"]), ("PD–L1 and TNF-α", ["pdl1", "tnfalpha"]), ("Alzheimer's", ["alzheimers"]), ("10-12", [])],
)
def test_hyphenated_words_written_together(text: str, expected: list[str]) -> None:
    assert list(compounds(text)) == expected


def test_an_identifier_keeps_its_marks() -> None:
    assert identity(" GSE42872_GPL6244 ") == "gse42872_gpl6244"
    assert identity("HA/001") != identity("HA 001")


@given(st.text(max_size=200))
def test_a_word_is_where_it_says_and_has_no_space(text: str) -> None:
    end = 0
    for word in words(text):
        assert end <= word.end <= len(text)
        assert word.start < word.end
        assert word.stem
        assert len(word.stem.split()) == 1
        end = word.start


@given(st.text(max_size=100))
def test_the_words_of_folded_text_are_its_words(text: str) -> None:
    once = [word.folded for word in words(text)]
    assert [word.folded for word in words(" ".join(once))] == once
