"""A statement's answer: an Arrow table, and the ways to take it into other tools."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from biolake.sql.wire import Executed

if TYPE_CHECKING:
    import anndata
    import pandas as pd
    import polars as pl
    import pyarrow as pa


@dataclass(frozen=True)
class ResultColumn:
    """A column of a result: its name and its SQL type."""

    name: str
    type: str


@dataclass(frozen=True)
class QueryResult:
    """The rows that answer a statement.

    Attributes:
        table: The rows.
        columns: Names and SQL types, in order. A name that a statement gives twice is numbered (`title_2`).
        seconds: Wall time, from the call to the last byte.
        truncated: Whether rows were left out because of `max_rows` or the limit on a result's bytes.
        scanned_bytes: Bytes read from the lake, None where the engine does not count them.
    """

    table: "pa.Table"
    columns: tuple[ResultColumn, ...]
    seconds: float
    truncated: bool = False
    scanned_bytes: int | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.table.num_rows

    @classmethod
    def of(cls, table: "pa.Table", seconds: float) -> Self:
        """Return a result made here rather than by an engine's process; all of its columns are text."""
        return cls(table, tuple(ResultColumn(name, "VARCHAR") for name in table.column_names), seconds)

    @classmethod
    def read(cls, stream: memoryview, answer: Executed, seconds: float) -> Self:
        """Read a result from the Arrow stream of an engine's process."""
        import pyarrow as pa

        table = pa.ipc.open_stream(pa.py_buffer(stream)).read_all()
        return cls.made(table, answer.types, seconds, truncated=answer.truncated, scanned_bytes=answer.scanned_bytes)

    @classmethod
    def made(
        cls, table: "pa.Table", types: Sequence[str], seconds: float, *, truncated: bool, scanned_bytes: int | None
    ) -> Self:
        """Return a result of columns with these SQL types; equal names are told apart, long integers made plain."""
        table = _plain_integers(table.rename_columns(_distinct(table.column_names)))
        columns = tuple(ResultColumn(name, kind) for name, kind in zip(table.column_names, types, strict=True))
        return cls(table, columns, seconds, truncated, scanned_bytes)

    def to_polars(self) -> "pl.DataFrame":
        """Return a polars frame."""
        import polars as pl

        frame = pl.from_arrow(self.table)
        assert isinstance(frame, pl.DataFrame)
        return frame

    def to_pandas(self) -> "pd.DataFrame":
        """Return a pandas frame; lists are arrays, maps are dicts."""
        return self.table.to_pandas(maps_as_pydicts="lossy")

    def to_records(self) -> list[dict[str, Any]]:
        """Return one dict per row, of JSON's types only: maps are objects, times ISO 8601, missing and NaN are null."""
        return [{name: _json_value(value) for name, value in row.items()} for row in self._python_rows()]

    def to_json(self) -> str:
        """Return a JSON array with one object per row."""
        return json.dumps(self.to_records(), ensure_ascii=False, allow_nan=False)

    def to_csv(self, path: Path | None = None) -> str:
        """Return the rows as CSV with a header, and write them to `path` where given; lists and maps are JSON."""
        import csv
        import io

        sink = io.StringIO()
        writer = csv.writer(sink, lineterminator="\n")
        writer.writerow(self.table.column_names)
        for record in self.to_records():
            writer.writerow([_csv_value(value) for value in record.values()])
        if path is not None:
            path.write_text(sink.getvalue(), encoding="utf-8")
        return sink.getvalue()

    def to_parquet(self, path: Path) -> None:
        """Write the rows to a Parquet file."""
        import pyarrow.parquet as pq

        pq.write_table(self.table, path, compression="zstd")

    def to_anndata(self) -> "anndata.AnnData":
        """Return samples x features as an AnnData; :func:`biolake.sql.matrix_shape.to_anndata` says which shapes.

        Raises:
            NotAMatrix: The result has neither shape.
        """
        from biolake.sql.matrix_shape import to_anndata

        return to_anndata(self)

    def _python_rows(self) -> list[dict[str, Any]]:
        return self.table.to_pylist(maps_as_pydicts="lossy")


def _distinct(names: Sequence[str]) -> list[str]:
    taken: set[str] = set(names)
    seen: set[str] = set()
    distinct = []
    for name in names:
        chosen, number = name, 2
        while chosen in seen or (chosen != name and chosen in taken):
            chosen, number = f"{name}_{number}", number + 1
        seen.add(chosen)
        distinct.append(chosen)
    return distinct


def _plain_integers(table: "pa.Table") -> "pa.Table":
    """Return 128-bit integers, which sums are, as 64-bit ones where they fit, else as floating point."""
    import pyarrow as pa

    for index, entry in enumerate(table.schema):
        if pa.types.is_decimal(entry.type) and entry.type.scale == 0 and entry.type.precision == 38:
            try:
                column = table.column(index).cast(pa.int64())
            except pa.ArrowInvalid:
                column = table.column(index).cast(pa.float64())
            table = table.set_column(index, entry.name, column)
    return table


def _json_value(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {str(key): _json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return value.hex()
    if value is None or isinstance(value, str | int | bool):
        return value
    return str(value)


def _csv_value(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
