"""What a query finds, and in which order: on every engine the same."""

import pytest

from biolake.search.errors import InvalidQuery
from biolake.search.index import SearchIndex
from biolake.search.models import SearchRequest
from tests.search.search_documents import ALL, HCC, LIVER, MELANOMA, P100, RADIO, SYNOVIAL, TCELLS, document, ids


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ALL),
        ("*", ALL),
        ("melanoma", {MELANOMA, P100}),
        ("MELANOMA", {MELANOMA, P100}),
        ("melanoma A375", {MELANOMA}),
        ("melanoma & A375", {MELANOMA}),
        ("melanoma | liver", {MELANOMA, P100, LIVER, RADIO, HCC}),
        ("liver ~ tumor", {LIVER, RADIO}),
        ("liver NOT tumor", {LIVER, RADIO}),
        ("~ liver", {MELANOMA, SYNOVIAL, TCELLS, P100}),
        ("~ liver ~ melanoma", {SYNOVIAL, TCELLS}),
        ("* ~ liver", {MELANOMA, SYNOVIAL, TCELLS, P100}),
        ("(Hepatocellular carcinoma | HCC) ~ Radiotherapy", {HCC}),
        ("HCC & ~(tumor | radiotherapy)", set()),
        ("melanoma | ~ homo", {MELANOMA, P100, TCELLS}),
        ("~(melanoma | liver)", {SYNOVIAL, TCELLS}),
        ('"rheumatoid arthritis"', {SYNOVIAL}),
        ('"arthritis rheumatoid"', set()),
        ('"of patients"', set()),
        ('"of the same patients"', {HCC}),
        # A phrase never reaches from one value, line or field into the next.
        ('"musculus homo"', set()),
        ('"vehicle treatment"', set()),
        ('"cells BRAF"', set()),
        # Stop words count in phrases and where they are all there is.
        ("response of the fibroblasts", {SYNOVIAL}),
        ("the", {MELANOMA, HCC, P100}),
        # One name, however it is written.
        ("IL-6", {LIVER, SYNOVIAL}),
        ("IL6", {LIVER, SYNOVIAL}),
        ("il‑6", {LIVER, SYNOVIAL}),
        ("TNF-alpha", {LIVER, SYNOVIAL}),
        ("TNF-α", {LIVER, SYNOVIAL}),
        ("TNFα", {LIVER, SYNOVIAL}),
        ("tnfalpha", {LIVER, SYNOVIAL}),
        ("naive uber", {TCELLS}),
        ("NAÏVE", {TCELLS}),
        ("sjogren's", {TCELLS}),
        ("Sjögrens", {TCELLS}),
        ("alpha-synuclein", {TCELLS}),
        ("肝臓", {TCELLS}),
        ("臓肝", set()),
        ("mouse", {TCELLS}),
        ("tumour", set()),
        ("tumors", {HCC}),
        ("cell", {MELANOMA, TCELLS, P100}),
        # Identifiers and numbers.
        ("GSE42872", {MELANOMA, LIVER}),
        ("gse42872_gpl6244", {MELANOMA}),
        ("accession:GSE42872", {MELANOMA}),
        ("GPL6244", {MELANOMA}),
        ("V600E", {MELANOMA}),
        ("61", {SYNOVIAL}),
        ("C57BL/6J", {LIVER}),
        # Fields.
        ('organism:"Mus musculus"', {LIVER, TCELLS}),
        ("disease:melanoma", {MELANOMA}),
        ("curated_disease:melanoma", {MELANOMA}),
        ("melanoma ~ disease:melanoma", {P100}),
        ("title:liver", {LIVER}),
        ("year:2015", {LIVER, SYNOVIAL}),
        ("2015", {LIVER, SYNOVIAL}),
        ("n_samples:96", {P100}),
        ("96", set()),
        ("repository:proteomics", {P100}),
        ("proteomics", set()),
        ("gene:BRAF | features:BRAF", {MELANOMA, P100}),
        ("title:IL6", {LIVER, SYNOVIAL}),
        ("data_type:rna-seq", {LIVER, SYNOVIAL, RADIO}),
        ("samples:age", {SYNOVIAL}),
        # Beginnings.
        ("hepato*", {LIVER, RADIO, HCC}),
        ("title:hepato*", {RADIO}),
        ("vemurafen*", {MELANOMA}),
        ("TNF-al*", {LIVER, SYNOVIAL}),
        ("mela* ~ phospho*", {MELANOMA}),
        ("antidisestablishmentarianism*", set()),
        ("unheardof", set()),
        ("melanoma unheardof", set()),
    ],
)
def test_a_query_finds(studies: SearchIndex, text: str, expected: set[str]) -> None:
    page = studies.search(SearchRequest(text=text))
    assert set(ids(page)) == expected
    assert page.total == len(expected)
    assert page.next is None


def test_a_broken_query_is_refused(studies: SearchIndex) -> None:
    with pytest.raises(InvalidQuery):
        studies.search(SearchRequest(text="(melanoma"))


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("GSE42872", MELANOMA),
        ("gse42872_gpl6244", MELANOMA),
        ("GSE1001 | melanoma", LIVER),
        ("liver", LIVER),
        ("hcc", HCC),
        ("vemurafenib", MELANOMA),
    ],
)
def test_identifiers_come_first_then_titles(studies: SearchIndex, text: str, first: str) -> None:
    assert ids(studies.search(SearchRequest(text=text)))[0] == first


def test_where_a_word_is_found_decides_its_rank(index: SearchIndex) -> None:
    filler = {"title": "One of several", "summary": "A study of something."}
    places = [
        document("E", **filler, samples_text="kidney"),
        document("D", **{**filler, "summary": "A study of kidney."}),
        document("C", **filler, platform="kidney"),
        document("B", **filler, curated_tissue=("kidney",)),
        document("A", **{**filler, "title": "One of kidney"}),
        *(document(f"X{number}", **filler, platform="GPL1", curated_tissue=("liver",)) for number in range(20)),
    ]
    index.upsert(places)
    page = index.search(SearchRequest(text="kidney"))
    assert ids(page) == ["A", "B", "C", "D", "E"]
    assert [hit.score for hit in page.hits] == sorted((hit.score for hit in page.hits), reverse=True)


def test_very_long_text(index: SearchIndex) -> None:
    long = " ".join(f"word{number}" for number in range(60_000))
    index.upsert(
        [
            document("GSE1", summary=long, samples_text="\n".join(f"sample: donor{n}" for n in range(5000))),
            document("GSE2", title="x" * 100_000, summary="kidney"),
        ]
    )
    assert ids(index.search(SearchRequest(text='word59999 "word30000 word30001"'))) == ["GSE1"]
    assert ids(index.search(SearchRequest(text="donor4999"))) == ["GSE1"]
    assert ids(index.search(SearchRequest(text="x" * 1000))) == []
    (hit,) = index.search(SearchRequest(text="kidney")).hits
    assert hit.dataset_id == "GSE2"
    assert len(hit.dataset.title) == 100_000
