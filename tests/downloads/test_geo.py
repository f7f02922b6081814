"""Downloads from a real server on this machine, which lays its files out as GEO does and misbehaves on demand."""

import gzip
import socket
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from biolake.downloads.errors import (
    BrokenTransfer,
    InvalidAccession,
    NoMatrixFile,
    NoSuchAccession,
    RequestRefused,
    ServerBusy,
    Unreachable,
    UnsupportedAccession,
)
from biolake.downloads.geo import download_geo
from biolake.downloads.transfer import Progress, Transfer

CONTENT = gzip.compress(bytes(range(256)) * 4096, compresslevel=0)
SERIES = "/geo/series/GSE14nnn/GSE14520/matrix/"
FIRST = "GSE14520-GPL3921_series_matrix.txt.gz"
SECOND = "GSE14520-GPL571_series_matrix.txt.gz"
GDS = "/geo/datasets/GDSnnn/GDS507/soft/GDS507.soft.gz"


class Archive(ThreadingHTTPServer):
    """Files by path; `faults` are used up one per request before the file is served."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.faults: list[Callable[[Handler, bytes], None]] = []
        self.requests: list[tuple[str, str | None]] = []
        self.etag: str | None = '"one"'

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/geo"


class Handler(BaseHTTPRequestHandler):
    server: Archive

    def do_GET(self) -> None:
        self.server.requests.append((self.path, self.headers.get("Range")))
        content = self.server.files.get(self.path)
        if content is None:
            self.send_error(404)
        elif self.server.faults:
            self.server.faults.pop(0)(self, content)
        else:
            self.serve(content)

    def serve(self, content: bytes, *, stop: int | None = None) -> None:
        asked = self.headers.get("Range")
        start = 0
        if asked and self.headers.get("If-Range") == self.server.etag:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if self.server.etag:
            self.send_header("ETag", self.server.etag)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:stop])

    def log_message(self, format: str, *args: object) -> None:
        pass


def breaks_off(after: int) -> Callable[[Handler, bytes], None]:
    return lambda handler, content: handler.serve(content, stop=after)


def answers(status: int, **headers: str) -> Callable[[Handler, bytes], None]:
    def respond(handler: Handler, _: bytes) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return respond


@pytest.fixture
def archive() -> Iterator[Archive]:
    server = Archive()
    server.files[GDS] = CONTENT
    server.files[SERIES] = (
        b'<html><body><a href="../">Parent</a><a href="/geo/">GEO</a>'
        b'<a href="GSE14520-GPL3921_series_matrix.txt.gz">a</a> <a href="GSE14520-GPL571_series_matrix.txt.gz">b</a>'
        b'<a href="../../../etc/passwd">c</a><a href="GSE99999_series_matrix.txt.gz">d</a></body></html>'
    )
    server.files[SERIES + FIRST] = CONTENT
    server.files[SERIES + SECOND] = CONTENT[::-1]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts, which then take no time."""
    taken: list[float] = []
    original = Transfer.__init__

    def without_waiting(self: Transfer, *args: object, **fields: object) -> None:
        original(self, *args, **{"pause": taken.append, **fields})  # type: ignore[arg-type]

    monkeypatch.setattr(Transfer, "__init__", without_waiting)
    return taken


def test_a_series_gives_every_matrix_of_its_listing_and_nothing_else(archive: Archive, tmp_path: Path) -> None:
    files = download_geo("GSE14520", tmp_path / "new", base_url=archive.url)
    assert files == (tmp_path / "new" / FIRST, tmp_path / "new" / SECOND)
    assert [file.read_bytes() for file in files] == [CONTENT, CONTENT[::-1]]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [FIRST, SECOND]


@pytest.mark.parametrize("accession", ["GDS507", " gds507 "])
def test_a_data_set_gives_its_soft_file(archive: Archive, tmp_path: Path, accession: str) -> None:
    (file,) = download_geo(accession, tmp_path, base_url=archive.url + "/")
    assert file.name == "GDS507.soft.gz"
    assert file.read_bytes() == CONTENT


def test_progress_ends_with_the_whole_size(archive: Archive, tmp_path: Path) -> None:
    seen: list[Progress] = []
    download_geo("GDS507", tmp_path, base_url=archive.url, progress=seen.append)
    assert seen[-1] == Progress("GDS507.soft.gz", len(CONTENT), len(CONTENT))
    assert [one.received_bytes for one in seen] == sorted(one.received_bytes for one in seen)


def test_an_older_file_is_replaced_only_by_a_complete_one(
    archive: Archive, tmp_path: Path, pauses: list[float]
) -> None:
    target = tmp_path / "GDS507.soft.gz"
    target.write_bytes(b"old")
    archive.faults = [breaks_off(10), breaks_off(20)]
    with pytest.raises(BrokenTransfer, match=r"GDS507: .* in the last of 2 attempts"):
        download_geo("GDS507", tmp_path, base_url=archive.url, attempts=2)
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["GDS507.soft.gz"]
    download_geo("GDS507", tmp_path, base_url=archive.url)
    assert target.read_bytes() == CONTENT


def test_a_broken_transfer_is_resumed_where_it_ended(archive: Archive, tmp_path: Path, pauses: list[float]) -> None:
    archive.faults = [breaks_off(600_000)]
    (file,) = download_geo("GDS507", tmp_path, base_url=archive.url)
    assert file.read_bytes() == CONTENT
    first, second = archive.requests
    assert first == (GDS, None)
    assert second[1] is not None
    assert second[1].startswith("bytes=")
    assert second[1] != "bytes=0-"


def test_a_file_that_changed_meanwhile_is_fetched_anew(archive: Archive, tmp_path: Path, pauses: list[float]) -> None:
    def breaks_off_and_changes(handler: Handler, content: bytes) -> None:
        handler.serve(content, stop=600_000)
        archive.etag = '"two"'
        archive.files[GDS] = CONTENT[::-1]

    archive.faults = [breaks_off_and_changes]
    (file,) = download_geo("GDS507", tmp_path, base_url=archive.url)
    assert file.read_bytes() == CONTENT[::-1]


def test_without_a_mark_of_its_state_a_file_is_fetched_anew(
    archive: Archive, tmp_path: Path, pauses: list[float]
) -> None:
    archive.etag = None
    archive.faults = [breaks_off(600_000)]
    (file,) = download_geo("GDS507", tmp_path, base_url=archive.url)
    assert file.read_bytes() == CONTENT
    assert archive.requests == [(GDS, None), (GDS, None)]


def test_an_answer_with_another_range_is_not_taken_for_the_rest(
    archive: Archive, tmp_path: Path, pauses: list[float]
) -> None:
    def other_range(handler: Handler, content: bytes) -> None:
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes 5-9/{len(content)}")
        handler.send_header("Content-Length", "5")
        handler.end_headers()
        handler.wfile.write(content[5:10])

    archive.faults = [breaks_off(600_000), other_range]
    (file,) = download_geo("GDS507", tmp_path, base_url=archive.url)
    assert file.read_bytes() == CONTENT


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_archive_is_asked_again(archive: Archive, tmp_path: Path, pauses: list[float], status: int) -> None:
    archive.faults = [answers(status), answers(status)]
    (file,) = download_geo("GDS507", tmp_path, base_url=archive.url)
    assert file.read_bytes() == CONTENT
    assert pauses == [1.0, 2.0]


@pytest.mark.parametrize(
    ("asked", "expected"), [("7", 7.0), ("Thu, 01 Jan 2015 00:00:00 GMT", 0.0), ("soon", 1.0), ("", 1.0)]
)
def test_the_archive_says_how_long_to_wait(
    archive: Archive, tmp_path: Path, pauses: list[float], asked: str, expected: float
) -> None:
    archive.faults = [answers(503, Retry_After=asked)]
    download_geo("GDS507", tmp_path, base_url=archive.url)
    assert pauses == [expected]


def test_more_patience_than_a_call_has_is_the_callers_to_decide(
    archive: Archive, tmp_path: Path, pauses: list[float]
) -> None:
    archive.faults = [answers(503, Retry_After="86400")]
    with pytest.raises(ServerBusy) as caught:
        download_geo("GDS507", tmp_path, base_url=archive.url)
    assert caught.value.retry_after_seconds == 86400
    assert caught.value.transient
    assert pauses == []


def test_an_archive_that_stays_busy_is_an_error(archive: Archive, tmp_path: Path, pauses: list[float]) -> None:
    archive.faults = [answers(503)] * 3
    with pytest.raises(ServerBusy, match=r"GDS507: .* answered 503"):
        download_geo("GDS507", tmp_path, base_url=archive.url, attempts=3)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("accession", ["GSE1", "GDS999999"])
def test_an_unknown_accession_is_named_at_once(
    archive: Archive, tmp_path: Path, pauses: list[float], accession: str
) -> None:
    with pytest.raises(NoSuchAccession, match=rf"{accession}: .* answered 404"):
        download_geo(accession, tmp_path, base_url=archive.url)
    assert pauses == []


def test_a_series_without_a_matrix_is_named(archive: Archive, tmp_path: Path) -> None:
    archive.files["/geo/series/GSEnnn/GSE7/matrix/"] = b"<html><a href='../'>Parent</a></html>"
    with pytest.raises(NoMatrixFile, match=r"GSE7: .* lists no series matrix"):
        download_geo("GSE7", tmp_path, base_url=archive.url)


def test_a_refusal_is_not_asked_again(archive: Archive, tmp_path: Path, pauses: list[float]) -> None:
    archive.faults = [answers(403)]
    with pytest.raises(RequestRefused, match="answered 403"):
        download_geo("GDS507", tmp_path, base_url=archive.url)
    assert pauses == []


def test_offline_is_said_at_once(tmp_path: Path, pauses: list[float]) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        with pytest.raises(Unreachable, match=r"GSE14520: 127\.0\.0\.1 cannot be reached"):
            download_geo("GSE14520", tmp_path, base_url=f"http://127.0.0.1:{port}/geo")
    assert pauses == []


def test_a_silent_archive_is_unreachable(archive: Archive, tmp_path: Path, pauses: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, httpx.Client(timeout=0.05) as client:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/geo"
        with pytest.raises(Unreachable):
            download_geo("GDS507", tmp_path, base_url=url, client=client, attempts=2)
        assert not client.is_closed
    assert len(pauses) == 1


@pytest.mark.parametrize("accession", ["", "GSE", "GSE0", "GSE42872/..", "GSE1 GSE2", "E-MTAB-1", "GSE١"])
def test_what_is_no_accession_is_refused_without_asking(tmp_path: Path, accession: str) -> None:
    with pytest.raises(InvalidAccession):
        download_geo(accession, tmp_path / "untouched", base_url="http://127.0.0.1:1")
    assert not (tmp_path / "untouched").exists()


@pytest.mark.parametrize(("accession", "advice"), [("GSM11805", "its series"), ("GPL97", "platform")])
def test_samples_and_platforms_are_refused_with_advice(tmp_path: Path, accession: str, advice: str) -> None:
    with pytest.raises(UnsupportedAccession, match=advice):
        download_geo(accession, tmp_path, base_url="http://127.0.0.1:1")
