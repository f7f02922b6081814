"""Writing to a real cluster: single items refused, answers lost, versions, and how the index comes into being."""

import json
import multiprocessing
from collections.abc import Iterator

import pytest
from opensearchpy import OpenSearch

from biolake.search.errors import DocumentRefused, IndexBusy
from biolake.search.models import SearchRequest
from biolake.search.open import open_index
from biolake.search.opensearch.index import OpenSearchIndex
from biolake.search.opensearch.mapping import MAPPING_VERSION, Names, mapping
from tests.engines.opensearch.conftest import Opener
from tests.engines.opensearch.faulty import Faults, faulty
from tests.search.search_documents import STUDIES, document

pytestmark = pytest.mark.engines


@pytest.fixture
def faults(opensearch_url: str) -> Iterator[Faults]:
    with faulty(opensearch_url) as found:
        yield found


@pytest.fixture
def spoiled(faults: Faults, open_engine: Opener) -> Iterator[OpenSearchIndex]:
    """An index behind the proxy."""
    opened = open_engine(url=faults.url)
    yield opened
    opened.close()


def test_an_item_that_found_no_room_is_sent_again_and_only_that(spoiled: OpenSearchIndex, faults: Faults) -> None:
    busy = {"geo/GSE1002": 2, "geo/GSE1004": 1, "proteomics/P100": 3}
    faults.refuse = lambda item, times: (429, 503)[times % 2] if times <= busy.get(item, 0) else None
    done = spoiled.upsert(STUDIES)
    assert (done.written, done.stale) == (7, 0)
    assert spoiled.count() == 7
    expected = {f"{study.repository}/{study.dataset_id}": 1 for study in STUDIES}
    assert faults.sent == {name: times + busy.get(name, 0) for name, times in expected.items()}


def test_an_item_that_never_finds_room_is_told(
    spoiled: OpenSearchIndex, faults: Faults, index: OpenSearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("biolake.search.opensearch.bulk.pause", lambda _: None)
    faults.refuse = lambda item, _: 429 if item == "geo/GSE1002" else None
    with pytest.raises(IndexBusy, match=r"geo/GSE1002.*rejected execution.*Repeat") as caught:
        spoiled.upsert(STUDIES)
    assert caught.value.transient
    faults.refuse = lambda *_: None
    assert spoiled.upsert(STUDIES).written == 7
    assert index.count() == 7


def test_a_bulk_whose_answer_is_lost_is_sent_again_and_written_once(spoiled: OpenSearchIndex, faults: Faults) -> None:
    faults.lose_answers = 2
    assert spoiled.upsert([document("GSE1", title="kidney"), document("GSE2", title="kidney")]).written == 2
    assert spoiled.search(SearchRequest(text="kidney")).total == 2
    assert faults.bulks == 3
    faults.lose_answers = 1
    spoiled.delete("geo", {"GSE1": 4})
    assert set(spoiled.versions("geo")) == {"GSE2"}
    faults.lose_answers = 1
    spoiled.delete("geo", ["GSE2"])
    assert spoiled.versions("geo") == {}
    faults.lose_answers = 1
    assert spoiled.upsert([document("GSE2", title="kidney")]).written == 1


def test_a_late_document_loses_to_one_that_came_while_it_waited(
    spoiled: OpenSearchIndex, faults: Faults, index: OpenSearchIndex
) -> None:
    def refuse(item: str, times: int) -> int | None:
        if times == 1:
            index.upsert([document("GSE1", title="newer", version=3)])
            return 429
        return None

    faults.refuse = refuse
    done = spoiled.upsert([document("GSE1", title="older", version=2)])
    assert (done.written, done.stale) == (0, 1)
    found = index.get("geo", "GSE1")
    assert found is not None
    assert found.title == "newer"


def test_a_document_that_the_cluster_cannot_hold_is_named_and_alone(index: OpenSearchIndex) -> None:
    documents = [document("GSE1", title="kidney"), document("BAD", year=10**12), document("GSE2", title="kidney")]
    with pytest.raises(DocumentRefused, match=r"geo/BAD: OpenSearch cannot hold it .*year.*Correct"):
        index.upsert(documents)
    assert set(index.versions("geo")) == {"GSE1", "GSE2"}
    assert index.search(SearchRequest(text="kidney")).total == 2
    with pytest.raises(DocumentRefused, match="geo/BAD, and 1 more"):
        index.upsert([*documents, document("WORSE", n_samples=2**70)])


def test_many_documents_in_one_call(index: OpenSearchIndex) -> None:
    """Several requests on their way at once, with the versions of one dataset spread over them."""
    versions = [(number, 1 + (number * 7919) % 11) for number in range(5500)]
    documents = [document(f"GSE{number % 500}", title=f"v{version}", version=version) for number, version in versions]
    done = index.upsert(documents)
    newest = {
        f"GSE{place}": max(version for number, version in versions if number % 500 == place) for place in range(500)
    }
    assert done.written >= 500
    assert index.count() == 500
    found = index.search(SearchRequest(size=1000))
    assert {hit.dataset_id: hit.dataset.title for hit in found.hits} == {
        name: f"v{version}" for name, version in newest.items()
    }


def test_the_newest_of_equal_versions_is_the_last(index: OpenSearchIndex) -> None:
    index.upsert(document(f"GSE{number % 3}", title=f"round {number // 3}") for number in range(6600))
    assert {hit.dataset.title for hit in index.search(SearchRequest()).hits} == {"round 2199"}


def test_a_dataset_that_was_taken_out_by_id_may_come_in_any_version(index: OpenSearchIndex) -> None:
    index.upsert([document("GSE1", version=7), document("GSE2", version=7)])
    index.delete("geo", {"GSE2": 9})
    index.delete("geo", ["GSE1", "GSE2", "never there"])
    assert index.versions("geo") == {}
    assert index.upsert([document("GSE1", version=2), document("GSE2", version=9)]).written == 2
    assert index.upsert([document("GSE1", version=1), document("GSE2", version=1)]).stale == 2
    index.delete("geo", ["GSE1", "GSE2"])
    index.optimize()
    assert index.upsert([document("GSE1", version=0), document("GSE2", version=0)]).written == 2
    assert set(index.versions("geo")) == {"GSE1", "GSE2"}


def test_others_read_an_alias_without_what_was_deleted(
    index: OpenSearchIndex, client: OpenSearch, index_name: str
) -> None:
    index.upsert(STUDIES)
    index.delete("geo", {"GSE1001": 3})
    index.delete("geo", ["GSE1002"])
    found = client.search(index=f"{index_name}-datasets", body={"size": 100})["hits"]["hits"]
    assert {hit["_source"]["dataset_id"] for hit in found} == {
        study.dataset_id for study in STUDIES if study.dataset_id not in {"GSE1001", "GSE1002"}
    }
    assert not {"terms", "words", "identities"} & found[0]["_source"].keys()


def test_the_mapping_is_strict_and_ours(index: OpenSearchIndex, client: OpenSearch, index_name: str) -> None:
    index.upsert(STUDIES)
    (found,) = client.indices.get_mapping(index=f"{index_name}-datasets").values()
    told = found["mappings"]
    assert told["dynamic"] == "strict"
    assert told["_meta"]["biolake"] == {"mapping": MAPPING_VERSION, "vector_dimension": 0}
    assert told["properties"].keys() == mapping(0)["properties"].keys()
    assert told["properties"]["terms"]["properties"].keys() == mapping(0)["properties"]["terms"]["properties"].keys()
    assert index_name in json.dumps(client.indices.get_index_template(name=f"{index_name}-*"))


def test_nothing_comes_about_by_itself(index: OpenSearchIndex, client: OpenSearch, index_name: str) -> None:
    """An index that was removed under the platform's feet is made again with its mapping, never by a write."""
    assert client.indices.get(index=f"{index_name}-*") == {}
    index.upsert(STUDIES)
    (concrete,) = client.indices.get_alias(name=f"{index_name}-datasets")
    client.indices.delete(index=concrete)
    assert index.count() == 0
    assert index.search(SearchRequest(text="melanoma")).total == 0
    assert index.get("geo", "GSE1001") is None
    index.upsert(STUDIES)
    (concrete,) = client.indices.get_alias(name=f"{index_name}-datasets")
    client.indices.delete(index=concrete)
    assert index.upsert(STUDIES).written == 7
    (found,) = client.indices.get_mapping(index=f"{index_name}-*").values()
    assert found["mappings"]["dynamic"] == "strict"


def _write(url: str, name: str, writer: int) -> None:
    index = open_index(url, name=name)
    for batch in range(4):
        version = batch * 10 + writer
        index.upsert(
            [
                *(document(f"W{writer}-{batch}-{number}", title=f"kidney {writer}") for number in range(50)),
                document("SAME", title=f"spleen {version}", version=version),
            ]
        )
        assert index.search(SearchRequest(text=f"dataset_id:W{writer}-{batch}-7")).total == 1
        index.delete("geo", [f"W{writer}-{batch}-0"])
    index.close()


def test_processes_that_begin_at_once_make_one_index_and_lose_nothing(
    opensearch_url: str, index_name: str, index: OpenSearchIndex, client: OpenSearch
) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(opensearch_url, index_name, number)) for number in range(3)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        page = index.search(SearchRequest(text="kidney", facets=("repository",), size=3))
        assert sum(facet.count for facet in page.facets["repository"]) == page.total
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert index.count() == len(index.versions("geo")) == 3 * 4 * 49 + 1
    newest = index.get("geo", "SAME")
    assert newest is not None
    assert newest.version == 32
    assert list(client.indices.get(index=f"{index_name}-*")) == [Names(index_name).index(1)]


def test_very_many_words_are_refused_by_name(index: OpenSearchIndex) -> None:
    from biolake.search.errors import QueryTooLong

    index.upsert([document("GSE1", title=" ".join(f"a{number}" for number in range(700)))])
    assert index.search(SearchRequest(text=" | ".join(f"a{number}" for number in range(500)))).total == 1
    assert index.search(SearchRequest(text=" ".join(f"a{number}" for number in range(140)))).total == 1
    with pytest.raises(QueryTooLong, match="more words than a query has room for"):
        index.search(SearchRequest(text=" ".join(f"a{number}" for number in range(600))))
