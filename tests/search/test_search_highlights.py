"""Which words of a hit are shown: on every engine the same."""

import pytest

from biolake.search.index import SearchIndex
from biolake.search.models import SearchRequest
from tests.search.search_documents import LIVER, document


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("il6", {("title", "IL-6")}),
        ("IL-6 ~ fibroblast", {("title", "IL-6")}),
        ("cytokines", {("summary", "Cytokine")}),
        ('"Mus musculus"', {("organism", "Mus musculus")}),
        ("hepato*", {("summary", "hepatocytes")}),
        ("summary:liver | liver & tnf-alpha", {("title", "liver"), ("curated_disease", "liver"),
                                               ("curated_tissue", "liver"), ("samples", "liver"),
                                               ("title", "TNF-alpha")}),
    ],
)  # fmt: skip
def test_a_hit_shows_what_matched(studies: SearchIndex, text: str, expected: set[tuple[str, str]]) -> None:
    hit = next(h for h in studies.search(SearchRequest(text=text)).hits if h.dataset_id == LIVER)
    assert {(h.field, h.text[start:end]) for h in hit.highlights for start, end in h.spans} == expected


def test_a_highlight_of_a_long_text_is_a_piece_of_it(index: SearchIndex) -> None:
    summary = "word " * 500 + "the kidney here " + "word " * 500
    index.upsert([document("GSE1", summary=summary)])
    ((highlight,),) = (hit.highlights for hit in index.search(SearchRequest(text="kidney")).hits)
    assert highlight.text in summary
    assert len(highlight.text) < 300
    assert [highlight.text[start:end] for start, end in highlight.spans] == ["kidney"]
