"""A proxy before a real server. What it does to a request is its user's: see `faulty` of each server's tests."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

Headers = Sequence[tuple[str, str]]

_OF_A_CONNECTION = frozenset({"content-length", "transfer-encoding", "connection"})


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    method: str
    path: str
    headers: Headers
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What a client gets."""

    status: int
    headers: Headers
    content: bytes


Ask = Callable[[Request], Answer]
"""Sends a request to the server and returns its answer."""

Conduct = Callable[[Request, Ask], Answer | None]
"""Given a request and the way to the server, what the client gets; None for a connection that breaks."""


@contextmanager
def proxy(upstream: str, conduct: Conduct) -> Iterator[str]:
    """Stand between clients and the server at `upstream`; the block is given the address to use instead."""
    parts = urlsplit(upstream)

    def ask(request: Request) -> Answer:
        connection = HTTPConnection(str(parts.hostname), parts.port, timeout=60)
        try:
            # A signature covers the address that the client asked for.
            connection.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers:
                sized = name.lower() == "content-length"
                connection.putheader(name, str(len(request.body)) if sized else value)
            connection.endheaders(request.body)
            found = connection.getresponse()
            return Answer(found.status, found.getheaders(), found.read())
        finally:
            connection.close()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            answer = conduct(Request(self.command, self.path, self.headers.items(), body), ask)
            if answer is None:
                self.close_connection = True
                self.connection.close()
                return
            self.send_response_only(answer.status)
            size = str(len(answer.content))
            for name, value in answer.headers:
                if name.lower() == "content-length" and self.command == "HEAD":
                    size = value
                elif name.lower() not in _OF_A_CONNECTION:
                    self.send_header(name, value)
            self.send_header("content-length", size)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.content)

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
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
