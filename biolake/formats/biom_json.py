"""BIOM 1.0: a table of observations x samples as a JSON document.

Format: https://biom-format.org/documentation/format_versions/biom-1.0.html
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from biolake.formats.biom_models import BiomContent, table
from biolake.formats.checks import refuse_too_many_cells
from biolake.formats.coordinates import from_coordinates
from biolake.formats.errors import DimensionsDiffer, MalformedFile, NonNumericValue, Truncated
from biolake.formats.models import DenseValues, Limits, SparseValues, Values
from biolake.formats.text import TextReader

_ABOUT = ("id", "type", "format", "generated_by", "date")


def read_json(path: Path, name: str, limits: Limits) -> BiomContent:
    """Read a BIOM 1.0 document.

    Raises:
        FormatError: The document ends early, is no JSON, or breaks the format.
    """
    document = _document(path, name, limits)
    shape = document.get("shape")
    if not isinstance(shape, list) or len(shape) != 2 or not all(type(n) is int and n >= 0 for n in shape):
        raise MalformedFile(f"{name}: shape is {str(shape)[:60]}, two numbers are expected. Write the file anew.")
    observations, observation_metadata = _axis(document, "rows", shape[0], name)
    samples, sample_metadata = _axis(document, "columns", shape[1], name)
    refuse_too_many_cells(shape[0] * shape[1], name, limits)
    return BiomContent(
        about={key: str(document[key]) for key in _ABOUT if document.get(key) is not None},
        observations=table("feature_id", observations, observation_metadata),
        samples=table("sample_id", samples, sample_metadata),
        values=_values(document, (shape[0], shape[1]), name),
    )


def _document(path: Path, name: str, limits: Limits) -> dict[str, Any]:
    with TextReader(path, name, limit_bytes=limits.memory_bytes) as reader:
        text = b"".join(block.data for block in reader.blocks()).decode()
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        whole = text.rstrip()
        # A document is an object, so what ends otherwise was cut; what ends with a brace may have been cut there.
        if not whole.endswith("}") or error.pos >= len(whole) or error.msg.startswith("Unterminated"):
            raise Truncated(
                f"{name}: the JSON document ends early, at line {error.lineno:,}. Upload it again."
            ) from error
        raise MalformedFile(f"{name}: line {error.lineno:,}: {error.msg}. Write the file anew.") from error
    except RecursionError as error:
        raise MalformedFile(f"{name}: the JSON document is nested too deeply. Write the file anew.") from error
    if not isinstance(document, dict):
        raise MalformedFile(f"{name}: the JSON document is no object. Write the file anew with biom-format.")
    return document


def _axis(document: dict[str, Any], key: str, length: int, name: str) -> tuple[list[str], list[dict[str, Any] | None]]:
    entries = document.get(key)
    if not isinstance(entries, list) or not all(isinstance(e, dict) and e.get("id") is not None for e in entries):
        raise MalformedFile(f"{name}: {key} is no list of objects with an id. Write the file anew with biom-format.")
    if len(entries) != length:
        raise DimensionsDiffer(f"{name}: {len(entries):,} {key}, shape says {length:,}. Write the file anew.")
    metadata = [entry.get("metadata") for entry in entries]
    if not all(said is None or isinstance(said, dict) for said in metadata):
        raise MalformedFile(f"{name}: the metadata of one of the {key} is neither an object nor null. Correct it.")
    return [str(entry["id"]) for entry in entries], metadata


def _values(document: dict[str, Any], shape: tuple[int, int], name: str) -> Values:
    layout = document.get("matrix_type")
    place = f"{name}: data"
    if layout not in ("sparse", "dense"):
        raise MalformedFile(f"{name}: matrix_type is {layout!r}, sparse or dense is expected. Write the file anew.")
    data = document.pop("data", None)
    if not isinstance(data, list):
        raise MalformedFile(f"{place} is no list. Write the file anew.")
    width = 3 if layout == "sparse" else shape[1]
    if layout == "dense" and len(data) != shape[0]:
        raise DimensionsDiffer(f"{place} has {len(data):,} rows, shape says {shape[0]:,}. Write the file anew.")
    numbers = _numbers(data, width, place)
    if layout == "dense":
        return DenseValues(numbers)
    if not len(data):
        return SparseValues(sparse.csr_array(shape, dtype=np.float64))
    rows, columns = numbers[:, 0], numbers[:, 1]
    if (rows != np.trunc(rows)).any() or (columns != np.trunc(columns)).any() or not np.isfinite(numbers[:, :2]).all():
        raise MalformedFile(f"{place}: a row or column is no whole number. Write the file anew.")
    return SparseValues(from_coordinates(rows.astype(np.int64), columns.astype(np.int64), numbers[:, 2], shape, place))


def _numbers(data: list[Any], width: int, place: str) -> NDArray[np.float64]:
    """Return the lists as rows of an array.

    Raises:
        NonNumericValue: An entry is no number.
        DimensionsDiffer: A list has another length.
    """
    for position, entry in enumerate(data):
        if not isinstance(entry, list) or len(entry) != width:
            raise DimensionsDiffer(f"{place}, entry {position + 1:,}: {str(entry)[:60]} is not {width:,} numbers.")
        for value in entry:
            if type(value) is not int and type(value) is not float:
                raise NonNumericValue(f"{place}, entry {position + 1:,}: {str(value)[:60]!r} is no number. Correct it.")
    try:
        return np.array(data, dtype=np.float64).reshape(len(data), width)
    except OverflowError as error:
        raise NonNumericValue(f"{place}: a number is too large ({error}). Correct it.") from error
