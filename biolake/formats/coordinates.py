"""Sparse matrices that a file lists value by value with the place of each (Matrix Market, BIOM's JSON)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from biolake.formats.errors import DimensionsDiffer, MalformedFile


def from_coordinates(
    rows: NDArray[np.integer], columns: NDArray[np.integer], values: NDArray[Any], shape: tuple[int, int], place: str
) -> sparse.csr_array:
    """Return a matrix from the places, counted from 0, and values of what is not zero.

    Args:
        rows: Of each value, its row.
        columns: Of each value, its column.
        values: The values.
        shape: Numbers of rows and columns.
        place: The file and the part of it, for messages.

    Raises:
        DimensionsDiffer: A place is outside the shape.
        MalformedFile: Two values have one place.
    """
    for axis, indices, length in (("row", rows, shape[0]), ("column", columns, shape[1])):
        if len(indices) and (int(indices.min()) < 0 or int(indices.max()) >= length):
            raise DimensionsDiffer(
                f"{place}: a value is in {axis} {int(indices.max()) + 1:,} or before the first, of {length:,} {axis}s. "
                "Write the file anew."
            )
    matrix = sparse.coo_array((values, (rows, columns)), shape=shape).tocsr()
    twice = len(values) - matrix.nnz
    if twice:
        raise MalformedFile(f"{place}: {twice:,} values have the place of another one. Write each value once.")
    return matrix
