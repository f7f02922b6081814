"""What AnnData files say of the dataset as a whole (`uns`): short values are kept, the rest is named.

Of files written before anndata 0.7 the categories of obs and var are here too.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np

from biolake.formats.hdf5_values import as_text, content, names_in

_LONGEST_LIST = 100
_LONGEST_TEXT_BYTES = 100_000
_CATEGORIES = "_categories"


@dataclass(frozen=True)
class Unstructured:
    """`uns`: its short values as JSON types, the categories of old files by column, the names of what is left out."""

    scalars: dict[str, Any] = field(default_factory=dict)
    categories: dict[str, list[str]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def read_uns(file: h5py.File, name: str) -> Unstructured:
    """Read the texts, numbers and short lists at the top of `uns`.

    Raises:
        NotText: A text that is not UTF-8.
    """
    uns = file.get("uns")
    if not isinstance(uns, h5py.Group):
        return Unstructured()
    scalars: dict[str, Any] = {}
    categories: dict[str, list[str]] = {}
    left_out: list[str] = []
    for key in names_in(uns):
        item = uns.get(key)
        if not isinstance(item, h5py.Dataset) or item.shape is None or not _is_plain(item):
            left_out.append(key)
        elif key.endswith(_CATEGORIES) and item.ndim == 1:
            values = np.asarray(content(item, name)).tolist()
            categories[key.removesuffix(_CATEGORIES)] = [as_text(v, f"uns/{key}", name) for v in values]
        elif (item.size or 0) > _LONGEST_LIST or item.ndim > 1:
            left_out.append(key)
        else:
            value = _json(np.asarray(content(item, name)).tolist(), f"uns/{key}", name)
            if len(str(value)) > _LONGEST_TEXT_BYTES:
                left_out.append(key)
            else:
                scalars[key] = value
    return Unstructured(scalars, categories, tuple(left_out))


def _is_plain(item: h5py.Dataset) -> bool:
    return item.dtype.kind in "fiubS" or h5py.check_string_dtype(item.dtype) is not None


def _json(value: Any, place: str, name: str) -> Any:
    if isinstance(value, list):
        return [_json(entry, place, name) for entry in value]
    if isinstance(value, bytes):
        return as_text(value, place, name)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
