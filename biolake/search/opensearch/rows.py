"""Datasets as OpenSearch takes them: bodies with their terms, tombstones, and documents back from a body.

A body with `deleted` is what is left of a dataset that was taken out at a version. One that is `forgotten`, too, was
taken out by its id alone: it gives way to a document of any version.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from biolake.search.models import DatasetFields, SearchDocument
from biolake.search.opensearch.mapping import OWN_COLUMN, SCOPED, part_column
from biolake.search.terms import BOUNDARY, MAX_PREFIX, field_terms, identities

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LONGEST_TERM = 100
_LONGEST_ID = 500
"""Bytes; OpenSearch allows 512."""
STORED: tuple[str, ...] = (*DatasetFields.model_fields, "version", "samples_text", "features_text", "vector")
_MAY_BE_EMPTY = {"summary", "samples_text", "features_text"}
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Entry:
    """A document or tombstone on its way into the index.

    Attributes:
        key: Repository and dataset id, as errors name it.
        version: What decides between writers.
        body: The body as JSON.
    """

    key: str
    version: int
    body: str

    def action(self) -> str:
        """Return the two lines of a bulk request that write it, unless the index has a higher version."""
        head = {"index": {"_id": id_of(self.key), "version": self.version, "version_type": "external_gte"}}
        return f"{_encode(head)}\n{self.body}\n"


def key(repository: str, dataset_id: str) -> str:
    """Return what identifies a dataset; a repository has no / in its name."""
    return f"{repository}/{dataset_id}"


def id_of(key: str) -> str:
    """Return the id of a key: itself, or a digest where it is too long for one."""
    encoded = key.encode()
    return key if len(encoded) <= _LONGEST_ID else "/" + hashlib.sha256(encoded).hexdigest()


def term(text: str) -> str:
    """Return a term as it is stored: a word longer than any is told by its beginning and a digest."""
    if len(text) <= _LONGEST_TERM:
        return text
    return f"{text[:_LONGEST_TERM]}…{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"


def microseconds(moment: datetime) -> int:
    """Return a time as a whole number that is compared exactly."""
    return (moment - _EPOCH) // _MICROSECOND


def entry(document: SearchDocument) -> Entry:
    """Return a document with its terms."""
    name = key(document.repository, document.dataset_id)
    body: dict[str, Any] = {"key": name, "deleted": False}
    for field in STORED:
        value = getattr(document, field)
        if value is not None and value != () and not (value == "" and field in _MAY_BE_EMPTY):
            body[field] = value
    body["ingested_at"] = document.ingested_at.isoformat()
    body["ingested_us"] = microseconds(document.ingested_at)
    body["identities"] = [term(name) for name in identities(document)]
    body["terms"], body["words"] = _terms(document)
    return Entry(name, document.version, _encode(body))


def tombstone(repository: str, dataset_id: str, version: int, *, forgotten: bool = False) -> Entry:
    """Return what stands for a dataset that was taken out."""
    name = key(repository, dataset_id)
    body: dict[str, Any] = {
        "key": name,
        "deleted": True,
        "repository": repository,
        "dataset_id": dataset_id,
        "version": version,
    }
    if forgotten:
        body["forgotten"] = True
    return Entry(name, version, _encode(body))


def document_of(source: Mapping[str, Any]) -> SearchDocument:
    """Return the document of a body."""
    return SearchDocument.model_validate({name: source[name] for name in STORED if name in source})


def _terms(document: SearchDocument) -> tuple[dict[str, str], dict[str, str]]:
    terms: dict[str, list[str]] = {}
    words: dict[str, set[str]] = {}
    for found in field_terms(document):
        if not found.words:
            continue
        name = found.field.name
        column = part_column(name)
        stems = [term(one) for one in found.terms] if _has_long(found.words) else found.terms
        beginnings = {word[:MAX_PREFIX] for word in found.words}
        if column is not None:
            terms.setdefault(column, []).extend(stems)
            words.setdefault(column, set()).update(beginnings)
        if name not in OWN_COLUMN:
            scope = name + ":"
            terms.setdefault(SCOPED, []).extend([one if one == BOUNDARY else scope + one for one in stems])
            words.setdefault(SCOPED, set()).update([scope + word for word in beginnings])
    return (
        {column: " ".join(found) for column, found in terms.items()},
        {column: " ".join(found) for column, found in words.items()},
    )


def _has_long(words: set[str]) -> bool:
    return max(map(len, words)) > _LONGEST_TERM
