"""One file over HTTP, whole or not at all: retried when the server is busy, resumed where it broke off.

Which files to fetch is not known here (`biolake.downloads.geo`). HTTP semantics: RFC 9110, sections 10.2.3
(Retry-After), 13.1.5 (If-Range) and 14 (range requests).
"""

import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO

import httpx

from biolake.downloads.errors import (
    BrokenTransfer,
    DownloadError,
    NoSuchAccession,
    RequestRefused,
    ServerBusy,
    Unreachable,
)

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 120.0
_CHUNK_BYTES = 1 << 18
_NO_CONNECTION = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)
_CONTENT_RANGE = re.compile(r"bytes ([0-9]+)-[0-9]+/([0-9]+|\*)")


@dataclass(frozen=True)
class Progress:
    """How much of a file has arrived; `total_bytes` is None where the server does not say."""

    file: str
    received_bytes: int
    total_bytes: int | None


ProgressCallback = Callable[[Progress], None]


@dataclass(frozen=True)
class Transfer:
    """Requests about one accession.

    Attributes:
        client: Makes the requests.
        subject: The accession; errors cite it.
        attempts: How often a request is made before its last error is raised.
        progress: Called as bytes arrive.
        pause: Waits between attempts, in seconds.
    """

    client: httpx.Client
    subject: str
    attempts: int = 5
    progress: ProgressCallback | None = None
    pause: Callable[[float], None] = time.sleep

    def text(self, url: str) -> str:
        """Return the document at `url`.

        Raises:
            DownloadError: As its subclasses say.
        """
        documents: list[str] = []

        def request() -> None:
            response = self.client.get(url)
            self._check(response, url)
            documents.append(response.text)

        self._repeat(request, url)
        return documents[-1]

    def fetch(self, url: str, target: Path) -> Path:
        """Fetch `url` into `target`, which appears only when it is complete and replaces what was there.

        Raises:
            DownloadError: As its subclasses say; no temporary file is left behind.
        """
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
            part = Path(folder) / target.name
            with part.open("wb") as file:
                arriving = _Arriving(file)
                self._repeat(lambda: self._receive(url, target.name, arriving), url)
            part.replace(target)
        return target

    def _receive(self, url: str, name: str, arriving: "_Arriving") -> None:
        """Make one request for what is still missing and write what comes."""
        with self.client.stream("GET", url, headers=arriving.headers()) as response:
            self._check(response, url)
            if not arriving.begin(response):
                raise self._broken(url, f"answered with {response.headers.get('Content-Range', 'an unnamed range')}")
            for chunk in response.iter_raw(_CHUNK_BYTES):
                arriving.write(chunk)
                if self.progress is not None:
                    self.progress(Progress(name, arriving.received, arriving.total))
        if arriving.total is not None and arriving.received != arriving.total:
            raise self._broken(url, f"ended after {arriving.received:,} of {arriving.total:,} bytes")

    def _check(self, response: httpx.Response, url: str) -> None:
        status = response.status_code
        if status in (200, 206):
            return
        answer = f"{self.subject}: {url} answered {status} {response.reason_phrase}"
        if status in (404, 410):
            raise NoSuchAccession(
                f"{answer}. Check the accession; it may not be public yet, or have no such file in the archive."
            )
        if status == 429 or status >= 500:
            raise ServerBusy(f"{answer}. Try again later.", retry_after_seconds=_retry_after_seconds(response))
        raise RequestRefused(f"{answer} instead of the file. Check the address and what the archive allows.")

    def _broken(self, url: str, what: str) -> BrokenTransfer:
        return BrokenTransfer(
            f"{self.subject}: {url} {what}, in the last of {self.attempts} attempts. Download it again later."
        )

    def _repeat(self, request: Callable[[], None], url: str) -> None:
        """Make a request until it succeeds, fails for good or has failed `attempts` times."""
        backoff = _FIRST_PAUSE_SECONDS
        for attempt in range(1, self.attempts + 1):
            try:
                return self._once(request, url)
            except DownloadError as error:
                # Who is offline at the first attempt hears it at once.
                offline = attempt == 1 and isinstance(error.__cause__, _NO_CONNECTION)
                if not error.transient or offline or attempt == self.attempts:
                    raise
                asked = error.retry_after_seconds if isinstance(error, ServerBusy) else None
                seconds = backoff if asked is None else asked
                if seconds > _LONGEST_PAUSE_SECONDS:
                    raise
            self.pause(seconds)
            backoff = min(backoff * 2, _LONGEST_PAUSE_SECONDS)
        raise ValueError(f"attempts must be at least 1, not {self.attempts}")

    def _once(self, request: Callable[[], None], url: str) -> None:
        try:
            request()
        except (*_NO_CONNECTION, httpx.TimeoutException) as error:
            raise Unreachable(
                f"{self.subject}: {httpx.URL(url).host} cannot be reached ({str(error) or type(error).__name__}). "
                f"Check the network and its proxy, then try again."
            ) from error
        except (httpx.NetworkError, httpx.RemoteProtocolError) as error:
            raise self._broken(url, f"broke off ({str(error) or type(error).__name__})") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RequestRefused(f"{self.subject}: {url} cannot be requested: {error}. Check the address.") from error


@dataclass
class _Arriving:
    """A file on its way, over as many requests as it takes.

    Attributes:
        file: Where the bytes go.
        received: Bytes in it.
        total: Bytes of the whole, where the server says.
        validator: The server's mark of this state of its file. Without one, nothing is resumed: two halves of
            different files could be joined.
    """

    file: IO[bytes]
    received: int = 0
    total: int | None = None
    validator: str | None = None

    def headers(self) -> dict[str, str]:
        """Return the headers of the next request."""
        headers = {"Accept-Encoding": "identity"}
        if self.received and self.validator:
            headers |= {"Range": f"bytes={self.received}-", "If-Range": self.validator}
        return headers

    def begin(self, response: httpx.Response) -> bool:
        """Take up an answer: append what continues, start again at a whole file; False for some other part."""
        if response.status_code == 206:
            resumed = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if resumed is None or int(resumed[1]) != self.received:
                self.validator = None
                return False
            if resumed[2] != "*":
                self.total = int(resumed[2])
            return True
        self.file.seek(0)
        self.file.truncate()
        self.received = 0
        length = response.headers.get("Content-Length", "")
        self.total = int(length) if length.isdecimal() else None
        etag = response.headers.get("ETag", "")
        # A weak tag may stand for different bytes.
        self.validator = etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified")
        return True

    def write(self, chunk: bytes) -> None:
        """Append what has arrived."""
        self.file.write(chunk)
        self.received += len(chunk)


def _retry_after_seconds(response: httpx.Response) -> float | None:
    """Return how long the server asks to wait, None where it does not say so understandably."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
