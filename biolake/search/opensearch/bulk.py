"""Writing many documents to OpenSearch: bulk requests in which every item is accounted for.

An item carries its version, so that it may be sent again whatever became of the answer: a lower version than the
index's is refused there. An item that the cluster had no room for is sent again by itself; one that it cannot hold is
an error that names the document.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from biolake.search.errors import DocumentRefused, IndexBusy, SearchError
from biolake.search.models import Upserted
from biolake.search.opensearch.cluster import ONCE, WRITE_DELAYS, Cluster, Waiting, pause
from biolake.search.opensearch.rows import Entry, id_of

if TYPE_CHECKING:
    from opensearchpy import OpenSearch

_MOST_ENTRIES = 1000
_MOST_CHARACTERS = 4_000_000
_IN_FLIGHT = 2
_SECONDS = 120
_WAIT_FOR_SHARD = "15s"
_PASSING = frozenset({429, 502, 503, 504})
_WRITTEN = frozenset({200, 201})


@dataclass(frozen=True)
class _Answer:
    """What became of an item.

    Attributes:
        status: The item's own status code.
        kind: The server's name of the error, empty where there is none.
        reason: Its text.
    """

    status: int
    kind: str = ""
    reason: str = ""


class BulkWriter:
    """Writes entries to one index or alias."""

    def __init__(
        self,
        cluster: Cluster,
        target: str,
        *,
        missing: Callable[[], None] | None = None,
        blocked: Callable[[], bool] | None = None,
    ) -> None:
        """Remember where to write.

        Args:
            cluster: The cluster.
            target: Name of an index, or with `missing` of an alias.
            missing: Makes the alias when there is none: nothing is ever written to an index that came about by itself.
            blocked: Asked when writing has been forbidden for long; says whether it was allowed again.
        """
        self._cluster = cluster
        self._target = target
        self._missing = missing
        self._blocked = blocked

    def write(self, entries: Iterable[Entry]) -> Upserted:
        """Write the entries; of several of one dataset within a chunk, the newest.

        The next chunk is made while the ones before are on their way. The call may be repeated after any error.

        Raises:
            DocumentRefused: The index cannot hold an entry; the others of its chunk and those before are in.
            IndexBusy: There was no room for an entry each time.
            IndexUnreachable: The cluster did not answer each time.
        """
        chunks = _chunks(entries)
        first, second = next(chunks, None), next(chunks, None)
        if first is None:
            return Upserted(written=0, stale=0)
        if second is None:
            return self._send(list(first.values()))
        written = stale = 0
        with ThreadPoolExecutor(_IN_FLIGHT) as pool:
            pending: deque[tuple[set[str], Future[Upserted]]] = deque()
            for chunk in chain((first, second), chunks):
                # Equal versions replace each other: those of one dataset must arrive in order.
                while len(pending) >= _IN_FLIGHT or any(keys & chunk.keys() for keys, _ in pending):
                    done = pending.popleft()[1].result()
                    written, stale = written + done.written, stale + done.stale
                pending.append((set(chunk), pool.submit(self._send, list(chunk.values()))))
            for _, future in pending:
                done = future.result()
                written, stale = written + done.written, stale + done.stale
        return Upserted(written=written, stale=stale)

    def _send(self, entries: Sequence[Entry]) -> Upserted:
        """Send entries until each was written, is stale or was refused."""
        waiting, delays = entries, Waiting(WRITE_DELAYS)
        written = stale = 0
        refused: list[tuple[Entry, _Answer]] = []
        while True:
            answers, trouble = self._once(waiting)
            silent = trouble is not None
            written += sum(answer.status in _WRITTEN for answer in answers)
            again: list[Entry] = []
            older: list[Entry] = []
            for one, answer in zip(waiting, answers, strict=True):
                if answer.status == 409:
                    older.append(one)
                elif _may_pass(answer):
                    again.append(one)
                    trouble = trouble or IndexBusy(
                        f"{self._target}: OpenSearch did not take {one.key} ({answer.kind}: {answer.reason}). "
                        "Repeat the call."
                    )
                elif answer.status not in _WRITTEN:
                    refused.append((one, answer))
            if older:
                gone = self._make_way(older)
                stale += len(older) - len(gone)
                again += gone
            if not again:
                break
            delay = delays.next(silent=silent)
            if delay is None:
                if self._blocked is None or not self._blocked():
                    raise trouble or IndexBusy(f"{self._target}: {again[0].key} was refused each time. Repeat it.")
                done = self._once_more(again)
                written, stale = written + done.written, stale + done.stale
                break
            waiting = again
            pause(delay)
        if refused:
            raise _refusal(refused)
        return Upserted(written=written, stale=stale)

    def _once_more(self, entries: Sequence[Entry]) -> Upserted:
        return BulkWriter(self._cluster, self._target, missing=self._missing)._send(entries)

    def _once(self, entries: Sequence[Entry]) -> tuple[list[_Answer], SearchError | None]:
        """Send entries once; a request that failed as a whole is one in which each item may pass next time."""
        body = "".join(one.action() for one in entries).encode()
        try:
            items = self._cluster.ask(lambda client: self._bulk(client, body), delays=ONCE)
        except SearchError as error:
            if not error.transient:
                raise
            return [_Answer(503, "no answer", str(error))] * len(entries), error
        answers = [_answer(item) for item in items]
        if self._missing is not None and any(answer.kind == "index_not_found_exception" for answer in answers):
            self._missing()
        return answers, None

    def _bulk(self, client: "OpenSearch", body: bytes) -> list[dict[str, Any]]:
        return client.bulk(
            body=body,
            index=self._target,
            # Seconds for the client, beside the server's own time: the client takes a bare `timeout` for itself.
            params={
                "request_timeout": _SECONDS,
                "timeout": _WAIT_FOR_SHARD,
                "require_alias": "true" if self._missing is not None else "false",
                "filter_path": "items.*.status,items.*.error.type,items.*.error.reason",
            },
        )["items"]

    def _make_way(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return those of the refused entries that only a forgotten dataset stands against, or what just was one."""
        found = {
            item["_id"]: item
            for item in self._cluster.ask(
                lambda client: client.mget(
                    body={"ids": [id_of(one.key) for one in entries]},
                    index=self._target,
                    params={"_source": "forgotten"},
                ),
                delays=WRITE_DELAYS,
            )["docs"]
        }
        again: list[Entry] = []
        forgotten: list[str] = []
        for one in entries:
            item = found[id_of(one.key)]
            if not item.get("found"):
                again.append(one)
            elif item["_source"].get("forgotten"):
                again.append(one)
                forgotten.append(
                    f'{{"delete":{{"_id":{_json(item["_id"])},"if_seq_no":{item["_seq_no"]},'
                    f'"if_primary_term":{item["_primary_term"]}}}}}\n'
                )
        if forgotten:
            # What changed meanwhile is refused by its number, and looked at anew when the entry is sent again.
            body = "".join(forgotten).encode()
            self._cluster.ask(lambda client: self._bulk(client, body), delays=WRITE_DELAYS)
        return again


def _chunks(entries: Iterable[Entry]) -> Iterator[dict[str, Entry]]:
    chunk: dict[str, Entry] = {}
    characters = 0
    for one in entries:
        kept = chunk.get(one.key)
        if kept is None or kept.version <= one.version:
            chunk[one.key] = one
        characters += len(one.body)
        if len(chunk) >= _MOST_ENTRIES or characters >= _MOST_CHARACTERS:
            yield chunk
            chunk, characters = {}, 0
    if chunk:
        yield chunk


def _answer(item: dict[str, Any]) -> _Answer:
    (told,) = item.values()
    error = told.get("error") or {}
    return _Answer(int(told["status"]), str(error.get("type", "")), str(error.get("reason", "")))


def _may_pass(answer: _Answer) -> bool:
    return answer.status in _PASSING or answer.kind in {"cluster_block_exception", "index_not_found_exception"}


def _refusal(refused: Sequence[tuple[Entry, _Answer]]) -> DocumentRefused:
    (one, answer), *others = refused
    more = f", and {len(others)} more" if others else ""
    return DocumentRefused(
        f"{one.key}{more}: OpenSearch cannot hold it ({answer.kind}: {answer.reason[:300]}). "
        "Correct the dataset's metadata."
    )


def _json(text: str) -> str:
    import json

    return json.dumps(text)
