"""What is the embedded engine's own: rows without an index, merging, expiry, processes beside each other."""

import multiprocessing
import re
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from biolake.search.errors import CursorExpired, UnknownIndexUrl
from biolake.search.lance import maintenance as lance_maintenance
from biolake.search.lance.index import LanceIndex
from biolake.search.models import SearchDocument, SearchRequest
from biolake.search.open import open_index
from tests.search.search_documents import document

_WORDS = ("kidney", "liver", "spleen", "mouse", "cancer", "control", "array", "tumor", "cell", "blood", "brain")


def _made(number: int, version: int = 1) -> SearchDocument:
    """A document whose words follow from its number, some rare and some in almost all."""
    title = " ".join(word for place, word in enumerate(_WORDS) if (number * version) % (place + 2) == 0)
    return document(f"GSE{number}", title=title, version=version, year=2000 + number % 20)


_QUESTIONS: dict[str, Callable[[set[str], str], bool]] = {
    "kidney": lambda words, _: "kidney" in words,
    "kidney liver": lambda words, _: {"kidney", "liver"} <= words,
    "brain | blood ~ kidney": lambda words, _: bool(words & {"brain", "blood"}) and "kidney" not in words,
    "~ (kidney | liver)": lambda words, _: not words & {"kidney", "liver"},
    '"kidney liver spleen"': lambda _, title: "kidney liver spleen" in title,
    "ca* ~ mouse": lambda words, _: "cancer" in words and "mouse" not in words,
    "": lambda *_: True,
}


def _check(index: LanceIndex, expected: dict[str, SearchDocument]) -> None:
    for text, holds in _QUESTIONS.items():
        wanted = {i for i, d in expected.items() if holds(set(d.title.split()), d.title)}
        found: set[str] = set()
        after = None
        while True:
            page = index.search(SearchRequest(text=text, size=700, facets=("year",), facet_size=50, after=after))
            assert page.total == len(wanted)
            years = Counter(expected[dataset_id].year for dataset_id in wanted)
            assert {facet.value: facet.count for facet in page.facets["year"]} == years
            found |= {hit.dataset_id for hit in page.hits}
            after = page.next
            if after is None:
                break
        assert found == wanted, text


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "index")


def test_rows_are_found_before_and_after_they_are_indexed(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From no index segment over several, merged ones and rows beyond them to one of everything."""
    monkeypatch.setattr(lance_maintenance, "_ALIKE", 3)
    monkeypatch.setattr(lance_maintenance, "_UNINDEXED_ROWS", 200)
    index = LanceIndex(folder)
    expected: dict[str, SearchDocument] = {}
    for start in range(0, 1250, 250):
        batch = [_made(number) for number in range(start, start + 250)]
        index.upsert(batch)
        expected |= {item.dataset_id: item for item in batch}
        if start in (0, 750):
            _check(index, expected)
    changed = [_made(number, version=2) for number in range(0, 1250, 9)]
    index.upsert(changed)
    expected |= {item.dataset_id: item for item in changed}
    gone = [f"GSE{number}" for number in range(0, 1250, 11)]
    index.delete("geo", gone)
    for dataset_id in gone:
        del expected[dataset_id]
    _check(index, expected)
    index.optimize()
    _check(index, expected)
    assert index.versions("geo") == dict.fromkeys(expected, "lot-1")
    _check(LanceIndex(folder), expected)


def test_segments_stay_few(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lance_maintenance, "_ALIKE", 3)
    monkeypatch.setattr(lance_maintenance, "_UNINDEXED_ROWS", 20)
    index = LanceIndex(folder)
    for start in range(0, 600, 20):
        index.upsert([_made(number) for number in range(start, start + 20)])
    table = index._opened()
    assert table is not None
    segments = {found.name: found.num_segments or 1 for found in table.list_indices()}
    assert max(segments.values()) < 10
    assert {found.num_unindexed_rows for found in table.list_indices()} == {0}


def test_a_cursor_outlives_optimizing_until_its_version_is_removed(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = LanceIndex(folder), LanceIndex(folder)
    writer.upsert([document(f"GSE{number:02}", title="kidney") for number in range(40)])
    first = reader.search(SearchRequest(text="kidney", size=10))
    again = SearchRequest(text="kidney", size=30, after=first.next)
    writer.upsert([document(f"NEW{number}", title="kidney") for number in range(10)])
    writer.delete("geo", ["GSE20"])
    writer.optimize()
    for index in (reader, LanceIndex(folder)):
        found = [hit.dataset_id for hit in (*first.hits, *index.search(again).hits)]
        assert found == [f"GSE{number:02}" for number in range(40)]
    monkeypatch.setattr(lance_maintenance, "KEEP", timedelta(0))
    writer.delete("geo", ["GSE30"])
    with pytest.warns(UserWarning, match="removes every version"):
        writer.optimize()
    for index in (reader, LanceIndex(folder)):
        with pytest.raises(CursorExpired, match="from its first page"):
            index.search(again)
        assert index.search(SearchRequest(text="kidney")).total == 48


def _write(folder: str, writer: int) -> None:
    index = LanceIndex(folder)
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
    index.optimize()


def test_writers_and_readers_beside_each_other_lose_nothing(folder: str) -> None:
    """Two processes begin at once in an empty folder; a reader sees whole states only."""
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(folder, number)) for number in range(2)]
    for writer in writers:
        writer.start()
    reader = LanceIndex(folder)
    while any(writer.is_alive() for writer in writers):
        page = reader.search(SearchRequest(text="kidney", facets=("repository",), size=3))
        assert sum(facet.count for facet in page.facets["repository"]) == page.total
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert reader.count() == len(reader.versions("geo")) == 2 * 4 * 49 + 1
    newest = reader.get("geo", "SAME")
    assert newest is not None
    assert newest.version == 31


def test_an_index_is_opened_by_its_url(tmp_path: Path) -> None:
    folder = tmp_path / "with space & ümlaut"
    open_index(folder.as_uri()).upsert([document("GSE1", title="kidney")])
    assert folder.is_dir()
    assert open_index(folder.as_uri()).count() == 1


@pytest.mark.parametrize(
    "url", ["/tmp/index", "index", "ftp://localhost:9200", "http://", "s3:///prefix", "file://host/index"]
)
def test_a_url_that_no_engine_serves_is_refused(url: str) -> None:
    with pytest.raises(UnknownIndexUrl, match=re.escape(url)):
        open_index(url)
