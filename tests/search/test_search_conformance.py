"""What every engine answers: the same queries, the same datasets."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from biolake.search.errors import InvalidCursor, InvalidDocument, InvalidQuery, InvalidRequest
from biolake.search.index import SearchIndex
from biolake.search.models import FACETS, SORTS, FacetCount, Range, SearchPage, SearchRequest
from tests.search.search_documents import INGESTED, STUDIES, document

MELANOMA, LIVER, SYNOVIAL, RADIO, HCC, TCELLS, P100 = (study.dataset_id for study in STUDIES)
ALL = {study.dataset_id for study in STUDIES}


def ids(page: SearchPage) -> list[str]:
    return [hit.dataset_id for hit in page.hits]


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


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"organism": ("Mus musculus",)}, {LIVER, TCELLS}),
        ({"organism": ("Mus musculus", "Homo sapiens")}, ALL),
        ({"organism": ("Mus musculus",), "year": (2015,)}, {LIVER}),
        ({"organism": ("mus musculus",)}, set()),
        ({"organism": ()}, set()),
        ({"year": Range(minimum=2015, maximum=2019)}, {LIVER, SYNOVIAL, RADIO}),
        ({"year": Range(maximum=2008)}, {HCC}),
        ({"n_samples": Range(minimum=90)}, {HCC, P100}),
        ({"curated_disease": ("hepatocellular carcinoma",), "data_type": ("RNA-seq",)}, {RADIO}),
        ({"accessions": ("GSE42872",)}, {MELANOMA}),
        ({"dataset_id": (MELANOMA,)}, {MELANOMA}),
        ({"ingested_at": Range(minimum=INGESTED, maximum=INGESTED)}, ALL),
        ({"ingested_at": Range(minimum=INGESTED + timedelta(seconds=1))}, set()),
    ],
)
@pytest.mark.parametrize("text", ["", "homo | mus"])
def test_filters_are_exact_and_all_hold(studies: SearchIndex, filters: dict, expected: set[str], text: str) -> None:
    page = studies.search(SearchRequest(text=text, filters=filters))
    assert set(ids(page)) == expected
    assert page.total == len(expected)


@pytest.mark.parametrize(
    "value",
    [
        "' OR '1'='1",
        "') OR true --",
        "x'; DROP TABLE documents; --",
        "\\' OR true",
        "“”",
        "a\nb",
        '"',
        "%",
        "*",
        "日本",
    ],
)
@pytest.mark.parametrize("name", ["organism", "data_type", "dataset_id"])
def test_a_filter_value_is_only_a_value(index: SearchIndex, name: str, value: str) -> None:
    index.upsert([document("GSE1", data_type="other", organism=("other",)), document(value or "none")])
    mine = {"organism": (value,), "data_type": value, "dataset_id": "GSE2"}
    index.upsert([document("GSE2", organism=mine["organism"], data_type=mine["data_type"])])
    expected = [value] if name == "dataset_id" else ["GSE2"]
    assert ids(index.search(SearchRequest(filters={name: (value,)}))) == expected
    assert index.versions(value) == {}
    assert index.count(value) == 0
    assert index.get("geo", value) is not None
    index.delete("geo", [value])
    assert set(index.versions("geo")) == {"GSE1", "GSE2"}


@pytest.mark.parametrize(
    "fields",
    [
        {"filters": {"tissue": ("liver",)}},
        {"filters": {"organism": Range(minimum=1)}},
        {"filters": {"year": Range()}},
        {"filters": {"year": ("2015",)}},
        {"filters": {"organism": (1,)}},
        {"filters": {"ingested_at": ("2024",)}},
        {"facets": ("title",)},
        {"sort": "score"},
    ],
)
def test_a_request_for_what_no_index_has_is_refused(fields: dict) -> None:
    with pytest.raises(InvalidRequest):
        SearchRequest(**fields)


def test_repositories_bound_a_search(studies: SearchIndex) -> None:
    assert ids(studies.search(SearchRequest(text="melanoma", repositories=("proteomics",)))) == [P100]
    assert ids(studies.search(SearchRequest(text="melanoma", repositories=("none",)))) == []
    assert studies.search(SearchRequest(repositories=("geo", "proteomics"))).total == len(STUDIES)


def test_facets_count_all_matches_not_the_page(studies: SearchIndex) -> None:
    for text in ("", "~ unheardof"):
        page = studies.search(SearchRequest(text=text, size=1, facets=("organism", "year", "repository")))
        assert page.total == 7
        assert page.facets["organism"] == (
            FacetCount(value="Homo sapiens", count=6),
            FacetCount(value="Mus musculus", count=2),
        )
        assert page.facets["year"] == tuple(
            FacetCount(value=year, count=count)
            for year, count in [(2015, 2), (2008, 1), (2012, 1), (2019, 1), (2021, 1)]
        )
        assert sum(facet.count for facet in page.facets["repository"]) == 7


def test_facets_follow_query_and_filters(studies: SearchIndex) -> None:
    page = studies.search(
        SearchRequest(text="liver", filters={"year": Range(minimum=2010)}, facets=FACETS, facet_size=1, size=0)
    )
    assert page.hits == ()
    assert page.total == 2
    assert page.facets["curated_tissue"] == (FacetCount(value="liver", count=2),)
    assert page.facets["curated_drug"] == ()
    assert page.facets["data_type"] == (FacetCount(value="RNA-seq", count=2),)
    assert len(page.facets["curated_disease"]) == 1


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("text", ["", "homo | mus"])
def test_pages_are_the_whole_in_order(studies: SearchIndex, sort: str, descending: bool, text: str) -> None:
    whole = studies.search(SearchRequest(text=text, sort=sort, descending=descending))
    assert sorted(ids(whole)) == sorted(ALL)
    if sort != "relevance":
        values = [value for hit in whole.hits if (value := getattr(hit.dataset, sort)) is not None]
        assert values == sorted(values, reverse=descending)
        assert [getattr(hit.dataset, sort) is None for hit in whole.hits] == sorted(
            getattr(hit.dataset, sort) is None for hit in whole.hits
        )
    found: list[str] = []
    after = None
    for _ in range(4):
        page = studies.search(SearchRequest(text=text, sort=sort, descending=descending, size=2, after=after))
        assert page.total == 7
        found += ids(page)
        after = page.next
    assert found == ids(whole)
    assert after is None


def test_paging_does_not_drift_while_documents_come_and_go(index: SearchIndex, open_engine: Callable) -> None:
    index.upsert([document(f"GSE{number:03}", title=f"kidney {'kidney ' * (number % 7)}") for number in range(60)])
    for text in ("kidney", "", "kidn*"):
        first = index.search(SearchRequest(text=text, size=60))
        found: list[str] = []
        page = index.search(SearchRequest(text=text, size=7, facets=("repository",)))
        writer = open_engine()
        while True:
            assert page.total == 60
            assert page.facets["repository"][0].count == 60
            found += ids(page)
            if page.next is None:
                break
            writer.upsert([document(f"NEW{len(found)}", title="kidney kidney kidney")])
            writer.delete("geo", [found[-1]])
            page = index.search(SearchRequest(text=text, size=7, facets=("repository",), after=page.next))
        assert found == ids(first)
        writer.delete("geo", list(writer.versions("geo")))
        writer.upsert([document(f"GSE{number:03}", title=f"kidney {'kidney ' * (number % 7)}") for number in range(60)])
        writer.close()


def test_a_cursor_serves_its_own_search_only(studies: SearchIndex) -> None:
    page = studies.search(SearchRequest(text="homo", size=2))
    for other in (
        SearchRequest(text="homo | mus", size=2, after=page.next),
        SearchRequest(text="homo", size=2, after=page.next, filters={"year": (2015,)}),
        SearchRequest(text="homo", size=2, after=page.next, sort="year"),
        SearchRequest(text="homo", size=2, after="bm9uc2Vuc2U="),
        SearchRequest(text="homo", size=2, after="ä"),
    ):
        with pytest.raises(InvalidCursor):
            studies.search(other)
    assert len(studies.search(SearchRequest(text="homo", size=3, after=page.next)).hits) == 3


@pytest.mark.parametrize(("place", "content"), [(1, "17"), (2, 6), (3, "geo/GSE9999"), (4, 3), (4, None), (5, "0")])
def test_a_cursor_that_was_changed_is_refused(studies: SearchIndex, place: int, content: object) -> None:
    request = SearchRequest(text="homo", size=1)
    told = json.loads(base64.urlsafe_b64decode(str(studies.search(request).next)))
    told[place] = content
    for changed in (told, told[:-1], [*told, 1]):
        after = base64.urlsafe_b64encode(json.dumps(changed).encode()).decode()
        with pytest.raises(InvalidCursor, match="`next` of the page before"):
            studies.search(request.model_copy(update={"after": after}))


def test_an_index_without_documents_answers_with_nothing(index: SearchIndex) -> None:
    for _ in range(2):
        for text in ("", "melanoma", "~ melanoma", '"breast cancer"', "mela*"):
            page = index.search(SearchRequest(text=text, facets=("organism",), filters={"year": (2015,)}))
            assert page == SearchPage(hits=(), total=0, facets={"organism": ()}, next=None)
        assert index.versions("geo") == {}
        assert index.count() == index.count("geo") == 0
        assert index.get("geo", "GSE1") is None
        index.delete("geo", ["GSE1"])
        index.optimize()
        # The second time round there was a document once.
        index.upsert([document("GSE1")])
        index.delete("geo", ["GSE1"])


def test_a_document_comes_back_as_it_went_in(studies: SearchIndex) -> None:
    for study in STUDIES:
        assert studies.get(study.repository, study.dataset_id) == study
    assert studies.get("proteomics", MELANOMA) is None
    (hit,) = studies.search(SearchRequest(text="accession:GSE42872")).hits
    assert hit.dataset.model_dump() == {name: getattr(STUDIES[0], name) for name in type(hit.dataset).model_fields}


def test_writing_again_changes_nothing(index: SearchIndex) -> None:
    for _ in range(3):
        assert index.upsert(STUDIES).written == len(STUDIES)
    assert index.count() == len(STUDIES)
    assert index.search(SearchRequest(text="melanoma")).total == 2
    assert index.upsert([]).written == 0


def test_an_update_replaces_the_whole_document(index: SearchIndex) -> None:
    index.upsert([document("GSE1", title="kidney", organism=("Homo sapiens",))])
    assert index.upsert([document("GSE1", title="spleen", version=2, lot="lot-2")]).written == 1
    assert index.search(SearchRequest(text="kidney")).total == 0
    assert index.search(SearchRequest(text="homo")).total == 0
    assert ids(index.search(SearchRequest(text="spleen"))) == ["GSE1"]
    assert index.versions("geo") == {"GSE1": "lot-2"}


def test_a_late_write_loses(index: SearchIndex) -> None:
    index.upsert([document("GSE1", title="new", version=7)])
    outcome = index.upsert([document("GSE1", title="old", version=6), document("GSE2", title="other", version=1)])
    assert (outcome.written, outcome.stale) == (1, 1)
    assert index.search(SearchRequest(text="old")).total == 0
    assert ids(index.search(SearchRequest(text="new"))) == ["GSE1"]


def test_the_newest_of_one_call_wins(index: SearchIndex) -> None:
    versions = [document("GSE1", title=f"state {version}", version=version) for version in (1, 3, 2)]
    index.upsert(versions)
    found = index.get("geo", "GSE1")
    assert found is not None
    assert found.title == "state 3"
    assert index.count() == 1


def test_a_deleted_dataset_leaves_no_ghost(index: SearchIndex) -> None:
    index.upsert(STUDIES)
    index.delete("geo", [MELANOMA, "never there"])
    index.delete("geo", {HCC: 5})
    left = ALL - {MELANOMA, HCC}
    page = index.search(SearchRequest(text="", facets=("year",)))
    assert set(ids(page)) == left
    assert sum(facet.count for facet in page.facets["year"]) == 4
    for text in ("melanoma", "hcc ~ radiotherapy", "~ liver", "*", "GSE42872"):
        assert not set(ids(index.search(SearchRequest(text=text)))) & {MELANOMA, HCC}
    assert index.get("geo", HCC) is None
    assert set(index.versions("geo")) == left - {P100}
    assert index.count("geo") == 4
    assert index.search(SearchRequest(filters={"dataset_id": (HCC, MELANOMA)})).total == 0


def test_a_late_write_does_not_bring_a_deleted_dataset_back(index: SearchIndex) -> None:
    index.upsert([document("GSE1", title="kidney", version=4), document("GSE2", title="kidney", version=9)])
    index.delete("geo", {"GSE1": 5, "GSE2": 5, "GSE3": 5})
    assert index.versions("geo") == {"GSE2": "lot-1"}
    assert index.upsert([document("GSE1", version=4), document("GSE3", version=4)]).stale == 2
    assert index.versions("geo") == {"GSE2": "lot-1"}
    index.optimize()
    assert index.upsert([document("GSE1", version=4)]).stale == 1
    index.upsert([document("GSE1", title="kidney again", version=6)])
    assert set(ids(index.search(SearchRequest(text="kidney")))) == {"GSE1", "GSE2"}


def test_what_is_written_is_seen_at_once_by_everyone(index: SearchIndex, open_engine: Callable) -> None:
    reader = open_engine()
    assert reader.search(SearchRequest(text="kidney")).total == 0
    for number in range(1, 4):
        index.upsert([document(f"GSE{number}", title="kidney")])
        assert reader.search(SearchRequest(text="kidney")).total == number
        assert reader.search(SearchRequest(text="kidn* ~ liver")).total == number
        assert reader.search(SearchRequest(text="title:kidney", filters={"repository": ("geo",)})).total == number
        assert len(reader.versions("geo")) == number
        if number == 2:
            index.optimize()
    reader.close()


def test_optimizing_changes_no_answer(index: SearchIndex) -> None:
    index.upsert(STUDIES[:3])
    index.upsert(STUDIES[3:])
    index.delete("geo", {TCELLS: 1})
    requests = [SearchRequest(text=text, facets=("organism",)) for text in ("melanoma | liver", "~ liver", "IL6", "")]
    before = [index.search(request) for request in requests]
    index.optimize()
    after = [index.search(request) for request in requests]
    assert [(ids(page), page.total, page.facets) for page in after] == [
        (ids(page), page.total, page.facets) for page in before
    ]


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


def test_a_document_must_be_identified() -> None:
    for fields in ({"dataset_id": ""}, {"repository": ""}, {"repository": "geo/x"}):
        with pytest.raises(InvalidDocument):
            document(**{"dataset_id": "GSE1", **fields})


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
