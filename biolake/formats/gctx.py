"""GCTX: the Connectivity Map's matrices with annotated rows and columns, in HDF5.

Rows are features, columns are samples, as in its text variant (`biolake.formats.gct`); the stored matrix has columns
first. Format: https://clue.io/connectopedia/gctx_format
"""

from pathlib import Path

import h5py
import polars as pl

from biolake.formats.annotations import with_symbol
from biolake.formats.checks import refuse_too_many_cells
from biolake.formats.errors import DimensionsDiffer, MalformedFile
from biolake.formats.hdf5 import is_kind, open_hdf5
from biolake.formats.hdf5_values import (
    attribute_text,
    dataset_at,
    group_at,
    names_in,
    numbers,
    refuse_other_shape,
    texts,
)
from biolake.formats.models import Dataset, DenseValues, Finding, Limits, Matrix, Upload
from biolake.formats.registry import Format
from biolake.formats.tabular import MISSING_VALUES, unique_names

LAYER = "values"

_ABSENT_NUMBER = -666
_ABSENT_TEXTS = (str(_ABSENT_NUMBER), *MISSING_VALUES)


def matches(path: Path, head: bytes) -> bool:
    """Whether the content is a GCTX file."""
    return is_kind(path, head, "gctx")


def read(upload: Upload, limits: Limits) -> Dataset:
    """Read a GCTX file; an annotation of -666 is a missing one, as everywhere in the Connectivity Map.

    Raises:
        FormatError: See `biolake.formats.hdf5.open_hdf5`; `DimensionsDiffer` where annotations and matrix disagree.
    """
    name = upload.name
    with open_hdf5(upload.data, name, limits) as file:
        version = attribute_text(file, "version", name)
        if version and not version.startswith("GCTX1"):
            raise MalformedFile(f"{name}: {version} is not read, only GCTX1. Write the file anew with cmapPy or cmapR.")
        samples, left_out = _annotations(group_at(file, "0/META/COL", name), "sample_id", name)
        features, more = _annotations(group_at(file, "0/META/ROW", name), "feature_id", name)
        refuse_too_many_cells(samples.height * features.height, name, limits)
        stored = dataset_at(file, "0/DATA/0/matrix", name)
        refuse_other_shape(stored.shape, (samples.height, features.height), "0/DATA/0/matrix", name)
        matrix = Matrix(LAYER, DenseValues(numbers(stored, name).T))
        source = attribute_text(file, "src", name)
    left_out = (*left_out, *more)
    return Dataset(
        format=FORMAT.name,
        accession=None,
        title="",
        summary="",
        organism=(),
        data_type=None,
        platform=None,
        samples=samples,
        features=with_symbol(features),
        matrices=(matrix,),
        metadata={key: value for key, value in (("gctx_version", version), ("gctx_source", source)) if value},
        findings=(Finding("COLUMN_NOT_STORED", f"{', '.join(left_out)}: no list of values."),) if left_out else (),
    )


def _annotations(group: h5py.Group, id_column: str, name: str) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return a table of annotations and the names of those that are no list of values."""
    ids = texts(dataset_at(group, "id", name), name)
    columns = [column for column in names_in(group) if column != "id"]
    series = [pl.Series(id_column, ids, dtype=pl.String)]
    left_out: list[str] = []
    for column, unique in zip(columns, unique_names(columns, (id_column,)), strict=True):
        values = _column(group, column, name)
        if values is None:
            left_out.append(f"{group.name}/{column}")
        elif len(values) != len(ids):
            raise DimensionsDiffer(
                f"{name}: {group.name}/{column} has {len(values):,} values for {len(ids):,} ids. Write the file anew."
            )
        else:
            series.append(values.alias(unique))
    return pl.DataFrame(series), tuple(left_out)


def _column(group: h5py.Group, column: str, name: str) -> pl.Series | None:
    item = group.get(column)
    if not isinstance(item, h5py.Dataset) or item.ndim != 1:
        return None
    if item.dtype.kind in "fiub":
        values = pl.Series(column, numbers(item, name))
        absent = (values == _ABSENT_NUMBER) | (values.is_nan() if values.dtype.is_float() else False)
    elif item.dtype.kind == "S" or h5py.check_string_dtype(item.dtype) is not None:
        values = pl.Series(column, texts(item, name), dtype=pl.String).str.strip_chars()
        absent = values.is_in(_ABSENT_TEXTS)
    else:
        return None
    return pl.select(pl.when(~absent).then(values).alias(column)).to_series()


FORMAT = Format(
    name="gctx",
    title="GCTX",
    matches=matches,
    read=read,
    isolated=True,
    extensions=(".gctx",),
)
