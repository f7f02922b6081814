"""The folders of Cell Ranger (a Matrix Market file with its tables of barcodes and features), and zips of them.

Version 3 has `matrix.mtx.gz`, `barcodes.tsv.gz`, `features.tsv.gz`; version 2 has `genes.tsv`, nothing compressed, and
a folder per genome. Archives put the sample's name before these names. The matrix itself is read in
`biolake.formats.matrix_market`. Format:
https://www.10xgenomics.com/support/software/cell-ranger/latest/analysis/outputs/cr-outputs-mex-matrices
"""

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

import polars as pl
from scipy import sparse

from biolake.formats.checks import listing, refuse_too_many_cells
from biolake.formats.errors import (
    DimensionsDiffer,
    EmptyFile,
    MalformedFile,
    NotText,
    RaggedRow,
    TooLarge,
    Truncated,
    WrongFormat,
)
from biolake.formats.matrix_market import read_header, read_values
from biolake.formats.models import Limits, SparseValues
from biolake.formats.tenx_models import GenomeCounts, TenxContent

_Opener = Callable[[], IO[bytes]]

_PARTS = {
    "matrix.mtx": "matrix",
    "barcodes.tsv": "barcodes",
    "features.tsv": "features",
    "genes.tsv": "features",
}
_COLUMNS = ("feature_id", "symbol", "feature_type", "chromosome", "start", "end")
_ENCRYPTED = 1
_READ_BYTES = 1024 * 1024
_GZIP_SIGNATURE = b"\x1f\x8b"


@dataclass
class _Matrix:
    """The three files of one matrix; which are missing is found when all names are known."""

    place: str
    prefix: str
    parts: dict[str, _Opener] = field(default_factory=dict)
    version_2: bool = False


def is_matrix_name(entry: str) -> bool:
    """Whether a file in a folder or archive is a 10x matrix by its name, which may have a prefix."""
    part = _part_of(PurePosixPath(entry))
    return part is not None and part[0] == "matrix"


def read_folder(folder: Path, name: str, limits: Limits) -> TenxContent:
    """Read a folder of Cell Ranger.

    Raises:
        FormatError: A file is missing, damaged, or does not fit the others.
    """
    entries = {
        PurePosixPath(path.relative_to(folder).as_posix()): lambda path=path: path.open("rb")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    return _read(entries, name, limits)


def read_zip(path: Path, name: str, limits: Limits) -> TenxContent:
    """Read a zip archive of such a folder.

    Raises:
        FormatError: As for `read_folder`; `Truncated` where the archive ends early.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if info.flag_bits & _ENCRYPTED:
                    raise WrongFormat(f"{name}: {info.filename} needs a password. Upload an archive without one.")
                if info.file_size > limits.memory_bytes:
                    raise TooLarge(f"{name}: {info.filename} is {info.file_size:,} bytes. Upload it in parts.")
            entries = {
                PurePosixPath(info.filename): lambda info=info: archive.open(info)
                for info in archive.infolist()
                if not info.is_dir()
            }
            return _read(entries, name, limits)
    except zipfile.BadZipFile as error:
        if "not a zip file" in str(error):
            raise Truncated(f"{name}: the zip archive ends before its list of contents. Upload it again.") from error
        raise MalformedFile(f"{name}: the zip archive is damaged ({error}). Upload it again.") from error
    except NotImplementedError as error:
        raise WrongFormat(f"{name}: the zip archive cannot be read ({error}). Compress it by deflate.") from error


def _read(entries: Mapping[PurePosixPath, _Opener], name: str, limits: Limits) -> TenxContent:
    matrices = _matrices(entries, name)
    return TenxContent(tuple(_genome(matrix, name, limits, alone=len(matrices) == 1) for matrix in matrices))


def _matrices(entries: Mapping[PurePosixPath, _Opener], name: str) -> list[_Matrix]:
    found: dict[tuple[str, str], _Matrix] = {}
    for path, opener in entries.items():
        part = _part_of(path)
        if part is None:
            continue
        place = str(path.parent)
        matrix = found.setdefault((place, part[1]), _Matrix(place, part[1]))
        if part[0] in matrix.parts:
            raise MalformedFile(f"{name}: {place} has two files of {part[0]}. Leave one, then upload again.")
        matrix.parts[part[0]] = opener
        matrix.version_2 |= "genes.tsv" in path.name
    for matrix in found.values():
        missing = [part for part in ("matrix", "barcodes", "features") if part not in matrix.parts]
        if missing:
            raise MalformedFile(
                f"{name}: in {matrix.place} {matrix.prefix}* lacks the file of {' and the file of '.join(missing)} "
                "(of matrix.mtx, barcodes.tsv, features.tsv or genes.tsv). Add it, then upload again."
            )
    matrices = list(found.values())
    if not matrices:
        raise WrongFormat(
            f"{name}: no matrix.mtx with barcodes.tsv and features.tsv. Upload the folder of Cell Ranger."
        )
    if len(matrices) > 1 and not all(matrix.version_2 and not matrix.prefix for matrix in matrices):
        places = listing(f"{matrix.place}/{matrix.prefix}" for matrix in matrices)
        raise MalformedFile(f"{name}: {len(matrices)} matrices ({places}). Upload each as a dataset of its own.")
    return matrices


def _part_of(path: PurePosixPath) -> tuple[str, str] | None:
    """Return which of the three files this is, and what stands before its usual name."""
    if path.name.startswith("._") or "__MACOSX" in path.parts:
        return None
    plain = path.name.removesuffix(".gz")
    for usual, part in _PARTS.items():
        if plain.endswith(usual):
            return part, plain.removesuffix(usual)
    return None


def _genome(matrix: _Matrix, name: str, limits: Limits, *, alone: bool) -> GenomeCounts:
    genome = PurePosixPath(matrix.place).name if matrix.version_2 else ""
    barcodes = [line.split("\t")[0] for line in _lines(matrix, "barcodes", name, limits)]
    features = _features(matrix, name, limits)
    if genome or not alone:
        features = features.with_columns(pl.lit(genome, dtype=pl.String).alias("genome"))
    return GenomeCounts(
        genome, barcodes, features, SparseValues(_counts(matrix, features.height, len(barcodes), name, limits))
    )


def _features(matrix: _Matrix, name: str, limits: Limits) -> pl.DataFrame:
    rows = [line.split("\t") for line in _lines(matrix, "features", name, limits)]
    width = len(rows[0]) if rows else 2
    for number, row in enumerate(rows, 1):
        if len(row) != width:
            raise RaggedRow(
                f"{name}: line {number:,} of the features has {len(row)} fields, the first has {width}. Correct it."
            )
    columns = [*_COLUMNS, *(f"column_{n}" for n in range(len(_COLUMNS) + 1, width + 1))][:width]
    table = pl.DataFrame(
        [pl.Series(column, [row[n] for row in rows], dtype=pl.String) for n, column in enumerate(columns)]
    )
    return table if "symbol" in columns else table.with_columns(pl.lit(None, dtype=pl.String).alias("symbol"))


def _counts(matrix: _Matrix, n_features: int, n_barcodes: int, name: str, limits: Limits) -> sparse.csr_array:
    place = f"{name}: the matrix file"
    with _reading(place), _opened(matrix.parts["matrix"]) as stream:
        header = read_header(stream, place)
        if (header.rows, header.columns) != (n_features, n_barcodes):
            raise DimensionsDiffer(
                f"{place} is {header.rows:,} x {header.columns:,}, the tables have {n_features:,} features and "
                f"{n_barcodes:,} barcodes. Upload the tables of this matrix."
            )
        refuse_too_many_cells(n_features * n_barcodes, name, limits)
        return read_values(stream, header, place)


@contextmanager
def _reading(place: str) -> Iterator[None]:
    """Say what is wrong with a file whose gzip data is."""
    try:
        yield
    except EOFError as error:
        raise Truncated(f"{place}: the gzip data ends early. Upload it again.") from error
    except (zlib.error, gzip.BadGzipFile) as error:
        raise MalformedFile(f"{place}: the gzip data is damaged ({error}). Upload it again.") from error


def _opened(opener: _Opener) -> BinaryIO:
    """Open a file of the matrix as its decompressed content."""
    stream = io.BufferedReader(opener())  # type: ignore[arg-type]
    return gzip.GzipFile(fileobj=stream) if stream.peek(2)[:2] == _GZIP_SIGNATURE else stream  # type: ignore[return-value]


def _lines(matrix: _Matrix, part: str, name: str, limits: Limits) -> list[str]:
    place = f"{name}: the file of {part}"
    with _reading(place), _opened(matrix.parts[part]) as stream:
        data = bytearray()
        while piece := stream.read(_READ_BYTES):
            data += piece
            if len(data) > limits.memory_bytes // 4:
                raise TooLarge(f"{place} is longer than {limits.memory_bytes // 4:,} bytes. Upload it in parts.")
    if not data:
        raise EmptyFile(f"{place} is empty. Upload a file with content.")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise NotText(f"{place}: byte {error.start:,} is not UTF-8. Save it as UTF-8 and upload it again.") from error
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]
