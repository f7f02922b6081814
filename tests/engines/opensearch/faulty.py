"""What a proxy before a real cluster spoils: single items of a bulk, or whole answers."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Lock

from tests.engines.servers.proxy import Answer, Ask, Request, proxy

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

    def conduct(request: Request, ask: Ask) -> Answer | None:
        if "/_bulk" not in request.path:
            return ask(request)
        body, refused, number = _without_refused(faults, request.body)
        if number and len(refused) == number:
            answer = Answer(200, (("content-type", "application/json"),), json.dumps({"items": []}).encode())
        else:
            answer = ask(replace(request, body=body))
        with faults.lock:
            lost, faults.lose_answers = faults.lose_answers > 0, max(0, faults.lose_answers - 1)
        return None if lost else replace(answer, content=_with_refused(answer.content, refused, number))

    with proxy(upstream, conduct) as faults.url:
        yield faults


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
