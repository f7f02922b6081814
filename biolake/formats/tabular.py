"""Tables with text columns and columns of numbers, parsed without guessing: the layout is told by the caller.

The separator, the quoting and which columns hold numbers are fixed before the first row is read, so that a row or a
cell that does not fit is an error with its place, never another interpretation. Opening the file and cutting it into
blocks is in `biolake.formats.text`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biolake.formats.checks import refuse_too_many_cells
from biolake.formats.errors import NonNumericValue, RaggedRow
from biolake.formats.fields import split_fields
from biolake.formats.models import Limits
from biolake.formats.text import Block
from biolake.formats.wide_rows import WIDE_COLUMNS, parse_wide_rows

MISSING_VALUES: tuple[str, ...] = (
    *("", "NA", "na", "N/A", "n/a", "<NA>", "#NA", "#N/A", "#N/A N/A", "#N/A!", "#VALUE!", "#DIV/0!", "#NUM!"),
    *("NULL", "Null", "null", "None", "none", "NaN", "nan", "-NaN", "-nan", "1.#IND", "1.#QNAN", "-1.#IND", "-1.#QNAN"),
)
"""How a missing number is written: what pandas knows, and what spreadsheets write for a failed formula."""

_WORTH_A_THREAD_BYTES = 4 * 1024**2

_SIMPLE_QUOTED_FIELD = {
    separator: re.compile(rb'(^|%b)"([^"\r\n%b]*)"(?=%b|\r?$)' % ((separator.encode(),) * 3), re.MULTILINE)
    for separator in "\t,"
}


@dataclass(frozen=True)
class TableLayout:
    """What is known of a table before its first row is read.

    Attributes:
        columns: Names of all columns as the header gives them.
        numbers: Positions of the columns of numbers, in the order wanted; all others are text.
        key: Position of the text column that names the row.
        separator: One character between fields.
        quoted: Whether a field may stand in double quotes (RFC 4180, without line breaks within a field).
        missing: How a missing number is written.
    """

    columns: tuple[str, ...]
    numbers: tuple[int, ...]
    key: int = 0
    separator: str = "\t"
    quoted: bool = True
    missing: tuple[str, ...] = MISSING_VALUES

    @property
    def text(self) -> tuple[int, ...]:
        """Positions of the text columns."""
        numbers = set(self.numbers)
        return tuple(position for position in range(len(self.columns)) if position not in numbers)


@dataclass(frozen=True)
class Table:
    """A parsed table.

    Attributes:
        text: The text columns under `unique_names` of their names; null where a field is empty.
        numbers: Rows x columns of numbers, NaN where missing.
    """

    text: pl.DataFrame
    numbers: NDArray[np.float64]


def unique_names(names: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """Return column names with a number after those that occur before (`Gene`, `Gene.2`); an empty one is `column`."""
    used = set(taken)
    result: list[str] = []
    for name in names:
        plain = name.strip() or "column"
        candidate, number = plain, 1
        while candidate in used:
            number += 1
            candidate = f"{plain}.{number}"
        used.add(candidate)
        result.append(candidate)
    return result


def parse_table(blocks: Iterable[Block], layout: TableLayout, name: str, limits: Limits) -> Table:
    """Parse a table block by block, holding little more than the result.

    Raises:
        RaggedRow: A row has more or fewer fields than the layout, with its line number.
        NonNumericValue: A cell of a number column is no number and no mark of a missing one.
        MalformedFile: Quotes that do not close.
        TooLarge: More numbers than the limits allow.
    """
    texts: list[pl.DataFrame] = []
    numbers: list[NDArray[np.float64]] = []
    n_rows = 0
    parser = _BlockParser(layout, name)
    for block in _ahead(blocks):
        if block.data.endswith((b"\n\n", b"\n\r\n")) or block.data in (b"\n", b"\r\n"):
            # Blank lines after the last row; within the table they are ragged rows.
            block = Block(block.data.rstrip(b"\r\n"), block.first_line)
        if not block.data:
            continue
        text_rows, number_rows = parser.parse(block)
        n_rows += text_rows.height
        refuse_too_many_cells(n_rows * (len(layout.numbers) or len(layout.columns)), name, limits)
        texts.append(text_rows)
        numbers.append(number_rows)
    names = unique_names(layout.columns[position] for position in layout.text)
    if not texts:
        return Table(pl.DataFrame(schema=dict.fromkeys(names, pl.String)), np.empty((0, len(layout.numbers))))
    text = pl.concat(texts)
    text.columns = names
    return Table(text, _joined(numbers, n_rows, len(layout.numbers)))


def _ahead(blocks: Iterable[Block]) -> Iterator[Block]:
    """Yield blocks while the next one is read and decompressed in another thread."""
    following = iter(blocks)
    block = next(following, None)
    if block is None or len(block.data) < _WORTH_A_THREAD_BYTES:
        if block is not None:
            yield block
        yield from following
        return
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as reader:
        while block is not None:
            upcoming = reader.submit(next, following, None)
            yield block
            block = upcoming.result()


def _joined(parts: list[NDArray[np.float64]], n_rows: int, n_columns: int) -> NDArray[np.float64]:
    """Join the parts of a matrix, giving back each part's memory once it is copied."""
    if len(parts) == 1:
        return parts[0]
    joined = np.empty((n_rows, n_columns))
    parts.reverse()
    start = 0
    while parts:
        part = parts.pop()
        joined[start : start + len(part)] = part
        start += len(part)
    return joined


_Rows = tuple[pl.DataFrame, NDArray[np.float64]]


class _BlockParser:
    """Parses the blocks of one table into text columns, named by their position, and numbers."""

    def __init__(self, layout: TableLayout, name: str) -> None:
        self._layout = layout
        self._name = name
        self._text = [str(position) for position in layout.text]
        self._wide = len(layout.numbers) >= WIDE_COLUMNS and layout.numbers == tuple(
            range(len(layout.text), len(layout.columns))
        )
        # Comparing each cell with every mark doubles the time, and most tables leave a missing cell empty.
        self._marks_seen = bool({"", *layout.missing} - set(MISSING_VALUES))

    def parse(self, block: Block) -> _Rows:
        layout, data = self._layout, block.data
        if layout.quoted and b'"' in data:
            data = _SIMPLE_QUOTED_FIELD[layout.separator].sub(rb"\1\2", data)
            if b'"' in data or _without_end(data).endswith(b"\n") or not data:
                return self._cast(_split_by_line(block, layout, self._name), block)
        for marks in ((), layout.missing) if not self._marks_seen else (layout.missing,):
            rows = self._parse_wide(data, marks) if self._wide else self._parse_columns(data, marks)
            if rows is not None:
                self._marks_seen = bool(marks)
                return rows
        _refuse_ragged(data, block.first_line, layout, self._name)
        return self._cast(_read(data, layout, ()), block)

    def _parse_wide(self, data: bytes, marks: Sequence[str]) -> _Rows | None:
        layout = self._layout
        return parse_wide_rows(data, layout.separator, len(layout.text), len(layout.numbers), marks)

    def _parse_columns(self, data: bytes, marks: Sequence[str]) -> _Rows | None:
        """Return the parsed block, None where a row or a cell does not fit."""
        layout = self._layout
        try:
            frame = _read(data, layout, layout.numbers, marks)
        except (pl.exceptions.ComputeError, pl.exceptions.SchemaError):
            return None
        # A row too long is an error of the parser, so the number of separators tells whether one is too short.
        if data.count(layout.separator.encode()) != frame.height * (len(layout.columns) - 1):
            return None
        text = frame.select(self._text)
        if marks and any(text[column].null_count() for column in self._text):
            # A mark of a missing number is an ordinary word in a text column.
            text = _read(data, layout, ()).select(self._text)
        return text, _numbers(frame, layout)

    def _cast(self, frame: pl.DataFrame, block: Block) -> _Rows:
        frame = _as_numbers(frame, block, self._layout, self._name)
        return frame.select(self._text), _numbers(frame, self._layout)


def _numbers(frame: pl.DataFrame, layout: TableLayout) -> NDArray[np.float64]:
    if not layout.numbers:
        return np.empty((frame.height, 0))
    values = frame.select(str(position) for position in layout.numbers).to_numpy(order="c")
    return np.require(values, dtype=np.float64, requirements=["C", "W"])


def _read(data: bytes, layout: TableLayout, numbers: Iterable[int], marks: Sequence[str] = ()) -> pl.DataFrame:
    """Read a block with the columns `numbers` as numbers and all others as text."""
    wanted = set(numbers)
    schema: dict[str, Any] = {
        str(position): pl.Float64 if position in wanted else pl.String for position in range(len(layout.columns))
    }
    return pl.read_csv(
        data,
        has_header=False,
        schema=schema,
        separator=layout.separator,
        quote_char=None,
        null_values=list(marks) or None,
    )


def _without_end(data: bytes) -> bytes:
    """Return lines without the end of the last one."""
    return data.removesuffix(b"\n").removesuffix(b"\r")


def _refuse_ragged(data: bytes, first_line: int, layout: TableLayout, name: str) -> None:
    separator = layout.separator.encode()
    for number, line in enumerate(_without_end(data).split(b"\n"), first_line):
        fields = line.count(separator) + 1
        if fields != len(layout.columns) or (fields == 1 and not line.strip()):
            raise RaggedRow(_ragged(number, fields if line.strip() else 0, layout, name))


def _ragged(number: int, fields: int, layout: TableLayout, name: str) -> str:
    return (
        f"{name}: line {number:,} has {fields:,} fields, the header names {len(layout.columns):,}. "
        "Correct the line, then upload again."
    )


def _split_by_line(block: Block, layout: TableLayout, name: str) -> pl.DataFrame:
    """Split a block whose quoted fields hold separators or quotes; slower, and needed for few files."""
    rows: list[list[str]] = []
    for number, line in enumerate(_without_end(block.data).decode().split("\n"), block.first_line):
        fields = split_fields(line.removesuffix("\r"), layout.separator, f"{name}: line {number:,}")
        if len(fields) != len(layout.columns) or fields == [""]:
            raise RaggedRow(_ragged(number, len(fields) if any(fields) else 0, layout, name))
        rows.append(fields)
    columns = zip(*rows, strict=True)
    return pl.DataFrame(
        [pl.Series(str(position), column, dtype=pl.String) for position, column in enumerate(columns)]
    ).with_columns(pl.all().replace("", None))


def _as_numbers(frame: pl.DataFrame, block: Block, layout: TableLayout, name: str) -> pl.DataFrame:
    """Cast the columns of numbers, or name the first cell that is no number."""
    columns = [str(position) for position in layout.numbers]
    blank = frame.with_columns(
        pl.col(columns).str.strip_chars().replace(list(layout.missing), [None] * len(layout.missing))
    )
    cast = blank.with_columns(pl.col(columns).cast(pl.Float64, strict=False))
    bad = {position: blank[str(position)].is_not_null() & cast[str(position)].is_null() for position in layout.numbers}
    first = [(flags.arg_max(), position) for position, flags in bad.items() if flags.any()]
    if first:
        row, position = min((int(row or 0), position) for row, position in first)
        count = sum(int(flags.sum()) for flags in bad.values())
        more = f" ({count:,} such cells near it)" if count > 1 else ""
        raise NonNumericValue(
            f"{name}: line {block.first_line + row:,}: feature {frame[str(layout.key)][row]}, sample "
            f"{layout.columns[position]}: {frame[str(position)][row]!r} is no number{more}. Write numbers with a "
            "point and missing ones as NA, then upload again."
        )
    return cast
