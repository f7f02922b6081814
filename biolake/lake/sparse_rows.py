"""Rows of a sparse matrix as `matrix` keeps them: `values` beside `spans`, cut by how much is stored.

Which layers are kept so is decided here; what the columns mean is in `schemas`, who unfolds them for people in
`biolake.sql.relations`.
"""

# pyarrow makes its compute functions at import, out of pyright's sight.
# pyright: reportAttributeAccessIssue=false

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import sparse

from biolake.formats.models import SparseValues, Values
from biolake.formats.sparse_blocks import SparseBlocks, blocks_of, width

# Below these, spans cost more than the zeros that they save.
_LEAST_SAMPLES = 64
_SPARSE_UP_TO = 1 / 3


@dataclass(frozen=True)
class SparseLayer:
    """A layer of which only what is stored is written.

    Attributes:
        blocks: Compressed rows of all features, each block for the next samples.
        stored: How many values the features before each one have, one entry more than there are features. What a row
            takes beside its stored values, the first sample's zero, is counted with it.
    """

    blocks: tuple[sparse.csr_array, ...]
    stored: NDArray[np.int64]

    def rows(self, start: int, stop: int) -> tuple[pa.ListArray, pa.ListArray]:
        """Return `values` and `spans` of features `start` to `stop`."""
        widths = [width(block) for block in self.blocks]
        parts = [_part(block, start, stop) for block in self.blocks]
        offsets, values, spans = _joined(parts, widths)
        if len(spans) and int(spans.min()) < 1:
            parts = [_in_order(part, samples) for part, samples in zip(parts, widths, strict=True)]
            offsets, values, spans = _joined(parts, widths)
        begins = pa.array(offsets, pa.int32())
        return (
            pa.ListArray.from_arrays(begins, pa.array(values, from_pandas=True)),
            pa.ListArray.from_arrays(begins, pa.array(spans)),
        )


def sparse_layer(values: Values) -> SparseLayer | None:
    """Return a layer as what it stores where that takes less room than all its values."""
    if not isinstance(values, SparseValues | SparseBlocks):
        return None
    n_features, n_samples = values.shape
    blocks = tuple(block for block in blocks_of(values) if width(block))
    stored = np.arange(n_features + 1, dtype=np.int64)
    for block in blocks:
        stored += block.indptr
    if n_samples < _LEAST_SAMPLES or stored[-1] > _SPARSE_UP_TO * n_features * n_samples:
        return None
    return SparseLayer(blocks, stored)


def samples_per_row(batch: pa.RecordBatch) -> pa.Array:
    """Return for how many samples each row has a value, -1 where its spans cannot be right."""
    stored = pc.list_value_length(batch.column("values"))
    if "spans" not in batch.schema.names or batch.column("spans").null_count == batch.num_rows:
        return stored
    spans = batch.column("spans")
    places = pa.array(np.arange(batch.num_rows)).filter(spans.is_valid())
    rows = spans.drop_null()
    lengths = pc.list_value_length(rows).to_numpy()
    flat = rows.flatten()
    numbers = pc.fill_null(flat, 0).to_numpy().astype(np.int64)
    # Sums between the rows' ends; rows without a single span have none.
    totals = np.concatenate([[0], np.cumsum(numbers)])
    ends = np.cumsum(lengths)
    samples = totals[ends] - totals[ends - lengths]
    below = np.concatenate([[0], np.cumsum(numbers < 1)])
    wrong = (below[ends] > below[ends - lengths]) | (lengths != stored.take(places).to_numpy())
    found = stored.to_numpy().copy()
    found[places.to_numpy()] = np.where(wrong, -1, samples)
    return pa.array(found)


@dataclass(frozen=True)
class _Part:
    """Some rows of a block: how many values each has, their places among the block's samples, and the values."""

    counts: NDArray[np.int64]
    places: NDArray[np.integer]
    values: NDArray[Any]


def _part(block: sparse.csr_array, start: int, stop: int) -> _Part:
    begins = block.indptr[start : stop + 1]
    stored = slice(int(begins[0]), int(begins[-1]))
    return _Part(np.diff(begins).astype(np.int64), block.indices[stored], block.data[stored])


def _in_order(part: _Part, n_samples: int) -> _Part:
    """Return rows with their values in the order of samples; what is stored twice for a sample adds up."""
    begins = np.concatenate([[0], np.cumsum(part.counts)])
    shape = (len(part.counts), n_samples)
    matrix = sparse.csr_array((part.values, part.places, begins), shape=shape, copy=True)
    matrix.sum_duplicates()
    return _part(matrix, 0, len(part.counts))


def _joined(
    parts: Sequence[_Part], widths: Sequence[int]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int32]]:
    """Return where rows begin, their values and the spans of these; spans below 1 say that the order is wrong."""
    n_rows = len(parts[0].counts)
    lacking = np.ones(n_rows, dtype=np.int64)
    begins = np.cumsum(parts[0].counts) - parts[0].counts
    filled = parts[0].counts > 0
    lacking[filled] = parts[0].places[begins[filled]] != 0
    offsets = np.zeros(n_rows + 1, dtype=np.int64)
    np.cumsum(lacking + sum(part.counts for part in parts), out=offsets[1:])
    values = np.zeros(offsets[-1], dtype=np.float64)
    places = np.zeros(offsets[-1], dtype=np.int32)
    next_free = offsets[:-1] + lacking
    before = 0
    for part, samples in zip(parts, widths, strict=True):
        begins = np.cumsum(part.counts) - part.counts
        target = np.repeat(next_free - begins, part.counts)
        target += np.arange(len(target))
        values[target] = part.values
        places[target] = part.places + before
        next_free = next_free + part.counts
        before += samples
    spans = np.empty(len(places), dtype=np.int32)
    np.subtract(places[1:], places[:-1], out=spans[:-1])
    ends = offsets[1:] - 1
    spans[ends] = before - places[ends]
    return offsets, values, spans
