"""Columns of SOFT's tables, which are read as text, as numbers.

SOFT does not say which columns are numbers; what follows from it is decided in the modules of datasets and families.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biolake.formats.errors import NonNumericValue
from biolake.formats.tabular import MISSING_VALUES


def is_numeric(column: pl.Series) -> bool:
    """Whether a text column holds nothing but numbers and marks of missing ones, and at least one number."""
    words = column.cast(pl.String).str.strip_chars()
    words = words.filter(words.is_not_null() & ~words.is_in(list(MISSING_VALUES)))
    return len(words) > 0 and words.cast(pl.Float64, strict=False).null_count() == 0


def numbers_of(table: pl.DataFrame, columns: list[str], name: str) -> NDArray[np.float64]:
    """Return text columns of a table as numbers, rows x columns, NaN where missing; the first column names the rows.

    Raises:
        NonNumericValue: A cell is neither a number nor a mark of a missing one.
    """
    words = table.select(pl.col(columns).cast(pl.String).str.strip_chars())
    marks = list(MISSING_VALUES)
    words = words.with_columns(pl.all().replace(marks, [None] * len(marks)))
    numbers = words.with_columns(pl.all().cast(pl.Float64, strict=False))
    for column in columns:
        bad = words[column].is_not_null() & numbers[column].is_null()
        if bad.any():
            row = int(bad.arg_max() or 0)
            raise NonNumericValue(
                f"{name}: feature {table.to_series(0)[row]}, sample or column {column}: {table[column][row]!r} is no "
                "number. Write numbers with a point and missing ones as NA, then upload again."
            )
    return np.require(numbers.to_numpy(order="c"), dtype=np.float64, requirements=["C", "W"])
