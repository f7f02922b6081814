"""Hold a dataset's metadata against its repository's schema."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from biolake.formats.models import Dataset
from biolake.repositories.errors import DataTypeNotAllowed, MetadataDoesNotConform
from biolake.repositories.models import MetadataField, Repository

_CONVERT: dict[str, Callable[[Any], Any]] = {"text": str, "integer": int, "float": float}
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def conform(repository: Repository, dataset: Dataset, dataset_id: str) -> Dataset:
    """Return the dataset with its metadata named and typed as the repository's schema says.

    Fields that the schema does not name are kept as they are.

    Raises:
        DataTypeNotAllowed: The repository takes other kinds of assay only.
        MetadataDoesNotConform: A required field is missing or a value has another type; all such fields are named.
    """
    if repository.data_types and dataset.data_type and dataset.data_type not in repository.data_types:
        raise DataTypeNotAllowed(
            f"{dataset_id}: data type {dataset.data_type!r} is not taken by {repository.name} "
            f"({', '.join(repository.data_types)}). Upload it elsewhere or extend data_types."
        )
    metadata = dict(dataset.metadata)
    problems: list[str] = []
    for field in repository.metadata:
        source = field.original_name if field.original_name in metadata else field.name
        if source is None or metadata.get(source) is None:
            if field.required:
                problems.append(f"{field.name} is missing")
            continue
        value = metadata.pop(source)
        try:
            metadata[field.name] = _typed(field, value)
        except (ValueError, TypeError):
            problems.append(f"{field.name} is {value!r}, not {field.type}{' list' if field.array else ''}")
    if problems:
        raise MetadataDoesNotConform(
            f"{dataset_id}: {'; '.join(problems)} (schema of "
            f"{repository.name}). Correct the metadata, then upload again."
        )
    return replace(dataset, metadata=metadata)


def _typed(field: MetadataField, value: Any) -> Any:
    if field.array:
        return [_scalar(field.type, item) for item in (value if isinstance(value, list) else [value])]
    if isinstance(value, list | dict):
        raise TypeError(value)
    return _scalar(field.type, value)


def _scalar(kind: str, value: Any) -> Any:
    if kind == "boolean":
        if isinstance(value, bool):
            return value
        return _truth(str(value))
    if kind == "integer" and isinstance(value, float) and not value.is_integer():
        raise ValueError(value)
    return _CONVERT[kind](value)


def _truth(text: str) -> bool:
    if text.lower() not in _TRUTH:
        raise ValueError(text)
    return _TRUTH[text.lower()]
