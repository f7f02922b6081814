"""A proxy before a real cluster that spoils what it is told to: single items of a bulk, or whole answers."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import urlsplit

Spoil = Callable[[str, int], int | None]
"""Given an item's id and how often it has been sent, the status it is refused with; None lets it through."""


@dataclass
class Faults:
    """What goes wrong, and what was seen.

    Attributes:
        url: Where the proxy listens.
        refuse: Which items of a bulk never reach the cluster.
        lose_answers: How many bulk requests reach the cluster without their answer coming back.
        sent: How often each item was sent.
        bulks: Number of bulk requests.
    """

    url: str = ""
    refuse: Spoil = lambda _item, _times: None
    lose_answers: int = 0
    sent: dict[str, int] = field(default_factory=dict)
    bulks: int = 0
    lock: Lock = field(default_factory=Lock)


_REFUSAL = {
    429: {"type": "rejected_execution_exception", "reason": "rejected execution of a bulk"},
    503: {"type": "unavailable_shards_exception", "reason": "primary shard is not active"},
}


@contextmanager
def faulty(upstream: str) -> Iterator[Faults]:
    """Stand between a client and the cluster."""
    faults = Faults()
    parts = urlsplit(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            refused: dict[int, int] = {}
            number = 0
            if "/_bulk" in self.path:
                body, refused, number = _without_refused(faults, body)
            if number and len(refused) == number:
                status, answer = 200, json.dumps({"items": []}).encode()
            else:
                status, answer = self._ask(body)
            if "/_bulk" in self.path:
                with faults.lock:
                    lost, faults.lose_answers = faults.lose_answers > 0, max(0, faults.lose_answers - 1)
                if lost:
                    self.close_connection = True
                    self.connection.close()
                    return
                answer = _with_refused(answer, refused, number)
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer)

        def _ask(self, body: bytes) -> tuple[int, bytes]:
            connection = HTTPConnection(str(parts.hostname), parts.port, timeout=60)
            try:
                headers = {"content-type": self.headers.get("content-type") or "application/json"}
                connection.request(self.command, self.path, body or None, headers)
                answer = connection.getresponse()
                return answer.status, answer.read()
            finally:
                connection.close()

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _pass_on

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


def _without_refused(faults: Faults, body: bytes) -> tuple[bytes, dict[int, int], int]:
    """Return the bulk without the items that are refused, those by place with their status, and the number of all."""
    kept: list[bytes] = []
    refused: dict[int, int] = {}
    lines = [line for line in body.split(b"\n") if line]
    place = number = 0
    with faults.lock:
        faults.bulks += 1
        while place < len(lines):
            ((kind, head),) = json.loads(lines[place]).items()
            size = 1 if kind == "delete" else 2
            times = faults.sent[head["_id"]] = faults.sent.get(head["_id"], 0) + 1
            status = faults.refuse(head["_id"], times)
            if status is None:
                kept += lines[place : place + size]
            else:
                refused[number] = status
            place, number = place + size, number + 1
    return b"\n".join(kept) + b"\n", refused, number


def _with_refused(answer: bytes, refused: dict[int, int], number: int) -> bytes:
    told = json.loads(answer)
    if not refused or "items" not in told:
        return answer
    items = iter(told["items"])
    told["items"] = [
        {"index": {"status": refused[place], "error": _REFUSAL[refused[place]]}} if place in refused else next(items)
        for place in range(number)
    ]
    return json.dumps(told).encode()
