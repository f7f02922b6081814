"""What a proxy before a real S3 server spoils, as S3 and the way to it do on a bad day."""

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from threading import Lock

from tests.engines.servers.proxy import Answer, Ask, Request, proxy

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

    def conduct(request: Request, ask: Ask) -> Answer | None:
        fault = faults.of((request.method, request.path))
        if fault is None:
            return ask(request)
        if fault.done:
            ask(request)
        if fault.status is None:
            return None
        return Answer(fault.status, (), b"<Error><Code>%s</Code></Error>" % _CODES[fault.status])

    with proxy(f"http://127.0.0.1:{port}", conduct) as faults.url:
        yield faults
