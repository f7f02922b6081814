"""Hold a dataset's metadata against its repository's schema."""

import math
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
        MetadataDoesNotConform: A required field is missing or empty, a field is there under both of its names, or a
            value has another type; all such fields are named.
    """
    if repository.data_types and dataset.data_type and dataset.data_type not in repository.data_types:
        raise DataTypeNotAllowed(
            f"{dataset_id}: data type {dataset.data_type!r} is not taken by {repository.name} "
            f"({', '.join(repository.data_types)}). Upload it elsewhere or extend data_types."
        )
    source = dataset.metadata
    named = {key for field in repository.metadata for key in (field.name, field.original_name)}
    metadata = {key: value for key, value in source.items() if key not in named}
    problems: list[str] = []
    for field in repository.metadata:
        keys = [key for key in dict.fromkeys((field.original_name, field.name)) if key and source.get(key) is not None]
        if len(keys) > 1:
            problems.append(f"{field.name} is there twice, as {keys[0]} and as {keys[1]}")
            continue
        value = source[keys[0]] if keys else None
        if field.required and _empty(value):
            problems.append(f"{field.name} is {'empty' if keys else 'missing'}")
            continue
        if not keys:
            continue
        try:
            metadata[field.name] = _typed(field, value)
        except (ValueError, TypeError, OverflowError):
            problems.append(f"{field.name} is {value!r}, not {field.type}{' list' if field.array else ''}")
    if problems:
        raise MetadataDoesNotConform(
            f"{dataset_id}: {'; '.join(problems)} (schema of "
            f"{repository.name}). Correct the metadata, then upload again."
        )
    return replace(dataset, metadata=metadata)


def _empty(value: Any) -> bool:
    if isinstance(value, list):
        return all(_empty(item) for item in value)
    return value is None or value == {} or (isinstance(value, str) and not value.strip())


def _typed(field: MetadataField, value: Any) -> Any:
    if field.array:
        return [_scalar(field.type, item) for item in (value if isinstance(value, list) else [value])]
    return _scalar(field.type, value)


def _scalar(kind: str, value: Any) -> Any:
    if value is None or isinstance(value, list | dict):
        raise TypeError(value)
    if kind == "boolean":
        if isinstance(value, bool):
            return value
        return _truth(str(value))
    if kind == "integer" and isinstance(value, float) and not value.is_integer():
        raise ValueError(value)
    converted = _CONVERT[kind](value)
    if isinstance(converted, float) and not math.isfinite(converted):
        raise ValueError(value)
    return converted


def _truth(text: str) -> bool:
    if text.lower() not in _TRUTH:
        raise ValueError(text)
    return _TRUTH[text.lower()]
