"""From text to the words that are compared: the one analysis that documents and queries share in every engine.

Letters are folded (case, accents, compatibility forms, Greek letters to their names), words are runs of letters and
digits, plurals lose their ending. Which words a query requires is in `terms.py`. Plural rule: D. Harman, "How effective
is suffixing?", JASIS 42 (1991).
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_GREEK = {
    ord(letter): unicodedata.name(letter).removeprefix("GREEK SMALL LETTER ").lower()
    for letter in "αβγδεζηθικμνξοπρστυφχψω"
} | {ord("λ"): "lambda", ord("ς"): "sigma"}
_MICRO = {0xB5: "u"}
_EAST_ASIAN = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_EAST_ASIAN}]|[^\W_{_EAST_ASIAN}]+")
# One word to its author, two or more in the text: IL-6, PD-L1, Alzheimer's.
_JOINERS = "[-‐‑‒–−'’]"
_JOINER = re.compile(_JOINERS)
_COMPOUND = re.compile(rf"[^\W_]+(?:{_JOINERS}[^\W_]+){{1,3}}(?!{_JOINERS}?[^\W_])")
_COMPOUND_LENGTH = 40
_IRREGULAR = {
    "mice": "mouse",
    "men": "man",
    "women": "woman",
    "children": "child",
    "analyses": "analysis",
    "diagnoses": "diagnosis",
    "prognoses": "prognosis",
    "metastases": "metastasis",
    "indices": "index",
    "matrices": "matrix",
}

STOP_WORDS = frozenset(
    (
        *("a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "in", "into", "is", "it", "its", "of", "on"),
        *("or", "that", "the", "their", "these", "this", "to", "was", "were", "which", "with"),
    )
)
"""Words that a query passes over where it has others."""


@dataclass(frozen=True)
class Word:
    """A word of a text: its comparable form, its folded form as written, and where it is in the text."""

    stem: str
    folded: str
    start: int
    end: int


def words(text: str) -> Iterator[Word]:
    """Yield the words of a text in order."""
    for match in _WORD.finditer(text):
        for folded in _fold(match.group()):
            yield Word(stem(folded), folded, match.start(), match.end())


def folded_words(text: str) -> list[str]:
    """Return the folded words of a text in order, without their places: what indexing needs, at a third of the cost."""
    if text.isascii():
        return _WORD.findall(text.lower())
    return [folded for word in _WORD.findall(text) for folded in _fold(word)]


def compounds(text: str) -> Iterator[str]:
    """Yield what hyphenated words are when written together (`il6` of IL-6); numbers such as 10-12 are left apart."""
    if _JOINER.search(text) is None:
        return
    for match in _COMPOUND.finditer(text):
        joined = "".join(folded for part in _WORD.findall(match.group()) for folded in _fold(part))
        if len(joined) <= _COMPOUND_LENGTH and not joined.isdigit():
            yield joined


def identity(text: str) -> str:
    """Return the comparable form of an identifier as a whole, spaces and marks included."""
    return "_".join(unicodedata.normalize("NFKC", text).casefold().split())


@lru_cache(maxsize=200_000)
def stem(folded: str) -> str:
    """Return a folded word without its English plural ending."""
    if folded in _IRREGULAR:
        return _IRREGULAR[folded]
    if len(folded) < 4 or not folded.endswith("s") or not folded.isalpha() or not folded.isascii():
        return folded
    if folded.endswith("ies") and len(folded) > 4:
        return folded[:-3] + "y"
    if folded.endswith(("sses", "xes", "ches", "shes", "ruses", "tuses")):
        return folded[:-2]
    # Virus, analysis and mass are no plurals, nor are genes such as KRAS; carcinomas are.
    if folded[-2] in "siu" or (folded[-2] in "ao" and len(folded) < 5):
        return folded
    return folded[:-1]


@lru_cache(maxsize=200_000)
def _fold(word: str) -> tuple[str, ...]:
    if word.isascii():
        return (word.lower(),)
    normal = unicodedata.normalize("NFKC", word.translate(_MICRO)).casefold()
    bare = "".join(c for c in unicodedata.normalize("NFD", normal) if not unicodedata.combining(c))
    # Folding may bring out marks that part a word, such as the slash in ½.
    return tuple(_WORD.findall(unicodedata.normalize("NFC", bare).translate(_GREEK)))
