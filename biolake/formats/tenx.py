"""Count matrices of 10x Genomics: barcodes become samples, features keep their ids, names become symbols.

A file of version 2 may hold several genomes: they become one dataset, `genome` among the features' annotations, where
all have the same barcodes in the same order; otherwise they are refused, as one dataset has one list of samples. The
HDF5 files are read in `biolake.formats.tenx_hdf5`, folders and zip archives in `biolake.formats.tenx_folder`.
"""

import zipfile
from pathlib import Path

import polars as pl

from biolake.formats.checks import listing
from biolake.formats.errors import SamplesDiffer
from biolake.formats.hdf5 import is_kind
from biolake.formats.models import Dataset, Limits, Matrix, Upload
from biolake.formats.registry import HDF5_SIGNATURE, ZIP_SIGNATURE, Format
from biolake.formats.sparse_blocks import stacked
from biolake.formats.tenx_folder import is_matrix_name, read_folder, read_zip
from biolake.formats.tenx_hdf5 import read_hdf5
from biolake.formats.tenx_models import GenomeCounts

LAYER = "counts"


def matches(path: Path, head: bytes) -> bool:
    """Whether the content is a 10x matrix: HDF5, a folder with a Matrix Market file and its tables, or a zip of one."""
    if path.is_dir():
        return any(is_matrix_name(entry.name) for entry in path.rglob("*"))
    if head.startswith(ZIP_SIGNATURE):
        try:
            with zipfile.ZipFile(path) as archive:
                return any(is_matrix_name(entry) for entry in archive.namelist())
        except (zipfile.BadZipFile, NotImplementedError):
            # The list of contents is at the end, so a broken upload lacks it; the first files' names are in its head.
            return b"matrix.mtx" in head or b"barcodes.tsv" in head
    return is_kind(path, head, "tenx")


def read(upload: Upload, limits: Limits) -> Dataset:
    """Read a 10x matrix.

    Raises:
        SamplesDiffer: The genomes of one file have different barcodes.
        FormatError: The file is damaged, harmful, or inconsistent.
    """
    if upload.data.is_dir():
        content = read_folder(upload.data, upload.name, limits)
    else:
        with upload.data.open("rb") as file:
            is_hdf5 = file.read(len(HDF5_SIGNATURE)) == HDF5_SIGNATURE
        reader = read_hdf5 if is_hdf5 else read_zip
        content = reader(upload.data, upload.name, limits)
    first = content.genomes[0]
    for other in content.genomes[1:]:
        _refuse_other_barcodes(first, other, upload.name)
    features = pl.concat([genome.features for genome in content.genomes], how="diagonal")
    counts = stacked([genome.counts for genome in content.genomes])
    return Dataset(
        format=FORMAT.name,
        accession=None,
        title="",
        summary="",
        organism=(),
        data_type=_data_type(features),
        platform=None,
        samples=pl.DataFrame({"sample_id": pl.Series(first.barcodes, dtype=pl.String)}),
        features=features,
        matrices=(Matrix(LAYER, counts),),
        metadata=content.metadata,
        findings=content.findings,
    )


def _data_type(features: pl.DataFrame) -> str | None:
    """Return what was measured in 10x's own words, such as `Gene Expression`."""
    if "feature_type" not in features.columns:
        return None
    kinds = features["feature_type"].drop_nulls().unique(maintain_order=True).to_list()
    return ", ".join(kinds) or None


def _refuse_other_barcodes(first: GenomeCounts, other: GenomeCounts, name: str) -> None:
    if first.barcodes == other.barcodes:
        return
    only_first = [b for b in first.barcodes if b not in set(other.barcodes)]
    only_other = [b for b in other.barcodes if b not in set(first.barcodes)]
    if not only_first and not only_other:
        detail = "the same barcodes in another order"
    else:
        lists = ((first.genome, only_first), (other.genome, only_other))
        detail = "; ".join(f"only {genome}: {listing(barcodes) or 'none'}" for genome, barcodes in lists)
    raise SamplesDiffer(
        f"{name}: genomes {first.genome} and {other.genome} do not have the same barcodes ({detail}). "
        "Upload each genome as a dataset of its own."
    )


FORMAT = Format(
    name="tenx",
    title="10x Genomics matrix",
    matches=matches,
    read=read,
    isolated=True,
)
