"""Where in a dataset's texts a query matched: pieces of plain text with spans, for a reader to mark up.

Which words a query looks for is `terms.py`; colours and tags are the page's.
"""

from collections.abc import Iterable, Sequence

from biolake.search.analysis import Word, compounds, folded_words, stem, words
from biolake.search.fields import FIELDS, texts
from biolake.search.models import Highlight, SearchDocument
from biolake.search.terms import Wish

_WINDOW = 240
_LEAD = 60
_MOST_TEXT = 100_000
_MOST_VALUES = 5


def highlights(document: SearchDocument, wanted: Iterable[Wish]) -> tuple[Highlight, ...]:
    """Return where the document matches, at most one piece per long text, in the order of `FIELDS`."""
    looked_for = tuple(wanted)
    result: list[Highlight] = []
    for field in FIELDS.values():
        here = [w for w in looked_for if w.field == field.name or (w.field is None and field.everywhere)]
        if not here:
            continue
        found = 0
        for text in texts(document, field):
            spans = _spans(text[:_MOST_TEXT], here)
            if spans:
                result.append(_piece(field.name, text, spans))
                found += 1
            if found == _MOST_VALUES:
                break
    return tuple(result)


def _spans(text: str, wanted: Sequence[Wish]) -> list[tuple[int, int]]:
    possible = _possible(text, wanted)
    if not possible:
        return []
    found = list(words(text))
    spans: list[tuple[int, int]] = []
    for wish in possible:
        for first in range(len(found)):
            if wish.joined is not None and found[first].stem == wish.joined:
                spans.append((found[first].start, found[first].end))
            last = first + len(wish.terms)
            if last <= len(found) and _matches(found[first:last], wish):
                spans.append((found[first].start, found[last - 1].end))
        # The text's IL-6 for the query's IL6: parts that make up the word together.
        if len(wish.terms) == 1:
            spans.extend(_parts(text, found, wish))
    return _merged(spans)


def _possible(text: str, wanted: Sequence[Wish]) -> list[Wish]:
    """Return what may be in the text: most texts of a page are done with by this alone."""
    folded = folded_words(text)
    stems = {*map(stem, folded), *map(stem, compounds(text))}
    return [
        wish
        for wish in wanted
        if wish.joined in stems
        or (
            stems.issuperset(wish.terms[:-1] if wish.prefix else wish.terms)
            and (not wish.prefix or any(word.startswith(wish.terms[-1]) for word in folded))
        )
    ]


def _matches(found: Sequence[Word], wish: Wish) -> bool:
    *before, last = zip(found, wish.terms, strict=True)
    ends = last[0].folded.startswith(last[1]) if wish.prefix else last[0].stem == last[1]
    return ends and all(word.stem == term for word, term in before)


def _parts(text: str, found: Sequence[Word], wish: Wish) -> Iterable[tuple[int, int]]:
    (term,) = wish.terms
    for first, word in enumerate(found):
        if not term.startswith(word.folded):
            continue
        joined = word.folded
        for last in range(first + 1, min(first + 4, len(found))):
            if found[last].start != found[last - 1].end + 1 or text[found[last - 1].end].isspace():
                break
            joined += found[last].folded
            if stem(joined) == term:
                yield word.start, found[last].end


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _piece(field: str, text: str, spans: list[tuple[int, int]]) -> Highlight:
    """Cut the window around the first match, at spaces where there are some."""
    start = 0
    if len(text) > _WINDOW:
        start = max(0, spans[0][0] - _LEAD)
        if start:
            start = text.rfind(" ", 0, start) + 1 or start
    end = min(len(text), max(start + _WINDOW, spans[0][1]))
    if end < len(text):
        space = text.rfind(" ", spans[0][1], end)
        end = space if space > 0 else end
    inside = tuple((a - start, b - start) for a, b in spans if b <= end)
    return Highlight(field=field, text=text[start:end], spans=inside)
