"""Rows of thousands of numbers, read as one long column: a parser of columns spends its time on each column anew.

Tables of usual width are parsed in `biolake.formats.tabular`, which also names what is wrong with a row or a cell.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

WIDE_COLUMNS = 4000
"""From so many columns of numbers on, reading them as one column is faster."""


def parse_wide_rows(
    data: bytes, separator: str, n_text: int, n_numbers: int, marks: Sequence[str]
) -> tuple[pl.DataFrame, NDArray[np.float64]] | None:
    """Return the text columns (named by position) and the numbers of rows that begin with `n_text` text fields.

    Args:
        data: Whole lines without quotes.
        separator: One character between fields.
        n_text: Number of text fields before the numbers, one or more.
        n_numbers: Number of numbers in each row.
        marks: How a missing number is written; an empty cell is one anyway.

    Returns:
        None where a row or a cell does not fit.
    """
    split = separator.encode()
    texts: list[list[bytes]] = [[] for _ in range(n_text)]
    rests: list[bytes] = []
    for line in data.removesuffix(b"\n").split(b"\n"):
        *fields, rest = line.removesuffix(b"\r").split(split, n_text)
        if len(fields) != n_text or rest.count(split) != n_numbers - 1:
            return None
        for column, field in zip(texts, fields, strict=True):
            column.append(field)
        rests.append(rest)
    # The tab after each number keeps an empty cell from being an empty line, which parsers of columns pass over.
    column_of_numbers = split.join(rests).replace(split, b"\t\n") + b"\t\n"
    try:
        numbers = pl.read_csv(
            column_of_numbers,
            has_header=False,
            schema={"number": pl.Float64, "nothing": pl.String},
            separator="\t",
            quote_char=None,
            null_values=list(marks) or None,
        )["number"]
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError):
        return None
    text = pl.DataFrame(
        [
            pl.Series(str(i), [field.decode() or None for field in column], dtype=pl.String)
            for i, column in enumerate(texts)
        ]
    )
    values = np.require(numbers.fill_null(np.nan).to_numpy(), dtype=np.float64, requirements=["C", "W"])
    return text, values.reshape(len(rests), n_numbers)
