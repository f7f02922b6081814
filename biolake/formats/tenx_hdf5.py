"""The HDF5 files of Cell Ranger: version 3 has one group `matrix`, version 2 one group per genome.

Format: https://www.10xgenomics.com/support/software/cell-ranger/latest/analysis/outputs/cr-outputs-h5-matrices
"""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl

from biolake.formats.checks import refuse_too_many_cells
from biolake.formats.errors import DimensionsDiffer, MalformedFile, WrongFormat
from biolake.formats.hdf5 import open_hdf5
from biolake.formats.hdf5_values import as_text, dataset_at, features_by_samples, group_at, names_in, numbers, texts
from biolake.formats.models import Finding, Limits
from biolake.formats.tenx_models import GenomeCounts, TenxContent

_MATRIX = "matrix"
_OF_FILE = ("chemistry_description", "library_ids", "original_gem_groups", "software_version", "version")
_FEATURE_PARTS = frozenset({"id", "name", "_all_tag_keys"})


def read_hdf5(path: Path, name: str, limits: Limits) -> TenxContent:
    """Read a Cell Ranger file of version 2 or 3.

    Raises:
        FormatError: See `biolake.formats.hdf5.open_hdf5`, and what is inconsistent within the file.
    """
    with open_hdf5(path, name, limits) as file:
        groups = [file[key] for key in names_in(file)]
        groups = [g for g in groups if isinstance(g, h5py.Group) and {"barcodes", "indptr"} <= set(names_in(g))]
        if not groups:
            raise WrongFormat(
                f"{name}: no group of the HDF5 file is a 10x matrix. Its parts: {', '.join(names_in(file))}."
            )
        cells = sum(int(np.prod([int(n) for n in _shape(group, name)], dtype=object)) for group in groups)
        refuse_too_many_cells(cells, name, limits)
        findings: list[Finding] = []
        genomes = tuple(_genome(group, name, findings) for group in groups)
        return TenxContent(genomes, _said_of_file(file, name), tuple(findings))


def _shape(group: h5py.Group, name: str) -> tuple[int, int]:
    shape = numbers(dataset_at(group, "shape", name), name).ravel().tolist()
    if len(shape) != 2 or min(shape) < 0:
        raise MalformedFile(f"{name}: {group.name}/shape is {shape}, two numbers are expected. Write the file anew.")
    return int(shape[0]), int(shape[1])


def _genome(group: h5py.Group, name: str, findings: list[Finding]) -> GenomeCounts:
    n_features, n_barcodes = _shape(group, name)
    barcodes = texts(dataset_at(group, "barcodes", name), name)
    genome = str(group.name).strip("/")
    if "features" in group:
        genome = "" if genome == _MATRIX else genome
        features = _features(group_at(group, "features", name), name, findings)
    else:
        ids = texts(dataset_at(group, "genes", name), name)
        symbols = texts(dataset_at(group, "gene_names", name), name) if "gene_names" in group else [None] * len(ids)
        features = _table(ids, symbols, {"genome": [genome] * len(ids)}, str(group.name), name)
    for what, found, declared in (("features", features.height, n_features), ("barcodes", len(barcodes), n_barcodes)):
        if found != declared:
            raise DimensionsDiffer(
                f"{name}: {group.name} has {found:,} {what}, its shape says {declared:,}. Write the file anew."
            )
    counts = features_by_samples(group, n_features, n_barcodes, by_sample=True, name=name)
    return GenomeCounts(genome, barcodes, features, counts)


def _features(group: h5py.Group, name: str, findings: list[Finding]) -> pl.DataFrame:
    ids = texts(dataset_at(group, "id", name), name)
    annotations: dict[str, list[str]] = {}
    left_out: list[str] = []
    for key in names_in(group):
        if key in _FEATURE_PARTS:
            continue
        item = group.get(key)
        if isinstance(item, h5py.Dataset) and item.shape == (len(ids),):
            annotations[key] = texts(item, name)
        else:
            left_out.append(key)
    if left_out:
        findings.append(Finding("NOT_STORED", f"Read from the file but not stored: features: {', '.join(left_out)}."))
    return _table(ids, texts(dataset_at(group, "name", name), name), annotations, str(group.name), name)


def _table(
    ids: list[str], symbols: list[str] | list[None], annotations: dict[str, list[str]], place: str, name: str
) -> pl.DataFrame:
    if len(symbols) != len(ids):
        raise DimensionsDiffer(f"{name}: {place} has {len(ids):,} ids and {len(symbols):,} names. Write the file anew.")
    columns = {"feature_id": ids, "symbol": symbols, **annotations}
    return pl.DataFrame([pl.Series(column, values, dtype=pl.String) for column, values in columns.items()])


def _said_of_file(file: h5py.File, name: str) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for attribute in _OF_FILE:
        value = file.attrs.get(attribute)
        if value is None or isinstance(value, h5py.Empty):
            continue
        entries = [v if isinstance(v, int | float) else as_text(v, attribute, name) for v in np.ravel(value).tolist()]
        said[attribute] = entries[0] if len(entries) == 1 else entries
    return said
