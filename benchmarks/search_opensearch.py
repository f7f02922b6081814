"""Search on OpenSearch: indexing against a bare bulk of the same documents, and how long searches take.

    python -m benchmarks.search_opensearch URL [--documents 100000] [--queries 1000]

The documents are made up: words drawn by rank from a vocabulary, as real ones are, with the metadata that searches
filter by. The bare bulk is `opensearchpy.helpers.bulk` with the same number in a request and one refresh, of the same
documents: once as they are, into an index whose mapping OpenSearch made up itself, and once as the bodies that the
platform sends, made beforehand, into an index of the platform's mapping. Rounds of each follow each other, so that the
machine's other work falls on all.
"""

import argparse
import json
import random
import statistics
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from typing import Any

from opensearchpy import OpenSearch, helpers

from benchmarks.machine import header, table
from biolake.search.models import Range, SearchDocument, SearchRequest
from biolake.search.opensearch.cluster import Access
from biolake.search.opensearch.index import OpenSearchIndex
from biolake.search.opensearch.mapping import Names, template
from biolake.search.opensearch.rows import entry, id_of

CHUNK = 1000
FILLED_AT_ONCE = 10_000
ROUNDS = 3
_START = datetime(2026, 1, 1, tzinfo=UTC)
_ORGANISMS = ("Homo sapiens", "Mus musculus", "Rattus norvegicus", "Danio rerio", "Drosophila melanogaster")
_TYPES = ("RNA-seq", "Expression array", "scRNA-seq", "ChIP-seq", "Methylation array")
_TISSUES = ("liver", "lung", "brain", "blood", "kidney", "skin", "heart", "colon", "breast", "spleen")
_SYLLABLES = (
    "ge",
    "no",
    "ma",
    "ri",
    "to",
    "ka",
    "lu",
    "si",
    "ne",
    "cy",
    "tra",
    "pro",
    "hep",
    "myo",
    "oma",
    "ase",
    "in",
)


class Author:
    """Writes documents; the same seed writes the same."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        words = dict.fromkeys(
            "".join(self._random.choices(_SYLLABLES, k=self._random.randint(2, 4))) for _ in range(60_000)
        )
        self.vocabulary = list(words)[:30_000]
        # Zipf: the word of rank r is r times rarer than the first.
        self._cumulative = list(accumulate(1 / rank for rank in range(1, len(self.vocabulary) + 1)))
        self._ahead = self._drawn()

    def _drawn(self) -> Iterator[str]:
        while True:
            yield from self._random.choices(self.vocabulary, cum_weights=self._cumulative, k=10_000)

    def words(self, number: int) -> str:
        return " ".join(islice(self._ahead, number))

    def document(self, number: int) -> SearchDocument:
        chance = self._random
        samples = chance.randint(3, 40)
        tissue, organism = chance.choice(_TISSUES), chance.choice(_ORGANISMS)
        lines = [f"tissue: {tissue}", f"treatment: {self.words(2)}", f"age: {chance.randint(1, 90)}"]
        lines += [f"GSM{number * 50 + sample}" for sample in range(samples)]
        return SearchDocument(
            repository="geo",
            dataset_id=f"GSE{number}",
            lot=f"20260101T000000Z-{number // 1000:010d}",
            source_version=uuid.UUID(int=chance.getrandbits(128)).hex,
            version=1_767_225_600_000_000 + number,
            title=f"{self.words(8).capitalize()} in {tissue}",
            summary=". ".join(self.words(15).capitalize() for _ in range(6)) + ".",
            organism=(organism,),
            data_type=chance.choice(_TYPES),
            platform=f"GPL{chance.randint(1, 300)}",
            format="geo_series_matrix",
            year=chance.randint(2000, 2025),
            n_samples=samples,
            n_features=chance.randint(10_000, 60_000),
            curated_tissue=(tissue,),
            curated_disease=(chance.choice(self.vocabulary[500:700]),),
            curated_gene=tuple(word.upper() for word in chance.choices(self.vocabulary[2000:4000], k=3)),
            accessions=(f"PRJNA{number}",),
            ingested_at=_START + timedelta(seconds=number),
            samples_text="\n".join(lines),
        )


def timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def bare(client: OpenSearch, name: str, actions: Sequence[dict[str, Any]]) -> None:
    helpers.bulk(client, actions, chunk_size=CHUNK, max_chunk_bytes=8_000_000, request_timeout=120)
    client.indices.refresh(index=name)


def indexing(client: OpenSearch, url: str, author: Author, each: int) -> list[tuple[str, float]]:
    """Documents per second of each way, the median of the rounds."""
    spent: dict[str, list[float]] = {"plain": [], "bodies": [], "ours": []}
    for number in range(ROUNDS + 1):
        documents = [author.document(number * each + place) for place in range(each)]
        plain, bodies, ours = (f"bench-{uuid.uuid4().hex[:8]}" for _ in range(3))
        names = Names(bodies)
        client.indices.create(index=plain, body={"settings": {"number_of_replicas": 0, "refresh_interval": "30s"}})
        client.indices.put_index_template(name=names.current, body=template(names, shards=1, dimension=0))
        client.indices.create(index=names.index(1))
        raw = [
            {"_index": plain, "_id": f"geo/{one.dataset_id}", "_source": one.model_dump(mode="json", exclude_none=True)}
            for one in documents
        ]
        made = [
            {
                "_index": names.index(1),
                "_id": id_of(found.key),
                "version": found.version,
                "version_type": "external_gte",
                "_source": json.loads(found.body),
            }
            for found in map(entry, documents)
        ]
        index = OpenSearchIndex(Access(url), name=ours)
        index.upsert(documents[:1])
        # Which goes first changes: the heap is never as clean as for the first.
        ways: list[tuple[str, Callable[[], object]]] = [
            ("plain", lambda plain=plain, raw=raw: bare(client, plain, raw)),
            ("bodies", lambda names=names, made=made: bare(client, names.index(1), made)),
            ("ours", lambda index=index, documents=documents: index.upsert(documents)),
        ]
        for way, call in ways[number % 3 :] + ways[: number % 3]:
            seconds = timed(call)
            if number:
                spent[way].append(each / seconds)
        index.close()
        remove(client, ours)
        remove(client, bodies)
        client.indices.delete(index=plain)
    return [(way, statistics.median(rates)) for way, rates in spent.items()]


def filling(index: OpenSearchIndex, author: Author, number: int) -> float:
    """Seconds of the calls alone: the documents of each are made before it."""
    seconds = 0.0
    for first in range(0, number, FILLED_AT_ONCE):
        documents = [author.document(place) for place in range(first, min(first + FILLED_AT_ONCE, number))]
        seconds += timed(lambda documents=documents: index.upsert(documents))
    return seconds


def remove(client: OpenSearch, prefix: str) -> None:
    client.indices.delete(index=f"{prefix}-datasets-v*", params={"ignore_unavailable": "true"})
    client.indices.delete_index_template(name=Names(prefix).current, params={"ignore": 404})


def questions(author: Author, number: int) -> dict[str, list[SearchRequest]]:
    """Requests of each kind, with words from common to rare."""
    chance = random.Random(11)

    def word(least: int = 20, most: int = 8000) -> str:
        return author.vocabulary[chance.randint(least, most)]

    kinds: dict[str, Callable[[], SearchRequest]] = {
        "one word": lambda: SearchRequest(text=word()),
        "a frequent word": lambda: SearchRequest(text=author.vocabulary[chance.randint(0, 10)]),
        "two words": lambda: SearchRequest(text=f"{word(0, 500)} {word(0, 500)}"),
        "words, or, not": lambda: SearchRequest(text=f"({word()} | {word()}) ~ {word(0, 100)}"),
        "phrase": lambda: SearchRequest(text=f'"{word(0, 30)} {word(0, 30)}"'),
        "beginning": lambda: SearchRequest(text=word()[:4] + "*"),
        "accession": lambda: SearchRequest(text=f"GSE{chance.randint(0, 90_000)}"),
        "word, filters, facets": lambda: SearchRequest(
            text=word(0, 500),
            filters={"organism": ("Homo sapiens",), "year": Range(minimum=2010)},
            facets=("organism", "data_type", "curated_tissue", "year"),
        ),
        "filters and facets alone": lambda: SearchRequest(
            filters={"curated_tissue": (chance.choice(_TISSUES),)}, facets=("organism", "data_type", "year")
        ),
        "sorted by year": lambda: SearchRequest(text=word(0, 500), sort="year", descending=True),
    }
    return {kind: [make() for _ in range(number)] for kind, make in kinds.items()}


def searching(index: OpenSearchIndex, author: Author, number: int) -> list[tuple[str, str, str, str]]:
    asked = questions(author, number)
    rows: list[tuple[str, str, str, str]] = []
    everything: list[float] = []
    for kind, requests in asked.items():
        for request in requests[:20]:
            index.search(request)
        spent = sorted(timed(lambda request=request: index.search(request)) * 1000 for request in requests)
        everything += spent
        rows.append((kind, *figures(spent)))
    rows.append(("all of these", *figures(sorted(everything))))
    pages: list[float] = []
    for request in asked["one word"][:50]:
        after = index.search(request).next
        for _ in range(5):
            if after is None:
                break
            following = request.model_copy(update={"after": after})
            started = time.perf_counter()
            after = index.search(following).next
            pages.append((time.perf_counter() - started) * 1000)
    if pages:
        rows.append(("a following page", *figures(sorted(pages))))
    return rows


def figures(spent: Sequence[float]) -> tuple[str, str, str]:
    return tuple(f"{spent[min(len(spent) - 1, int(len(spent) * part))]:.1f}" for part in (0.5, 0.99, 1.0))  # type: ignore[return-value]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=200, help="of each kind")
    chosen = parser.parse_args()
    client = OpenSearch([chosen.url], timeout=120)
    report = header(f"Search on OpenSearch {client.info()['version']['number']}, {chosen.documents:,} documents")
    author = Author(7)
    rates = dict(indexing(client, chosen.url, author, max(1000, chosen.documents // 10)))
    print(report)
    labels = {
        "plain": "bare bulk, documents as they are, a mapping that OpenSearch made up",
        "bodies": "bare bulk, the platform's bodies made beforehand, its mapping",
        "ours": "the platform: documents to bodies, sent, refreshed",
    }
    lines = [(labels[way], f"{rate:,.0f}", f"{rates['ours'] / rate:.2f}") for way, rate in rates.items()]
    print(table(("indexing", "documents/s", "the platform's share of it"), lines))
    name = f"bench-{uuid.uuid4().hex[:8]}"
    index = OpenSearchIndex(Access(chosen.url), name=name)
    seconds = filling(index, author, chosen.documents)
    size = client.indices.stats(index=Names(name).alias)["_all"]["primaries"]["store"]["size_in_bytes"]
    print(f"{chosen.documents:,} documents, {FILLED_AT_ONCE:,} in a call: {seconds:.0f} s, {size / 1024**2:.0f} MiB\n")
    print(table(("search, 20 hits", "p50 ms", "p99 ms", "most ms"), searching(index, author, chosen.queries)))
    index.close()
    remove(client, name)


if __name__ == "__main__":
    main()
