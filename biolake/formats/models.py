"""What every reader yields, whatever the format: a dataset with its samples, features and matrices.

Readers are in the modules named after their format; storing a dataset is `biolake.lake`'s work.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse


@dataclass(frozen=True)
class Upload:
    """The local files that together are one dataset.

    Attributes:
        name: The file's or folder's name as its owner knows it; errors cite it.
        data: The data file, or the folder of a format that is a folder (10x matrix market).
        samples: A table of samples that came beside the data, first column the sample id.
        metadata: A JSON document about the dataset that came beside the data.
    """

    name: str
    data: Path
    samples: Path | None = None
    metadata: Path | None = None


@dataclass(frozen=True)
class Limits:
    """What reading one file may cost before it is refused.

    Attributes:
        memory_bytes: Address space of the process that reads a format with its own process.
        seconds: Wall time of that process.
        cells: Values (features x samples, summed over layers) of a dataset.
    """

    memory_bytes: int = 8 * 1024**3
    seconds: float = 900.0
    cells: int = 2_000_000_000

    @classmethod
    def of_this_machine(cls) -> "Limits":
        """The defaults, with no more memory than this machine or container has: else its whole run would be killed."""
        from biolake.machines import memory

        return cls(memory_bytes=min(cls.memory_bytes, memory.usable_memory()))


class Values(Protocol):
    """A matrix of features x samples, read a slice of features at a time so that no copy of the whole is needed."""

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of features and of samples."""
        ...

    def rows(self, start: int, stop: int) -> NDArray[np.float64]:
        """Return features `start` to `stop` as a dense array; NaN stands for a missing value."""
        ...


@dataclass(frozen=True)
class DenseValues:
    """Values held in an array (or a memory-mapped one), features x samples, any real dtype."""

    array: NDArray[Any]

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of features and of samples."""
        return (self.array.shape[0], self.array.shape[1])

    def rows(self, start: int, stop: int) -> NDArray[np.float64]:
        """Return features `start` to `stop` as float64."""
        return np.ascontiguousarray(self.array[start:stop], dtype=np.float64)


@dataclass(frozen=True)
class SparseValues:
    """Values held in a compressed sparse row matrix, features x samples; what is not stored is zero."""

    matrix: sparse.csr_matrix | sparse.csr_array

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of features and of samples."""
        features, samples = self.matrix.shape  # type: ignore[misc]
        return (int(features), int(samples))

    def rows(self, start: int, stop: int) -> NDArray[np.float64]:
        """Return features `start` to `stop` as a dense float64 array."""
        return np.ascontiguousarray(self.matrix[start:stop].toarray(), dtype=np.float64)


@dataclass(frozen=True)
class Matrix:
    """One layer of measurements: `values[i, j]` belongs to feature `i` and sample `j` of the dataset's tables."""

    layer: str
    values: Values

    def slices(self, cells: int = 4_000_000) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """Yield `(first feature, rows)` in slices of at most `cells` values, or one feature where that is more."""
        n_features, n_samples = self.values.shape
        step = max(1, cells // max(1, n_samples))
        for start in range(0, n_features, step):
            yield start, self.values.rows(start, min(start + step, n_features))


@dataclass(frozen=True)
class Finding:
    """Something worth a curator's look that does not stop a dataset from being stored."""

    code: str
    message: str


@dataclass(frozen=True)
class Dataset:
    """One dataset as its file tells it, nothing guessed, nothing dropped.

    Attributes:
        format: The format's name, as in `biolake.formats.registry`.
        accession: What the file calls itself (`GSE42872`), None where it does not say.
        title: One line.
        summary: Free text: summary, design, protocol.
        organism: Scientific names, as written.
        data_type: The kind of assay in the file's words, None where it does not say.
        platform: The instrument's or platform's identifier, None where the file does not say.
        metadata: Everything else said of the dataset as a whole; JSON types only.
        samples: One row per sample in matrix order: `sample_id` (unique, String), then one column per characteristic.
        features: One row per feature in matrix order: `feature_id` (unique, String), `symbol` (String, may be null),
            then one column per annotation.
        matrices: The layers; each has as many rows as `features` and as many columns as `samples`. Empty for
            metadata-only datasets.
        findings: Warnings for the dataset's record.
    """

    format: str
    accession: str | None
    title: str
    summary: str
    organism: tuple[str, ...]
    data_type: str | None
    platform: str | None
    samples: pl.DataFrame
    features: pl.DataFrame
    matrices: tuple[Matrix, ...]
    metadata: dict[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def cells(self) -> int:
        """Number of values over all layers."""
        return sum(matrix.values.shape[0] * matrix.values.shape[1] for matrix in self.matrices)
