"""A node that is killed while it takes documents in and starts again: writers wait, and each document is there once."""

import time
from collections.abc import Sequence
from threading import Thread

import pytest

from biolake.search.models import SearchDocument, SearchRequest, Upserted
from biolake.search.opensearch.bulk import BulkWriter
from biolake.search.opensearch.index import OpenSearchIndex
from tests.engines.opensearch.conftest import Opener
from tests.engines.servers.opensearch import OpenSearchServer
from tests.search.search_documents import document

pytestmark = pytest.mark.engines

DOCUMENTS = 4000


def _documents(version: int) -> list[SearchDocument]:
    text = " ".join(f"word{number}" for number in range(60))
    return [
        document(f"GSE{number:05}", title=f"kidney {version}", summary=text, version=version)
        for number in range(DOCUMENTS)
    ]


@pytest.mark.parametrize("after", [1, 3])
def test_every_document_arrives_once_at_its_version(
    opensearch: OpenSearchServer,
    index: OpenSearchIndex,
    open_engine: Opener,
    monkeypatch: pytest.MonkeyPatch,
    after: int,
) -> None:
    newer = _documents(7)[:10]
    index.upsert(_documents(1)[: DOCUMENTS // 2])
    index.upsert(newer)
    real, sent = BulkWriter._once, list[int]()

    def once(writer: BulkWriter, entries: Sequence[object]) -> object:
        sent.append(len(entries))
        if len(sent) == after:
            # While this one and its neighbour are on their way.
            Thread(target=lambda: (time.sleep(0.05), opensearch.kill())).start()
        return real(writer, entries)  # type: ignore[arg-type]

    monkeypatch.setattr(BulkWriter, "_once", once)
    done: list[Upserted] = []
    writing = Thread(target=lambda: done.append(index.upsert(_documents(2))))
    writing.start()
    while len(sent) < after:
        time.sleep(0.01)
    time.sleep(2)
    assert not done
    opensearch.restart()
    writing.join(120)
    assert [one.written + one.stale for one in done] == [DOCUMENTS]
    assert done[0].stale == len(newer)
    assert sum(sent) > DOCUMENTS
    assert index.count() == index.search(SearchRequest(text="kidney", size=0)).total == DOCUMENTS
    assert index.search(SearchRequest(text="title:2", size=0)).total == DOCUMENTS - len(newer)
    assert index.get("geo", "GSE00003") == newer[3]
    other = open_engine()
    assert len(other.versions("geo")) == DOCUMENTS
    other.close()
