"""How the embedded engine stores a document: the table's columns, and documents to rows and back.

A row with `deleted` is what is left of a dataset that was taken out at a version; it has no terms, so no text matches.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from biolake.search.fields import Part
from biolake.search.models import KEYWORD_LISTS, DatasetFields, SearchDocument
from biolake.search.terms import document_terms

_TABLE = "documents_1"
"""Changes whenever columns or analysis do: the new table starts empty and is filled from the lake."""

SCORED: dict[Part, str] = {part: f"{part.value}_terms" for part in Part if part is not Part.REST}
"""Column of each part that is scored apart."""

TEXT_COLUMNS: tuple[str, ...] = ("terms", "prefixes", *SCORED.values())

_TEXT = pa.string()
_STORED: dict[str, pa.DataType] = {
    name: pa.list_(_TEXT) if name in KEYWORD_LISTS else _TEXT for name in DatasetFields.model_fields
} | {"year": pa.int32(), "n_samples": pa.int64(), "n_features": pa.int64(), "ingested_at": pa.timestamp("us", "UTC")}

_STORED_COLUMNS: tuple[str, ...] = (*_STORED, "version", "samples_text", "features_text")

_SCHEMA = pa.schema(
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


def table_name(dimension: int) -> str:
    """Return the name of the table with vectors of `dimension` numbers, 0 for none."""
    return f"{_TABLE}_vectors_{dimension}" if dimension else _TABLE


def schema(dimension: int) -> pa.Schema:
    """Return the table's columns."""
    if not dimension:
        return _SCHEMA
    return _SCHEMA.append(pa.field("vector_bytes", pa.binary()))


def stored_columns(dimension: int) -> list[str]:
    """Return the columns that a document is made of again."""
    return [*_STORED_COLUMNS, "vector_bytes"] if dimension else list(_STORED_COLUMNS)


def key(repository: str, dataset_id: str) -> str:
    """Return what identifies a row; a repository has no / in its name."""
    return f"{repository}/{dataset_id}"


def rows(documents: Iterable[SearchDocument], dimension: int) -> pa.Table:
    """Return the documents as rows."""
    return pa.Table.from_pylist([_row(document) for document in documents], schema=schema(dimension))


def tombstones(repository: str, versions: Iterable[tuple[str, int]], dimension: int) -> pa.Table:
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
        schema=schema(dimension),
    )


def documents(table: pa.Table) -> list[SearchDocument]:
    """Return the rows as documents, in their order."""
    columns = [name for name in (*_STORED_COLUMNS, "vector_bytes") if name in table.column_names]
    return [_document(row) for row in table.select(columns).to_pylist()]


def _document(row: dict[str, Any]) -> SearchDocument:
    packed = row.pop("vector_bytes", None)
    if packed is not None:
        row["vector"] = np.frombuffer(packed, np.float32).tolist()
    return SearchDocument.model_validate(row)


def _row(document: SearchDocument) -> dict[str, Any]:
    terms = document_terms(document)
    return {
        **document.model_dump(),
        "key": key(document.repository, document.dataset_id),
        "deleted": False,
        # As bytes: Lance refuses a column of vectors in which some are missing.
        "vector_bytes": None if document.vector is None else np.array(document.vector, np.float32).tobytes(),
        "terms": " ".join(terms.everything),
        "prefixes": " ".join(terms.prefixes),
        **{SCORED[part]: " ".join(found) for part, found in terms.parts.items()},
    }
