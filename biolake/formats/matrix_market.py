"""Matrix Market files: sparse matrices as text, one line per value.

Read here rather than by SciPy, whose reader ends the process where a stream raises (a gzip file that is cut short), and
does not name the line that is wrong. Format: https://math.nist.gov/MatrixMarket/formats.html
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from biolake.formats.coordinates import from_coordinates
from biolake.formats.errors import DimensionsDiffer, EmptyFile, MalformedFile, NonNumericValue, Truncated, WrongFormat

_BLOCK_BYTES = 16 * 1024**2
_LONGEST_LINE_BYTES = 100_000
_BANNER = re.compile(rb"%%MatrixMarket\s+matrix\s+(\w+)\s+(\S+)\s+(\S+)\s*", re.IGNORECASE)
_VALUE_TYPES: dict[str, type[pl.Int64 | pl.Float64]] = {"integer": pl.Int64, "real": pl.Float64}


@dataclass(frozen=True)
class Header:
    """What a file declares: the matrix's shape, how many values follow, and in which line they begin."""

    rows: int
    columns: int
    values: int
    kind: str
    first_line: int


def read_header(stream: BinaryIO, place: str) -> Header:
    """Read up to the line of dimensions.

    Args:
        stream: The decompressed file at its start; afterwards at its first value.
        place: The file, for messages.

    Raises:
        EmptyFile: There is no content.
        Truncated: It ends before its dimensions.
        WrongFormat: It is no Matrix Market file.
        MalformedFile: It is another kind of matrix than general coordinates of numbers, or lacks its dimensions.
    """
    line = stream.readline(_LONGEST_LINE_BYTES)
    banner = _BANNER.fullmatch(line)
    if not line:
        raise EmptyFile(f"{place} is empty. Upload a file with content.")
    if not line.endswith(b"\n") and line.startswith(b"%%MatrixMarket"):
        raise Truncated(f"{place} ends within its first line. Upload it again.")
    if banner is None:
        raise WrongFormat(f"{place} does not begin with %%MatrixMarket matrix. Upload the file that Cell Ranger wrote.")
    layout, kind, symmetry = (part.decode(errors="replace").lower() for part in banner.groups())
    if layout != "coordinate" or kind not in _VALUE_TYPES or symmetry != "general":
        raise MalformedFile(
            f"{place} is {layout} {kind} {symmetry}; coordinate integer general or coordinate real general is read. "
            "Write it anew."
        )
    number = 1
    while line := stream.readline(_LONGEST_LINE_BYTES):
        number += 1
        if line.startswith(b"%") or not line.strip():
            continue
        fields = line.split()
        if len(fields) != 3 or not all(field.isdigit() and len(field) < 19 for field in fields):
            raise MalformedFile(f"{place}, line {number}: {line[:60]!r} is not the three dimensions. Write it anew.")
        rows, columns, values = (int(field) for field in fields)
        if values > rows * columns:
            raise DimensionsDiffer(f"{place}: {values:,} values do not fit into {rows:,} x {columns:,}. Write it anew.")
        return Header(rows, columns, values, kind, number + 1)
    raise Truncated(f"{place} ends before its dimensions. Upload it again.")


def read_values(stream: BinaryIO, header: Header, place: str) -> sparse.csr_array:
    """Read the values that follow the header.

    Raises:
        Truncated: Fewer values than declared.
        DimensionsDiffer: More values than declared, or one outside the matrix.
        NonNumericValue: A line that is not a row, a column and a number.
        MalformedFile: Two values for one place.
    """
    rows = np.empty(header.values, dtype=np.int32 if header.rows < 2**31 else np.int64)
    columns = np.empty(header.values, dtype=np.int32 if header.columns < 2**31 else np.int64)
    values = np.empty(header.values, dtype=np.int64 if header.kind == "integer" else np.float64)
    done = 0
    line = header.first_line
    for block in _blocks(stream, place):
        table = _table(block, header.kind, line, place)
        stop = done + table.height
        if stop > header.values:
            raise DimensionsDiffer(f"{place} has more than the {header.values:,} values it declares. Write it anew.")
        rows[done:stop] = table["row"] - 1
        columns[done:stop] = table["column"] - 1
        values[done:stop] = table["value"]
        done = stop
        line += block.count(b"\n")
    if done < header.values:
        raise Truncated(f"{place} has {done:,} of the {header.values:,} values it declares. Upload it again.")
    return from_coordinates(rows, columns, _narrow(values), (header.rows, header.columns), place)


def _blocks(stream: BinaryIO, place: str) -> Iterator[bytes]:
    rest = b""
    while data := stream.read(_BLOCK_BYTES):
        data = rest + data
        end = data.rfind(b"\n") + 1
        if len(data) - end > _LONGEST_LINE_BYTES:
            raise MalformedFile(f"{place} has a line of more than {_LONGEST_LINE_BYTES:,} bytes. Write it anew.")
        if end:
            yield data[:end]
        rest = data[end:]
    if rest.strip():
        yield rest + b"\n"


def _table(block: bytes, kind: str, first_line: int, place: str) -> pl.DataFrame:
    schema = {"row": pl.Int64, "column": pl.Int64, "value": _VALUE_TYPES[kind]}
    try:
        return _parsed(block, schema)
    except pl.exceptions.PolarsError:
        # Blanks may be more than one, or tabs; what is wrong then is wrong in any reading.
        plain = b"\n".join(b" ".join(line.split()) for line in block.split(b"\n") if line.strip()) + b"\n"
        try:
            return _parsed(plain, schema)
        except pl.exceptions.PolarsError as error:
            raise NonNumericValue(_wrong_line(block, kind, first_line, place)) from error


def _parsed(block: bytes, schema: dict[str, type[pl.Int64 | pl.Float64]]) -> pl.DataFrame:
    if not block.strip():
        return pl.DataFrame(schema=schema)
    table = pl.read_csv(block, separator=" ", has_header=False, schema=schema, quote_char=None)
    if any(column.null_count() for column in table):
        raise pl.exceptions.ComputeError("a field is missing")
    return table


def _wrong_line(block: bytes, kind: str, first_line: int, place: str) -> str:
    for number, line in enumerate(block.split(b"\n"), first_line):
        if line.strip() and not _is_entry(line, kind):
            shown = line[:60].decode(errors="replace")
            return f"{place}, line {number:,}: {shown!r} is not a row, a column and a number ({kind}). Correct it."
    return f"{place}, from line {first_line:,}: a number that is too large or not written as {kind}. Write it anew."


def _is_entry(line: bytes, kind: str) -> bool:
    fields = line.split()
    if len(fields) != 3:
        return False
    converters = (int, int, int if kind == "integer" else float)
    try:
        return all(convert(field) is not None for convert, field in zip(converters, fields, strict=True))
    except ValueError:
        return False


def _narrow(values: NDArray[Any]) -> NDArray[Any]:
    limit = np.iinfo(np.int32)
    if values.dtype.kind == "i" and len(values) and limit.min <= values.min() and values.max() <= limit.max:
        return values.astype(np.int32)
    return values
