"""A proxy before a real S3 server that spoils what it is told to, as S3 and the way to it do on a bad day."""

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from threading import Lock, Thread

_CODES = {409: b"ConditionalRequestConflict", 500: b"InternalError", 503: b"SlowDown"}


@dataclass(frozen=True)
class Fault:
    """What happens to a request.

    Attributes:
        status: What it is answered with; None for a connection that breaks.
        done: Whether the server gets it all the same.
    """

    status: int | None
    done: bool = False


CONFLICT = Fault(409)
BUSY = Fault(503)
ANSWER_LOST = Fault(None, done=True)
FAILED_AFTERWARDS = Fault(500, done=True)

Spoil = Callable[[str, str], Fault | None]
"""Given a request's method and path, what happens to it; None lets it through."""


def _nothing(_method: str, _path: str) -> None:
    return None


@dataclass
class Faults:
    """What goes wrong, and what was seen.

    Attributes:
        url: Where the proxy listens.
        spoil: Asked of each request, one at a time.
        seen: Methods and paths.
        spoilt: How often each fault happened.
    """

    url: str = ""
    spoil: Spoil = _nothing
    seen: list[tuple[str, str]] = field(default_factory=list)
    spoilt: Counter[Fault] = field(default_factory=Counter)
    lock: Lock = field(default_factory=Lock)

    def of(self, request: tuple[str, str]) -> Fault | None:
        """Remember a request and say what happens to it."""
        with self.lock:
            self.seen.append(request)
            fault = self.spoil(*request)
            if fault is not None:
                self.spoilt[fault] += 1
            return fault

    def writes(self) -> int:
        """How many writes were seen."""
        return sum(method == "PUT" for method, _ in self.seen)


def next_writes(times: int, fault: Fault) -> Spoil:
    """Spoil that many writes, and none after."""
    left = times

    def spoil(method: str, _path: str) -> Fault | None:
        nonlocal left
        if method != "PUT" or left == 0:
            return None
        left -= 1
        return fault

    return spoil


def storm() -> Spoil:
    """Refuse requests in bursts; of every few commits to a Delta table, lose the answer or fail after it was made."""
    requests = commits = 0

    def spoil(method: str, path: str) -> Fault | None:
        nonlocal requests, commits
        requests += 1
        if requests % 60 < 6:
            return BUSY
        if method != "PUT" or "/_delta_log/" not in path or ".json" not in path:
            return None
        commits += 1
        if commits % 3 == 0:
            return ANSWER_LOST
        return FAILED_AFTERWARDS if commits % 5 == 0 else None

    return spoil


@contextmanager
def faulty_beside(port: int, make: Callable[[], Spoil]) -> Iterator[Faults]:
    """Let a process of its own stand between; what it did is told when the block has ended.

    A client that keeps the interpreter to itself while it waits for an answer, as deltalake does, needs this one.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(port, make, there), daemon=True)
    process.start()
    faults = Faults(url=here.recv())
    try:
        yield faults
    finally:
        here.send(None)
        faults.spoilt = here.recv()
        process.join()


def _serve(port: int, make: Callable[[], Spoil], told: Connection) -> None:
    with faulty(port) as faults:
        faults.spoil = make()
        told.send(faults.url)
        told.recv()
        told.send(faults.spoilt)


@contextmanager
def faulty(port: int) -> Iterator[Faults]:
    """Stand between clients and the server that listens on the port."""
    faults = Faults()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            fault = faults.of((self.command, self.path))
            if fault is None:
                self._answer(*self._ask(body))
                return
            if fault.done:
                self._ask(body)
            if fault.status is None:
                self.close_connection = True
                self.connection.close()
            else:
                self._answer(fault.status, [], b"<Error><Code>%s</Code></Error>" % _CODES[fault.status])

        def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            connection = HTTPConnection("127.0.0.1", port, timeout=60)
            # The signature covers the address that the client asked for.
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            found = connection.getresponse()
            content = found.read()
            connection.close()
            return found.status, found.getheaders(), content

        def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
            self.send_response_only(status)
            size = str(len(content))
            for name, value in headers:
                if name.lower() == "content-length" and self.command == "HEAD":
                    size = value
                elif name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                    self.send_header(name, value)
            self.send_header("content-length", size)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _pass_on

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        # Many connect at once.
        request_queue_size = 128

        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing of clients that did not wait."""

    server = Server(("127.0.0.1", 0), Handler)
    faults.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield faults
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
