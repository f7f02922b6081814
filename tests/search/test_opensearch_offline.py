"""What holds of the OpenSearch engine without a cluster: opening, secrets, a cluster that is not there, query size."""

import logging
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from biolake.search.errors import IndexAccessDenied, IndexBusy, IndexFailed, IndexUnreachable, SearchError
from biolake.search.models import SearchRequest
from biolake.search.open import open_index
from biolake.search.opensearch import bulk as opensearch_bulk
from biolake.search.opensearch import cluster as opensearch_cluster
from biolake.search.opensearch.cluster import Access
from biolake.search.opensearch.index import OpenSearchIndex
from biolake.search.opensearch.mapping import Names, numbered
from biolake.search.opensearch.query import text_query
from biolake.search.opensearch.rows import entry, id_of, microseconds, term
from biolake.search.parse import parse_query
from tests.search.search_documents import document

SECRET = "S3cret-p4ss"


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opensearch_cluster, "pause", lambda _: None)
    monkeypatch.setattr(opensearch_bulk, "pause", lambda _: None)


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture
def answering() -> Iterator[type[BaseHTTPRequestHandler]]:
    """A server whose every answer is the status of `code`."""

    class Handler(BaseHTTPRequestHandler):
        code = 401
        body = b'{"error": {"type": "security_exception", "reason": "no permissions"}}'

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.send_response(self.code)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(self.body)))
            self.end_headers()
            self.wfile.write(self.body)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Handler.url = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Handler
    server.shutdown()
    server.server_close()
    thread.join()


def test_opening_asks_nothing(closed_port: int) -> None:
    index = open_index(f"http://127.0.0.1:{closed_port}", user="someone", password=SecretStr(SECRET))
    assert isinstance(index, OpenSearchIndex)
    index.close()


def test_a_cluster_that_is_away_is_told_so_and_worth_repeating(closed_port: int) -> None:
    index = open_index(f"http://127.0.0.1:{closed_port}")
    for call in (
        lambda: index.search(SearchRequest(text="kidney")),
        lambda: index.upsert([document("GSE1")]),
        lambda: index.delete("geo", ["GSE1"]),
        lambda: index.count(),
        lambda: index.get("geo", "GSE1"),
        lambda: index.versions("geo"),
        lambda: index.optimize(),
        lambda: index.rebuild([document("GSE1")]),
    ):
        with pytest.raises(
            IndexUnreachable, match=f"127.0.0.1:{closed_port}.*Start it or correct BIOLAKE_INDEX"
        ) as caught:
            call()
        assert caught.value.transient
        assert caught.value.code == "INDEX_UNREACHABLE"


@pytest.mark.parametrize(
    ("code", "error", "remedy"),
    [
        (401, IndexAccessDenied, "BIOLAKE_INDEX_PASSWORD"),
        (403, IndexAccessDenied, "permissions"),
        (429, IndexBusy, "Repeat"),
        (503, IndexBusy, "Repeat"),
        (500, IndexFailed, "log"),
    ],
)
def test_what_the_cluster_answers_becomes_an_error_with_a_remedy(
    answering: type[BaseHTTPRequestHandler], code: int, error: type[SearchError], remedy: str
) -> None:
    answering.code = code  # type: ignore[attr-defined]
    index = open_index(answering.url, user="someone", password=SecretStr(SECRET))  # type: ignore[attr-defined]
    with pytest.raises(error, match=f"no permissions.*{remedy}"):
        index.search(SearchRequest(text="kidney"))
    with pytest.raises(error, match=f"no permissions.*{remedy}"):
        index.upsert([document("GSE1")])


def test_no_secret_in_errors_logs_or_representations(
    answering: type[BaseHTTPRequestHandler], closed_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    for url in (answering.url, f"http://someone:{SECRET}@127.0.0.1:{closed_port}"):  # type: ignore[attr-defined]
        index = open_index(url, user="someone", password=SecretStr(SECRET))
        assert isinstance(index, OpenSearchIndex)
        shown += [repr(index), str(index), repr(index._cluster), repr(Access(url, "someone", SecretStr(SECRET)))]
        with pytest.raises(SearchError) as caught:
            index.search(SearchRequest(text="kidney"))
        error: BaseException | None = caught.value
        while error is not None:
            shown += [str(error), repr(error)]
            error = error.__cause__ or error.__context__
    shown.append(caplog.text)
    assert not [text for text in shown if SECRET in text or "Basic " in text]


def test_an_authority_that_is_not_there_is_told(tmp_path: Path, closed_port: int) -> None:
    index = open_index(f"https://127.0.0.1:{closed_port}", authority=tmp_path / "none.pem")
    with pytest.raises(SearchError):
        index.count()


def test_names_of_indexes() -> None:
    names = Names("lab-1")
    assert (names.alias, names.current, names.pipeline) == ("lab-1-datasets", "lab-1-datasets-v1", "lab-1-hybrid")
    assert numbered(names.index(12)) == (1, 12)
    assert numbered("lab-1-datasets-v1") is None
    assert numbered("lab-1-datasets-v10-000001") == (10, 1)


def _leaves(query: object) -> int:
    """How many single clauses a query has, as the cluster counts them."""
    if isinstance(query, list):
        return sum(map(_leaves, query))
    if not isinstance(query, dict):
        return 0
    single = {"term", "terms", "prefix", "match_phrase", "range", "match_all", "match_none"}
    return sum(1 if name in single else _leaves(value) for name, value in query.items())


def test_a_long_list_of_genes_fits_into_a_query() -> None:
    genes = " | ".join(f"G{number:03}" for number in range(550))
    request = SearchRequest(text=genes)
    assert _leaves(text_query(request, parse_query(genes))) < 100


@given(st.text(min_size=1, max_size=700))
def test_a_term_is_short_and_itself_where_it_can_be(text: str) -> None:
    assert term(text) == term(text)
    assert len(term(text)) <= 120
    if len(text) <= 100:
        assert term(text) == text
    assert term(text) != term(text + "x")
    assert len(id_of(text).encode()) <= 512


@given(st.datetimes(timezones=st.just(UTC)), st.integers(1, 10**6))
def test_times_are_compared_to_the_microsecond(moment: datetime, later: int) -> None:
    if moment < datetime(9999, 1, 1, tzinfo=UTC):
        assert microseconds(moment + timedelta(microseconds=later)) - microseconds(moment) == later


def test_a_body_has_each_word_of_a_field_once_and_its_terms_in_order() -> None:
    import json

    body = json.loads(entry(document("GSE1", title="Tumors of tumors, IL-6", curated_drug=("lapatinib",))).body)
    assert body["terms"]["title"] == "¶ tumor of tumor il 6 ¶ il6"
    assert sorted(body["words"]["title"].split()) == ["6", "il", "il6", "of", "tumors"]
    assert "¶ curated_drug:lapatinib" in body["terms"]["scoped"]
    assert body["terms"]["curated"] == "¶ lapatinib"
    assert body["identities"] == ["gse1"]
