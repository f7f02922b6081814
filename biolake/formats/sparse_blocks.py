"""A sparse matrix of features x samples in parts along the samples, as large ones are read.

Turning compressed columns into compressed rows takes twice as long at once as in parts whose result stays in the
processor's cache, and would need both in memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from biolake.formats.models import SparseValues


@dataclass(frozen=True)
class SparseBlocks:
    """Values held in compressed sparse row matrices, each of all features and the next samples."""

    blocks: tuple[sparse.csr_array, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of features and of samples."""
        return (_shape(self.blocks[0])[0], sum(_shape(block)[1] for block in self.blocks))

    def rows(self, start: int, stop: int) -> NDArray[np.float64]:
        """Return features `start` to `stop` as a dense float64 array."""
        n_features, n_samples = self.shape
        start, stop, _ = slice(start, stop).indices(n_features)
        dense = np.empty((max(0, stop - start), n_samples), dtype=np.float64)
        first = 0
        for block in self.blocks:
            last = first + _shape(block)[1]
            dense[:, first:last] = block[start:stop].toarray()
            first = last
        return dense


def blocks_of(values: SparseValues | SparseBlocks) -> tuple[sparse.csr_array, ...]:
    """Return the parts of a sparse matrix, one where it is whole."""
    return values.blocks if isinstance(values, SparseBlocks) else (sparse.csr_array(values.matrix),)


def stacked(values: Sequence[SparseValues | SparseBlocks]) -> SparseValues | SparseBlocks:
    """Return the features of several matrices of the same samples as one matrix."""
    if len(values) == 1:
        return values[0]
    return SparseValues(
        sparse.csr_array(sparse.vstack([sparse.hstack(blocks_of(part)) for part in values], format="csr"))
    )


def width(block: sparse.csr_array) -> int:
    """Return the number of samples in a part."""
    return _shape(block)[1]


def _shape(matrix: sparse.csr_array) -> tuple[int, int]:
    rows, columns = matrix.shape  # type: ignore[misc]
    return int(rows), int(columns)
