"""BIOM 2.0 and 2.1: a table of observations x samples in HDF5.

Format: https://biom-format.org/documentation/format_versions/biom-2.1.html
"""

import json
from pathlib import Path

import h5py
import numpy as np
import polars as pl

from biolake.formats.biom_models import BiomContent, lineage, table
from biolake.formats.checks import refuse_too_many_cells
from biolake.formats.errors import DimensionsDiffer, MalformedFile
from biolake.formats.hdf5 import open_hdf5
from biolake.formats.hdf5_values import (
    as_text,
    attribute_text,
    content,
    dataset_at,
    features_by_samples,
    group_at,
    names_in,
    numbers,
    texts,
)
from biolake.formats.models import Finding, Limits
from biolake.formats.tabular import unique_names

_ABOUT = {
    "id": "id",
    "type": "type",
    "format": "format-version",
    "generated_by": "generated-by",
    "date": "creation-date",
}


def read_hdf5(path: Path, name: str, limits: Limits) -> BiomContent:
    """Read a BIOM 2 file.

    Raises:
        FormatError: See `biolake.formats.hdf5.open_hdf5`, and what is inconsistent within the file.
    """
    with open_hdf5(path, name, limits) as file:
        findings: list[Finding] = []
        observations = _axis(file, "observation", "feature_id", findings, name)
        samples = _axis(file, "sample", "sample_id", findings, name)
        shape = (observations.height, samples.height)
        declared = file.attrs.get("shape")
        if declared is not None and tuple(int(n) for n in np.ravel(declared)) != shape:
            raise DimensionsDiffer(
                f"{name}: {shape[0]:,} observations and {shape[1]:,} samples, the file's shape says "
                f"{np.ravel(declared).tolist()}. Write the file anew."
            )
        refuse_too_many_cells(shape[0] * shape[1], name, limits)
        matrix = group_at(file, "observation/matrix", name)
        values = features_by_samples(matrix, *shape, by_sample=False, name=name)
        about = {key: attribute_text(file, attribute, name) for key, attribute in _ABOUT.items()}
        version = file.attrs.get("format-version")
        if version is not None:
            about["format"] = ".".join(str(n) for n in np.ravel(version).tolist())
        return BiomContent({k: v for k, v in about.items() if v}, observations, samples, values, tuple(findings))


def _axis(file: h5py.File, axis: str, id_column: str, findings: list[Finding], name: str) -> pl.DataFrame:
    group = group_at(file, axis, name)
    ids = texts(dataset_at(group, "ids", name), name)
    trees = group.get("group-metadata")
    if isinstance(trees, h5py.Group) and len(trees):
        findings.append(
            Finding(
                "NOT_STORED", f"Read from the file but not stored: {axis}/group-metadata: {', '.join(names_in(trees))}."
            )
        )
    metadata = group.get("metadata")
    if isinstance(metadata, h5py.Dataset):
        return _from_json(metadata, id_column, ids, name)
    columns = [pl.Series(id_column, ids, dtype=pl.String)]
    if isinstance(metadata, h5py.Group):
        names = names_in(metadata)
        for column, unique in zip(names, unique_names(names, (id_column,)), strict=True):
            columns.append(_column(dataset_at(metadata, column, name), len(ids), name).alias(unique))
    return pl.DataFrame(columns)


def _column(item: h5py.Dataset, length: int, name: str) -> pl.Series:
    """Return metadata: one value per id, or a row of names per id (a taxon's ranks), as one text."""
    if item.ndim not in (1, 2) or item.shape[0] != length:
        raise DimensionsDiffer(f"{name}: {item.name} is {item.shape}, one row for each of {length:,} ids is expected.")
    if item.ndim == 1 and item.dtype.kind in "fiub":
        values = pl.Series(numbers(item, name))
        return values.fill_nan(None) if values.dtype.is_float() else values
    rows = np.asarray(content(item, name)).reshape(length, -1)
    joined = [lineage([as_text(part, str(item.name), name) for part in row]) for row in rows.tolist()]
    return pl.Series(joined, dtype=pl.String)


def _from_json(item: h5py.Dataset, id_column: str, ids: list[str], name: str) -> pl.DataFrame:
    """Read the metadata of version 2.0: one JSON document for all ids."""
    value = np.ravel(content(item, name)).tolist()
    try:
        metadata = json.loads(as_text(value[0], str(item.name), name)) if value else None
    except (json.JSONDecodeError, RecursionError) as error:
        raise MalformedFile(f"{name}: {item.name} is no JSON ({error}). Write the file anew.") from error
    if metadata is None:
        metadata = [None] * len(ids)
    if not isinstance(metadata, list) or not all(entry is None or isinstance(entry, dict) for entry in metadata):
        raise MalformedFile(f"{name}: {item.name} is no list of objects. Write the file anew with biom-format.")
    if len(metadata) != len(ids):
        raise DimensionsDiffer(f"{name}: {item.name} has {len(metadata):,} entries for {len(ids):,} ids.")
    return table(id_column, ids, metadata)
