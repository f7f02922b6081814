"""AnnData files (.h5ad) of every version since 0.5: cells become samples, variables become features.

`X` is the layer "X", `layers/*` keep their names, and `raw/X` is the layer "raw" where `raw/var` names the same
features in the same order; otherwise a finding says that it was left out. What a dataset has no place for (obsm, varm,
obsp, varp, nested uns) is listed in a finding. Tables are read in `biolake.formats.h5ad_table`, uns in
`biolake.formats.h5ad_uns`. Format: the on-disk specification of anndata.
"""

from pathlib import Path
from typing import Any

import h5py
import polars as pl

from biolake.formats.checks import refuse_too_many_cells
from biolake.formats.errors import MalformedFile, TooLarge, WrongFormat
from biolake.formats.h5ad_table import Table, annotation_findings, read_table, single_value, with_symbols
from biolake.formats.h5ad_uns import read_uns
from biolake.formats.hdf5 import is_kind, open_hdf5
from biolake.formats.hdf5_values import (
    attribute_text,
    features_by_samples,
    group_at,
    member,
    names_in,
    numbers,
    refuse_other_shape,
)
from biolake.formats.models import Dataset, DenseValues, Finding, Limits, Matrix, Upload, Values
from biolake.formats.registry import Format

_LEGACY_RAW = {"X": "raw.X", "var": "raw.var"}
_NOT_STORED = ("obsm", "varm", "obsp", "varp", "raw.varm")
_COPIES_IN_MEMORY = 2


def matches(path: Path, head: bytes) -> bool:
    """Whether the content is AnnData in HDF5."""
    return is_kind(path, head, "h5ad")


def read(upload: Upload, limits: Limits) -> Dataset:
    """Read an AnnData file.

    Raises:
        FormatError: See `biolake.formats.hdf5.open_hdf5`, and what is inconsistent between the tables and matrices.
    """
    name = upload.name
    with open_hdf5(upload.data, name, limits) as file:
        if not {"obs", "var"} <= set(file):
            raise WrongFormat(
                f"{name}: an HDF5 file without obs and var is no AnnData file. Its parts: {', '.join(names_in(file))}."
            )
        uns = read_uns(file, name)
        obs = read_table(file, "obs", uns.categories, name)
        var = read_table(file, "var", uns.categories, name)
        sources, findings = _sources(file, var, name)
        shape = (len(var.index), len(obs.index))
        refuse_too_many_cells(shape[0] * shape[1] * len(sources), name, limits)
        _refuse_too_much_memory(sources, name, limits)
        matrices = tuple(Matrix(layer, _values(source, *shape, name)) for layer, source in sources.items())
        findings += [*obs.findings, *var.findings, *annotation_findings(obs.frame), *_left_out(file, uns.left_out)]
    samples, renamings = obs.with_index("sample_id", "obs")
    features, more = var.with_index("feature_id", "var")
    return Dataset(
        format=FORMAT.name,
        accession=None,
        title=str(uns.scalars.get("title", "")),
        summary=str(uns.scalars.get("description", "")),
        organism=_organism(obs.frame, uns.scalars),
        data_type=single_value(obs.frame, "assay"),
        platform=None,
        samples=samples,
        features=with_symbols(features),
        matrices=matrices,
        metadata={"uns": uns.scalars} if uns.scalars else {},
        findings=(*findings, *renamings, *more),
    )


_Source = h5py.Group | h5py.Dataset


def _sources(file: h5py.File, var: Table, name: str) -> tuple[dict[str, _Source], list[Finding]]:
    """Return where each layer's matrix is, and a finding where the raw one does not belong to these features."""
    sources: dict[str, _Source] = {}
    findings: list[Finding] = []
    if "X" in file and not _is_none(file["X"], name):
        sources["X"] = member(file, "X", name)
    if "layers" in file:
        layers = group_at(file, "layers", name)
        for layer in names_in(layers):
            sources[layer] = member(layers, layer, name)
    raw = _raw_parts(file, name)
    if raw is not None:
        matrix, table, group = raw
        index = read_table(group, table, {}, name).index
        if index != var.index:
            findings.append(
                Finding(
                    "RAW_NOT_STORED",
                    f"raw has {len(index):,} features, var has {len(var.index):,}, and they are not the same in the "
                    "same order: raw is not stored. Upload it as a dataset of its own (adata.raw.to_adata()).",
                )
            )
        elif "raw" in sources:
            findings.append(Finding("RAW_NOT_STORED", "layers/raw and raw/X have one name: raw/X is not stored."))
        else:
            sources["raw"] = matrix
    return sources, findings


def _raw_parts(file: h5py.File, name: str) -> tuple[_Source, str, h5py.Group] | None:
    """Return raw's matrix, the name of its table and the group that holds it; None where there is no raw."""
    if isinstance(raw := file.get("raw"), h5py.Group) and "X" in raw:
        return member(raw, "X", name), "var", raw
    if _LEGACY_RAW["X"] in file:
        return member(file, _LEGACY_RAW["X"], name), _LEGACY_RAW["var"], file
    return None


def _is_none(item: object, name: str) -> bool:
    return (isinstance(item, h5py.Group | h5py.Dataset) and attribute_text(item, "encoding-type", name) == "null") or (
        isinstance(item, h5py.Dataset) and item.shape is None
    )


def _values(source: _Source, n_features: int, n_samples: int, name: str) -> Values:
    """Read a matrix of samples x features as features x samples."""
    place = str(source.name)
    if isinstance(source, h5py.Dataset):
        refuse_other_shape(source.shape, (n_samples, n_features), place, name)
        return DenseValues(numbers(source, name).T)
    kind = attribute_text(source, "encoding-type", name) or attribute_text(source, "h5sparse_format", name)
    kind = kind.removesuffix("_matrix")
    if kind not in ("csr", "csc"):
        raise MalformedFile(
            f"{name}: {place} is stored as {kind or 'a group'}, which is no matrix of numbers. "
            "Write it as an array or as a sparse matrix, then upload again."
        )
    declared = source.attrs.get("shape", source.attrs.get("h5sparse_shape"))
    if declared is None:
        raise MalformedFile(f"{name}: {place} does not say its shape. Write the file anew with anndata.")
    refuse_other_shape(tuple(int(n) for n in declared), (n_samples, n_features), place, name)
    return features_by_samples(source, n_features, n_samples, by_sample=kind == "csr", name=name)


def _refuse_too_much_memory(sources: dict[str, _Source], name: str, limits: Limits) -> None:
    """Say before reading, not in its middle, that the matrices need more memory than is allowed."""
    needed = 0
    for source in sources.values():
        parts = [source] if isinstance(source, h5py.Dataset) else [p for p in source.values() if hasattr(p, "size")]
        needed += sum(part.size * part.dtype.itemsize for part in parts)
    if needed * _COPIES_IN_MEMORY > limits.memory_bytes:
        raise TooLarge(
            f"{name}: the matrices are {needed / 1024**3:,.3g} GiB, reading them needs twice as much, "
            f"{limits.memory_bytes / 1024**3:,.3g} GiB are allowed. Upload it in parts, or have the limit raised."
        )


def _left_out(file: h5py.File, uns: tuple[str, ...]) -> list[Finding]:
    parts = [f"uns: {', '.join(uns)}"] if uns else []
    for place in _NOT_STORED:
        item = file.get(place)
        if isinstance(item, h5py.Group) and len(item):
            parts.append(f"{place}: {', '.join(names_in(item))}")
        elif isinstance(item, h5py.Dataset) and item.dtype.names:
            parts.append(f"{place}: {', '.join(item.dtype.names)}")
    if not parts:
        return []
    return [Finding("NOT_STORED", f"Read from the file but not stored: {'; '.join(parts)}.")]


def _organism(obs: pl.DataFrame, uns: dict[str, Any]) -> tuple[str, ...]:
    """Return scientific names from the columns and keys of CELLxGENE's schema."""
    if "organism" in obs.columns and obs["organism"].dtype == pl.String:
        return tuple(obs["organism"].drop_nulls().unique(maintain_order=True).to_list())
    organism = uns.get("organism")
    return (organism,) if isinstance(organism, str) and organism else ()


FORMAT = Format(
    name="h5ad",
    title="AnnData (.h5ad)",
    matches=matches,
    read=read,
    isolated=True,
    extensions=(".h5ad",),
)
