"""The JSON document about a dataset that comes beside its data file.

The table of its samples is in `biolake.formats.sample_table`.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from biolake.formats.errors import UnreadableMetadata
from biolake.formats.models import Dataset

_DOCUMENT_BYTES = 64 * 1024**2


class MetadataDocument(BaseModel):
    """What a document may say of a dataset; fields that are not named here are kept as they are.

    A field that the document leaves out is what the data file says.
    """

    model_config = ConfigDict(extra="allow", strict=True)

    accession: str | None = Field(None, validation_alias=AliasChoices("accession", "dataset_id"))
    title: str | None = None
    summary: str | None = Field(None, validation_alias=AliasChoices("summary", "description"))
    organism: str | list[str] | None = None
    data_type: str | None = None
    platform: str | None = None
    year: int | None = Field(None, ge=1900, le=2200)


def read_metadata(path: Path) -> MetadataDocument:
    """Read a metadata document.

    Raises:
        UnreadableMetadata: It is no JSON object, or a field has the wrong type; the message names it.
    """
    name = path.name
    if path.stat().st_size > _DOCUMENT_BYTES:
        raise UnreadableMetadata(f"{name}: the document is longer than {_DOCUMENT_BYTES:,} bytes.")
    try:
        content = json.loads(path.read_bytes().decode("utf-8-sig"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise UnreadableMetadata(f"{name}: byte offset {error.start:,} is not UTF-8. Save it as UTF-8.") from error
    except json.JSONDecodeError as error:
        raise UnreadableMetadata(
            f"{name}: no JSON: {error.msg} at line {error.lineno}, column {error.colno}. Correct it, then upload again."
        ) from error
    except (ValueError, RecursionError) as error:
        raise UnreadableMetadata(f"{name}: {error}. Correct it, then upload again.") from error
    if not isinstance(content, dict):
        raise UnreadableMetadata(f"{name}: the document is no JSON object of fields and values.")
    try:
        return MetadataDocument.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"][:1])
        raise UnreadableMetadata(f"{name}: {field}: {first['msg']}. Correct it, then upload again.") from error


def with_metadata(dataset: Dataset, path: Path, name: str) -> Dataset:
    """Return the dataset with what its document says; what the file says otherwise is kept in `metadata.data_file`.

    Raises:
        UnreadableMetadata: The document cannot be used.
    """
    document = read_metadata(path)
    changes: dict[str, Any] = {
        field: value
        for field in ("accession", "title", "summary", "data_type", "platform")
        if (value := getattr(document, field)) is not None
    }
    if document.organism is not None:
        changes["organism"] = (document.organism,) if isinstance(document.organism, str) else tuple(document.organism)
    said: dict[str, Any] = dict(document.model_extra or {})
    if document.year is not None:
        said["year"] = document.year
    replaced = {
        field: list(old) if isinstance(old, tuple) else old
        for field, value in changes.items()
        if (old := getattr(dataset, field)) and old != value
    }
    replaced |= {
        key: dataset.metadata[key] for key in said if key in dataset.metadata and dataset.metadata[key] != said[key]
    }
    metadata = {**dataset.metadata, **said}
    if replaced:
        metadata["data_file"] = replaced
    return replace(dataset, **changes, metadata=metadata)


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON value")
