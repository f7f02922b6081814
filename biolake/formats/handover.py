"""Carrying a `Dataset` from the process that read it to the one that asked, through files in a folder.

Tables are Arrow IPC files, matrices are NumPy files that the receiver maps into memory, the rest is one JSON document;
nothing is pickled, and what comes back is checked before compiled code indexes with it, as a reader may have been taken
over by the file it read. Starting and ending that process is in `biolake.formats.isolation`.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy import sparse

from biolake.formats.models import Dataset, DenseValues, Finding, Matrix, SparseValues, Values
from biolake.formats.sparse_blocks import SparseBlocks, blocks_of

_DOCUMENT = "dataset.json"
_BLOCK_CELLS = 8_000_000
_TILE_SAMPLES = 512
_WRITERS = 2
_MAPPED_FROM_BYTES = 4096  # an empty array cannot be mapped, a small one need not be
_SPARSE_PARTS = ("data", "indices", "indptr")
_NUMBER_KINDS = frozenset("fiub")


class _MatrixRecord(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    layer: str
    features: int
    samples: int
    sparse_blocks: list[int] | None


class _FindingRecord(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    code: str
    message: str


class _DatasetRecord(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, ser_json_inf_nan="constants")
    format: str
    accession: str | None
    title: str
    summary: str
    organism: list[str]
    data_type: str | None
    platform: str | None
    metadata: dict[str, Any]
    findings: list[_FindingRecord]
    matrices: list[_MatrixRecord]


def store(dataset: Dataset, folder: Path) -> None:
    """Write a dataset to an existing, empty folder."""
    matrices: list[_MatrixRecord] = []
    for position, matrix in enumerate(dataset.matrices):
        features, samples = matrix.values.shape
        blocks = _store_values(matrix.values, folder, position)
        matrices.append(_MatrixRecord(layer=matrix.layer, features=features, samples=samples, sparse_blocks=blocks))
    _store_table(dataset.samples, folder / "samples.arrow")
    _store_table(dataset.features, folder / "features.arrow")
    record = _DatasetRecord(
        format=dataset.format,
        accession=dataset.accession,
        title=dataset.title,
        summary=dataset.summary,
        organism=list(dataset.organism),
        data_type=dataset.data_type,
        platform=dataset.platform,
        metadata=dataset.metadata,
        findings=[_FindingRecord(code=finding.code, message=finding.message) for finding in dataset.findings],
        matrices=matrices,
    )
    (folder / _DOCUMENT).write_text(record.model_dump_json())


def receive(folder: Path) -> Dataset:
    """Return the dataset that `store` wrote to a folder, its large arrays mapped from the files.

    The folder may be removed as soon as this returns: a mapped file's content lasts until its last array is gone.

    Raises:
        ValueError: The files are not what `store` writes.
        OSError: A file is missing.
    """
    record = _DatasetRecord.model_validate_json((folder / _DOCUMENT).read_bytes())
    return Dataset(
        format=record.format,
        accession=record.accession,
        title=record.title,
        summary=record.summary,
        organism=tuple(record.organism),
        data_type=record.data_type,
        platform=record.platform,
        samples=_receive_table(folder / "samples.arrow"),
        features=_receive_table(folder / "features.arrow"),
        matrices=tuple(
            Matrix(matrix.layer, _receive_values(matrix, folder, position))
            for position, matrix in enumerate(record.matrices)
        ),
        metadata=record.metadata,
        findings=tuple(Finding(finding.code, finding.message) for finding in record.findings),
    )


def _store_values(values: Values, folder: Path, position: int) -> list[int] | None:
    """Write one matrix and return the numbers of samples in its blocks, None for a dense one."""
    if isinstance(values, SparseValues | SparseBlocks):
        blocks = blocks_of(values)
        with ThreadPoolExecutor(_WRITERS) as pool:
            written = [
                pool.submit(_store_array, getattr(block, part), folder / f"{position}-{number}-{part}.npy")
                for number, block in enumerate(blocks)
                for part in _SPARSE_PARTS
            ]
            for one in written:
                one.result()
        return [SparseValues(block).shape[1] for block in blocks]
    n_features, n_samples = values.shape
    dtype = values.array.dtype.newbyteorder("=") if isinstance(values, DenseValues) else np.dtype(np.float64)
    step = max(1, _BLOCK_CELLS // max(1, n_samples))
    with (folder / f"{position}.npy").open("wb") as file:
        _write_header(file, dtype, (n_features, n_samples))
        for start in range(0, n_features, step):
            stop = min(start + step, n_features)
            block = values.array[start:stop] if isinstance(values, DenseValues) else values.rows(start, stop)
            _in_row_order(block, dtype).tofile(file)
    return None


def _store_array(array: NDArray[Any], path: Path) -> None:
    with path.open("wb") as file:
        _write_header(file, array.dtype, array.shape)
        array.tofile(file)


def _in_row_order(block: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return an array with its rows one after the other; one stored by column is turned in tiles that fit a cache."""
    if block.flags.c_contiguous:
        return block.astype(dtype, copy=False)
    turned = np.empty(block.shape, dtype=dtype)
    for start in range(0, block.shape[1], _TILE_SAMPLES):
        turned[:, start : start + _TILE_SAMPLES] = block[:, start : start + _TILE_SAMPLES]
    return turned


def _write_header(file: BinaryIO, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    file.flush()  # what follows is written to the descriptor itself


def _receive_values(record: _MatrixRecord, folder: Path, position: int) -> Values:
    shape = (record.features, record.samples)
    if record.sparse_blocks is None:
        array = _mapped(folder / f"{position}.npy")
        if array.shape != shape or array.dtype.kind not in _NUMBER_KINDS:
            raise ValueError(f"layer {record.layer}: {array.shape} of {array.dtype}, announced as {shape}")
        return DenseValues(array)
    if not record.sparse_blocks or sum(record.sparse_blocks) != record.samples or min(record.sparse_blocks) < 0:
        raise ValueError(f"layer {record.layer}: blocks of {record.sparse_blocks} samples, announced as {shape}")
    blocks = tuple(
        _receive_block(folder / f"{position}-{number}", (record.features, samples), record.layer)
        for number, samples in enumerate(record.sparse_blocks)
    )
    return SparseValues(blocks[0]) if len(blocks) == 1 else SparseBlocks(blocks)


def _receive_block(place: Path, shape: tuple[int, int], layer: str) -> sparse.csr_array:
    data, indices, indptr = (_mapped(place.with_name(f"{place.name}-{part}.npy")) for part in _SPARSE_PARTS)
    if data.dtype.kind not in _NUMBER_KINDS or indices.dtype != indptr.dtype:
        raise ValueError(f"layer {layer}: values of {data.dtype}, indices of {indices.dtype}, {indptr.dtype}")
    problem = compressed_problem(data, indices, indptr, shape)
    if problem:
        raise ValueError(f"layer {layer}: {problem}")
    return sparse.csr_array((data, indices, indptr), shape=shape)


def compressed_problem(
    data: NDArray[Any], indices: NDArray[Any], indptr: NDArray[Any], shape: tuple[int, int]
) -> str | None:
    """Say what is wrong with the three arrays of a compressed sparse matrix, None where nothing is.

    SciPy's compiled routines index with these numbers unchecked, so none may point outside.

    Args:
        data: The stored values.
        indices: Of each value, its place along the second axis.
        indptr: For each place along the first axis, where its values begin; one more at the end.
        shape: Lengths of the first and the second axis.
    """
    if not data.ndim == indices.ndim == indptr.ndim == 1:
        return "data, indices and indptr are not lists of numbers"
    if indices.dtype.kind not in "iu" or indptr.dtype.kind not in "iu":
        return "indices and indptr are no integers"
    if len(data) != len(indices):
        return f"{len(data):,} values have {len(indices):,} indices"
    problem = indptr_problem(indptr, shape[0], len(data))
    if problem:
        return problem
    if len(indices) and (int(indices.min()) < 0 or int(indices.max()) >= shape[1]):
        return f"indices from {int(indices.min()):,} to {int(indices.max()):,} are outside 0 to {shape[1] - 1:,}"
    return None


def indptr_problem(indptr: NDArray[Any], length: int, n_values: int) -> str | None:
    """Say what is wrong with the list of where values begin along an axis of `length`, None where nothing is."""
    if len(indptr) != length + 1:
        return f"indptr has {len(indptr):,} entries for {length:,} rows"
    if indptr[0] != 0 or indptr[-1] != n_values or (indptr[1:] < indptr[:-1]).any():
        return f"indptr does not rise from 0 to the number of values, {n_values:,}"
    return None


def _mapped(path: Path) -> NDArray[Any]:
    return np.load(path, mmap_mode="r" if path.stat().st_size > _MAPPED_FROM_BYTES else None, allow_pickle=False)


def _store_table(table: pl.DataFrame, path: Path) -> None:
    arrow = table.to_arrow(compat_level=pl.CompatLevel.oldest())
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, arrow.schema) as writer:
        writer.write_table(arrow)


def _receive_table(path: Path) -> pl.DataFrame:
    with pa.OSFile(str(path), "rb") as source:
        arrow = pa.ipc.open_file(source).read_all()
    arrow.validate(full=True)
    table = pl.from_arrow(arrow)
    assert isinstance(table, pl.DataFrame)
    return table
