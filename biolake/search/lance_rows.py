"""How the embedded engine stores a document: the table's columns, and documents to rows and back.

A row with `deleted` is what is left of a dataset that was taken out at a version; it has no terms, so no text matches.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from biolake.search.fields import Part
from biolake.search.models import KEYWORD_LISTS, DatasetFields, SearchDocument
from biolake.search.terms import document_terms

TABLE = "documents_1"
"""Changes whenever columns or analysis do: the new table starts empty and is filled from the lake."""

SCORED: dict[Part, str] = {part: f"{part.value}_terms" for part in Part if part is not Part.REST}
"""Column of each part that is scored apart."""

TEXT_COLUMNS: tuple[str, ...] = ("terms", "prefixes", *SCORED.values())

_TEXT = pa.string()
_STORED: dict[str, pa.DataType] = {
    name: pa.list_(_TEXT) if name in KEYWORD_LISTS else _TEXT for name in DatasetFields.model_fields
} | {"year": pa.int32(), "n_samples": pa.int64(), "n_features": pa.int64(), "ingested_at": pa.timestamp("us", "UTC")}

STORED_COLUMNS: tuple[str, ...] = (*_STORED, "version", "samples_text", "features_text")

SCHEMA = pa.schema(
    [
        pa.field("key", _TEXT, nullable=False),
        pa.field("deleted", pa.bool_(), nullable=False),
        *(pa.field(name, kind) for name, kind in _STORED.items()),
        pa.field("version", pa.int64(), nullable=False),
        pa.field("samples_text", _TEXT),
        pa.field("features_text", _TEXT),
        *(pa.field(name, _TEXT) for name in TEXT_COLUMNS),
    ]
)


def key(repository: str, dataset_id: str) -> str:
    """Return what identifies a row; a repository has no / in its name."""
    return f"{repository}/{dataset_id}"


def rows(documents: Iterable[SearchDocument]) -> pa.Table:
    """Return the documents as rows."""
    return pa.Table.from_pylist([_row(document) for document in documents], schema=SCHEMA)


def tombstones(repository: str, versions: Iterable[tuple[str, int]]) -> pa.Table:
    """Return rows that stand for datasets taken out at a version."""
    now = datetime.now(UTC)
    return pa.Table.from_pylist(
        [
            {
                "key": key(repository, dataset_id),
                "deleted": True,
                "repository": repository,
                "dataset_id": dataset_id,
                "version": version,
                "ingested_at": now,
            }
            for dataset_id, version in versions
        ],
        schema=SCHEMA,
    )


def documents(table: pa.Table) -> list[SearchDocument]:
    """Return the rows as documents, in their order."""
    return [SearchDocument.model_validate(row) for row in table.select(list(STORED_COLUMNS)).to_pylist()]


def _row(document: SearchDocument) -> dict[str, Any]:
    terms = document_terms(document)
    return {
        **document.model_dump(),
        "key": key(document.repository, document.dataset_id),
        "deleted": False,
        "terms": " ".join(terms.everything),
        "prefixes": " ".join(terms.prefixes),
        **{SCORED[part]: " ".join(found) for part, found in terms.parts.items()},
    }
