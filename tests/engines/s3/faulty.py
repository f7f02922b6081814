"""A proxy before a real S3 server that answers some writes itself, as S3 does when it is busy or has a conflict."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

_CODES = {409: b"ConditionalRequestConflict", 503: b"SlowDown"}


@dataclass
class Faults:
    """What goes wrong.

    Attributes:
        url: Where the proxy listens.
        status: What the next writes are answered with, without reaching the server.
        times: How many of them.
        writes: How many writes were seen.
    """

    url: str = ""
    status: int = 503
    times: int = 0
    writes: int = 0


@contextmanager
def faulty(port: int) -> Iterator[Faults]:
    """Stand between a client and the server that listens on the port."""
    faults = Faults()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if self.command == "PUT":
                faults.writes += 1
                if faults.times:
                    faults.times -= 1
                    return self._answer(faults.status, [], b"<Error><Code>%s</Code></Error>" % _CODES[faults.status])
            connection = HTTPConnection("127.0.0.1", port, timeout=60)
            # The signature covers the address that the client asked for.
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            found = connection.getresponse()
            content = found.read()
            connection.close()
            return self._answer(found.status, found.getheaders(), content)

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

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    faults.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield faults
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
