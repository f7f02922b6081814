"""Filling the index of a real cluster anew while it serves: searches, writes, dead processes, other versions."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator

import pytest
from opensearchpy import OpenSearch

from biolake.search.errors import CursorExpired, IndexBusy, IndexTooNew, RebuildInterrupted, VectorMismatch
from biolake.search.models import SearchDocument, SearchRequest
from biolake.search.open import open_index
from biolake.search.opensearch import mapping as opensearch_mapping
from biolake.search.opensearch import rebuild as opensearch_rebuild
from biolake.search.opensearch.index import OpenSearchIndex
from biolake.search.opensearch.mapping import Names
from tests.engines.opensearch.conftest import Opener
from tests.search.search_documents import STUDIES, document

pytestmark = pytest.mark.engines


def _kidneys(number: int, version: int = 1) -> Iterator[SearchDocument]:
    return (document(f"GSE{place:04}", title="kidney", version=version) for place in range(number))


def test_searches_are_whole_and_writes_kept_while_it_goes_on(
    index: OpenSearchIndex, open_engine: Opener, client: OpenSearch, index_name: str
) -> None:
    index.upsert(_kidneys(2000))
    ended = threading.Event()
    wrong: list[object] = []
    written: set[str] = set()
    removed: set[str] = set()

    def read() -> None:
        reader = open_engine()
        while not ended.is_set():
            page = reader.search(SearchRequest(text="kidney", size=3, facets=("repository",)))
            if not (page.total == page.facets["repository"][0].count and page.total >= 2000 and len(page.hits) == 3):
                wrong.append(page)
            if reader.get("geo", "GSE0007") is None:
                wrong.append("get")
        reader.close()

    def write() -> None:
        writer = open_engine()
        number = 0
        while not ended.is_set():
            names = [f"W{number}-{place}" for place in range(5)]
            writer.upsert([document(one, title="kidney new", version=2) for one in names])
            written.update(names)
            writer.delete("geo", {names[0]: 3})
            writer.delete("geo", [names[1]])
            removed.update(names[:2])
            writer.upsert([document("GSE0003", title=f"kidney {number}", version=10 + number)])
            number += 1
        writer.close()

    threads = [threading.Thread(target=read), threading.Thread(target=read), threading.Thread(target=write)]

    def documents() -> Iterator[SearchDocument]:
        for thread in threads:
            thread.start()
        yield from _kidneys(2000)

    assert index.rebuild(documents()).documents > 1900
    ended.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(written) > 5
    expected = {f"GSE{place:04}" for place in range(2000)} | (written - removed)
    assert set(index.versions("geo")) == expected
    assert index.search(SearchRequest(text="kidney new")).total == len(written - removed)
    newest = index.get("geo", "GSE0003")
    assert newest is not None
    assert newest.version > 10
    assert list(client.indices.get(index=f"{index_name}-*")) == [Names(index_name).index(2)]


def _die_while_filling(url: str, name: str, blocked: bool) -> None:
    index = open_index(url, name=name)
    assert isinstance(index, OpenSearchIndex)
    if blocked:
        index._lifecycle.take_over = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]

    def documents() -> Iterator[SearchDocument]:
        yield from _kidneys(1500)
        if not blocked:
            os.kill(os.getpid(), signal.SIGKILL)

    index.rebuild(documents())


@pytest.mark.parametrize("blocked", [False, True])
def test_a_process_that_dies_while_filling_harms_nobody(
    opensearch_url: str,
    index_name: str,
    index: OpenSearchIndex,
    client: OpenSearch,
    blocked: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also when it dies in the moment in which it has forbidden writing."""
    monkeypatch.setattr(opensearch_rebuild, "SILENT_SECONDS", 4.0)
    index.upsert(_kidneys(50))
    process = multiprocessing.get_context("spawn").Process(
        target=_die_while_filling, args=(opensearch_url, index_name, blocked)
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert len(client.indices.get(index=f"{index_name}-*")) == 2
    assert index.search(SearchRequest(text="kidney")).total == 50
    assert index.upsert([document("NEW", title="kidney", version=5)]).written == 1
    assert index.search(SearchRequest(text="kidney")).total == 51
    assert index.rebuild(_kidneys(60)).after == 60
    assert len(client.indices.get(index=f"{index_name}-*")) == 1


def test_two_processes_do_not_fill_at_once(index: OpenSearchIndex, open_engine: Opener, index_name: str) -> None:
    index.upsert(_kidneys(10))
    other = open_engine()
    refused: list[Exception] = []

    def documents() -> Iterator[SearchDocument]:
        yield from _kidneys(10)
        try:
            other.rebuild(_kidneys(3))
        except IndexBusy as error:
            refused.append(error)

    assert index.rebuild(documents()).after == 10
    (error,) = refused
    assert "another process" in str(error)
    assert other.rebuild(_kidneys(10)).after == 10


def test_a_process_that_was_taken_for_dead_changes_nothing(
    index: OpenSearchIndex, open_engine: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It sleeps as long as a stopped one would; another fills the index; then it wakes up."""
    monkeypatch.setattr(opensearch_rebuild, "SILENT_SECONDS", 1.0)
    monkeypatch.setattr(opensearch_rebuild, "_BEAT_SECONDS", 60.0)
    index.upsert(_kidneys(10))
    other = open_engine()

    def documents() -> Iterator[SearchDocument]:
        yield from _kidneys(5)
        assert other.rebuild(_kidneys(12)).after == 12

    with pytest.raises(RebuildInterrupted, match="The serving index is complete"):
        index.rebuild(documents())
    assert index.count() == 12
    assert index.upsert([document("NEW")]).written == 1


def test_a_failure_leaves_everything_as_it_was(index: OpenSearchIndex, client: OpenSearch, index_name: str) -> None:
    index.upsert(_kidneys(10))

    def documents() -> Iterator[SearchDocument]:
        yield from _kidneys(3)
        raise RuntimeError("the lake went away")

    with pytest.raises(RuntimeError, match="the lake went away"):
        index.rebuild(documents())
    assert index.count() == 10
    assert len(client.indices.get(index=f"{index_name}-*")) == 1
    assert index.upsert([document("NEW")]).written == 1
    with pytest.raises(VectorMismatch):
        index.rebuild([document("GSE1", vector=(1.0, 2.0))])
    assert index.count() == 11


@pytest.fixture
def next_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform of a later day, whose mapping is another."""
    for module in ("mapping", "lifecycle", "index"):
        monkeypatch.setattr(f"biolake.search.opensearch.{module}.MAPPING_VERSION", 2)


def test_an_older_index_is_brought_up_at_the_first_use(
    index: OpenSearchIndex, open_engine: Opener, client: OpenSearch, index_name: str, request: pytest.FixtureRequest
) -> None:
    index.upsert(STUDIES)
    index.delete("geo", {"GSE1001": 4})
    assert index.count() == 6
    request.getfixturevalue("next_version")
    newer = open_engine()
    assert newer.search(SearchRequest(text="melanoma")).total == 2
    assert newer.count() == 6
    assert newer.upsert([document("GSE1001", version=3)]).stale == 1
    assert list(client.indices.get(index=f"{index_name}-*")) == [f"{index_name}-datasets-v2-000002"]
    assert opensearch_mapping.MAPPING_VERSION == 2
    newer.close()


def test_an_older_platform_stops_at_a_newer_index(
    index: OpenSearchIndex, open_engine: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was running all along, too: it must not write what it no longer understands."""
    index.upsert(STUDIES)
    with monkeypatch.context() as patched:
        for module in ("mapping", "lifecycle", "index"):
            patched.setattr(f"biolake.search.opensearch.{module}.MAPPING_VERSION", 2)
        assert open_engine().count() == 7
    for older in (index, open_engine()):
        for call in (
            lambda older=older: older.upsert(STUDIES),
            lambda older=older: older.search(SearchRequest(text="melanoma")),
            lambda older=older: older.count(),
        ):
            with pytest.raises(IndexTooNew, match="Upgrade this installation"):
                call()


def test_an_index_gets_vectors_by_a_rebuild(index: OpenSearchIndex, open_engine: Opener) -> None:
    index.upsert(STUDIES)
    with_vectors = open_engine(3)
    with pytest.raises(VectorMismatch, match="rebuild"):
        with_vectors.search(SearchRequest(vector=(1.0, 0.0, 0.0)))
    assert with_vectors.search(SearchRequest(text="melanoma")).total == 2
    with_vectors.rebuild(
        study.model_copy(update={"vector": (1.0, 0.0, float(place))}) for place, study in enumerate(STUDIES)
    )
    page = with_vectors.search(SearchRequest(vector=(1.0, 0.0, 0.0), neighbours=1))
    assert [hit.dataset_id for hit in page.hits] == [STUDIES[0].dataset_id]


def test_cursors_end_with_the_index_they_read(index: OpenSearchIndex) -> None:
    index.upsert(_kidneys(20))
    page = index.search(SearchRequest(text="kidney", size=5))
    index.rebuild(_kidneys(20))
    with pytest.raises(CursorExpired):
        index.search(SearchRequest(text="kidney", size=5, after=page.next))
    assert index.search(SearchRequest(text="kidney", size=5)).total == 20
