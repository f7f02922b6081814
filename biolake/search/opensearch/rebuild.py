"""Filling an OpenSearch index anew while the one before serves, and losing no write that comes meanwhile.

A new index is filled beside the serving one, which remembers by sequence number what is written to it. That is brought
over until little is left; then writing is forbidden for the moment that the rest takes, and the aliases move in one
step. Writers are refused in that moment and come again: to the new index. Deletions leave a document, so they are
seen, too.
"""

import logging
import os
import socket
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from threading import Event, Thread
from typing import Any, NoReturn

from biolake.search.errors import EmptyRebuild, IndexBusy, RebuildInterrupted, SearchError
from biolake.search.models import Rebuilt, SearchDocument
from biolake.search.opensearch.bulk import BulkWriter
from biolake.search.opensearch.cluster import Cluster
from biolake.search.opensearch.lifecycle import SHOWN, Generation, Lifecycle, filling
from biolake.search.opensearch.rows import Entry, document_of, entry, tombstone
from biolake.search.opensearch.snapshot import count, refresh, shard_state, sweep
from biolake.search.vectors import check_document

_log = logging.getLogger(__name__)

SILENT_SECONDS = 12.0
"""A process that fills an index and has given no sign of life for so long counts as dead."""
_BEAT_SECONDS = 2.0
_FEW = 100
_MOST_ROUNDS = 20
_DRAIN_SECONDS = 1.0
_DELETED = {"bool": {"filter": [{"term": {"deleted": True}}], "must_not": [{"term": {"forgotten": True}}]}}
_BODY: Mapping[str, Any] = {"_source": True}


def rebuild(lifecycle: Lifecycle, serving: Generation, documents: Iterable[SearchDocument]) -> Rebuilt:
    """Fill a new index with the documents and what is written meanwhile, and let it serve.

    Args:
        lifecycle: The deployment's indexes.
        serving: The index that serves.
        documents: All documents there are.

    Raises:
        EmptyRebuild: There are no documents, and the serving index has some.
        IndexBusy: Another process is at the same work.
        RebuildInterrupted: Another process took this one for dead.
        VectorMismatch: A document's vector is not of the configured length.
    """
    if not lifecycle.abandon(serving, seconds=SILENT_SECONDS):
        raise IndexBusy(f"{serving.index}: another process is filling the index anew. Wait for it, then look again.")
    owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex}:"
    new = lifecycle.claim(serving.number + 1, owner)
    if new is None:
        raise IndexBusy(f"{serving.index}: another process began to fill the index anew. Wait for it, then look again.")
    try:
        with _beating(lifecycle, new, owner):
            filled = _fill(lifecycle, serving, new, documents)
    except BaseException:
        lifecycle.release_own(serving, new, owner)
        raise
    lifecycle.beat(new, None)
    # Searches that began in the old index end there.
    time.sleep(_DRAIN_SECONDS)
    for one in lifecycle.survey():
        if not one.serving and one.number <= serving.number:
            lifecycle.remove(one.index)
    return filled


def upgrade(lifecycle: Lifecycle, serving: Generation) -> Rebuilt:
    """Fill a new index of this version's mapping from the documents of an older one, and let it serve.

    Raises:
        IndexBusy: Another process is at the same work.
        RebuildInterrupted: Another process took this one for dead.
    """
    old = sweep(lifecycle.cluster, serving.index, {"bool": {"filter": [SHOWN]}}, dict(_BODY))
    documents = (_without_foreign_vector(document_of(hit["_source"]), lifecycle) for hits in old for hit in hits)
    return rebuild(lifecycle, serving, documents)


def _without_foreign_vector(document: SearchDocument, lifecycle: Lifecycle) -> SearchDocument:
    """Leave out a vector of another length: embeddings of another model say nothing beside the new ones."""
    if document.vector is None or len(document.vector) == lifecycle.dimension:
        return document
    return document.model_copy(update={"vector": None})


def _fill(lifecycle: Lifecycle, serving: Generation, new: str, documents: Iterable[SearchDocument]) -> Rebuilt:
    cluster, old = lifecycle.cluster, serving.index
    writer = BulkWriter(cluster, filling(new), missing=lambda: _interrupted(new))
    seen = _numbers(cluster, old)
    remaining = iter(documents)
    first = next(remaining, None)
    before = count(cluster, old, SHOWN)
    if first is None and before:
        raise EmptyRebuild(
            f"{old}: there is no document to fill the index anew with, and it holds {before}. See whether the lake can "
            "be read; nothing was changed."
        )
    written = 0 if first is None else writer.write(map(entry, _checked(chain((first,), remaining), lifecycle))).written
    # What was deleted at a version must go on refusing late writes. What was taken out by its id alone before may be
    # among the documents again, at the same version.
    _copy(cluster, lifecycle, old, writer, _DELETED)
    kept = 0
    for _ in range(_MOST_ROUNDS):
        seen, caught = _catch_up(lifecycle, old, writer, seen)
        kept += caught
        if caught <= _FEW:
            break
    lifecycle.forbid_writing(old)
    kept += _catch_up(lifecycle, old, writer, seen)[1]
    refresh(cluster, new)
    after = count(cluster, new, SHOWN)
    _take_over(lifecycle, serving, new)
    return Rebuilt(documents=written, kept=kept, before=before, after=after)


def _checked(documents: Iterable[SearchDocument], lifecycle: Lifecycle) -> Iterator[SearchDocument]:
    for document in documents:
        check_document(document, lifecycle.dimension)
        yield document


def _take_over(lifecycle: Lifecycle, serving: Generation, new: str) -> None:
    from opensearchpy.exceptions import TransportError

    try:
        lifecycle.take_over(serving, new)
    except TransportError:
        _interrupted(new)


def _interrupted(new: str) -> NoReturn:
    raise RebuildInterrupted(
        f"{new}: another process took this one for dead and removed the index that was being filled. The serving "
        "index is complete; repeat the call."
    )


def _catch_up(
    lifecycle: Lifecycle, old: str, writer: BulkWriter, seen: Mapping[str, int]
) -> tuple[dict[str, int], int]:
    """Bring over what was written since; return the numbers reached and how many documents it were."""
    cluster = lifecycle.cluster
    now = _numbers(cluster, old)
    refresh(cluster, old)
    caught = 0
    for shard, number in now.items():
        since = seen.get(shard, -1)
        if number > since:
            caught += _copy(cluster, lifecycle, old, writer, {"range": {"_seq_no": {"gt": since}}}, int(shard))
    return now, caught


def _copy(
    cluster: Cluster,
    lifecycle: Lifecycle,
    old: str,
    writer: BulkWriter,
    query: dict[str, Any],
    shard: int | None = None,
) -> int:
    copied = 0
    for hits in sweep(cluster, old, {"bool": {"filter": [query]}}, dict(_BODY), shard=shard):
        writer.write([_entry(hit["_source"], lifecycle) for hit in hits])
        copied += len(hits)
    return copied


def _entry(source: Mapping[str, Any], lifecycle: Lifecycle) -> Entry:
    if source["deleted"]:
        forgotten = bool(source.get("forgotten", False))
        return tombstone(source["repository"], source["dataset_id"], source["version"], forgotten=forgotten)
    return entry(_without_foreign_vector(document_of(source), lifecycle))


def _numbers(cluster: Cluster, index: str) -> dict[str, int]:
    return {shard: number for _, shard, number in shard_state(cluster, index)}


@contextmanager
def _beating(lifecycle: Lifecycle, index: str, owner: str) -> Iterator[None]:
    """Give signs of life until the block ends; when the index is gone, its filling fails by itself."""
    from opensearchpy.exceptions import NotFoundError

    ended = Event()

    def beat() -> None:
        number = 0
        while not ended.wait(_BEAT_SECONDS):
            number += 1
            try:
                lifecycle.beat(index, f"{owner}{number}")
            except NotFoundError:
                return
            except SearchError as error:
                _log.info("no sign of life of %s: %s", index, error)

    thread = Thread(target=beat, name=f"filling {index}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
