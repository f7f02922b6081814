"""The chunks of a large compressed HDF5 dataset decompressed side by side; HDF5 itself does one after the other.

Only what is plain here is read here: numbers behind gzip, with or without shuffle. Everything else, what is damaged
too, is left to h5py, whose errors `biolake.formats.hdf5_values` tells. Source: the HDF5 file format specification,
filter pipeline.
"""

import itertools
import math
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import h5py
import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

# isal's stubs declare the class as one of its instances.
_DAMAGED: type[Exception] = isal_zlib.error  # type: ignore[assignment]
_LEAST_BYTES = 8 * 1024**2
_MOST_THREADS = 4
_AHEAD = 4
_GZIP = [h5py.h5z.FILTER_DEFLATE]  # type: ignore[attr-defined]
_SHUFFLED = [h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE]  # type: ignore[attr-defined]


def read_chunks(dataset: h5py.Dataset, part: slice | None = None) -> NDArray[Any] | None:
    """Return a dataset, or a part along its first axis, None where h5py has to read it."""
    filters = _filters(dataset)
    chunk: tuple[int, ...] | None = dataset.chunks
    if chunk is None or filters not in (_GZIP, _SHUFFLED) or dataset.dtype.kind not in "iuf":
        return None
    start, stop, step = (part or slice(None)).indices(dataset.shape[0])
    shape = (max(0, stop - start), *dataset.shape[1:])
    if step != 1 or math.prod(shape) * dataset.dtype.itemsize < _LEAST_BYTES:
        return None
    threads = min(_MOST_THREADS, len(os.sched_getaffinity(0)))
    if threads < 2:
        return None
    found = np.empty(shape, dtype=dataset.dtype)
    running: deque[Future[bool]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for corner in _corners(chunk, start, stop, dataset.shape):
            # Where a chunk was never written, HDF5 has a fill value instead.
            if dataset.id.get_chunk_info_by_coord(corner).byte_offset is None:
                return None
            skipped, stored = dataset.id.read_direct_chunk(corner)
            if skipped:
                return None
            running.append(pool.submit(_place, stored, chunk, corner, filters == _SHUFFLED, found, start))
            if len(running) > threads * _AHEAD and not running.popleft().result():
                return None
        return found if all(placed.result() for placed in running) else None


def _filters(dataset: h5py.Dataset) -> list[int]:
    properties = dataset.id.get_create_plist()
    return [properties.get_filter(position)[0] for position in range(properties.get_nfilters())]


def _corners(chunk: tuple[int, ...], start: int, stop: int, shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield the first place of each chunk that has a part of `start` to `stop` of the first axis."""
    along = range(start - start % chunk[0], stop, chunk[0])
    return itertools.product(along, *(range(0, n, size) for n, size in zip(shape[1:], chunk[1:], strict=True)))


def _place(
    stored: bytes, chunk: tuple[int, ...], corner: tuple[int, ...], shuffled: bool, found: NDArray[Any], start: int
) -> bool:
    """Decompress a chunk into its place; False where it is not what its dataset declares."""
    size = math.prod(chunk) * found.dtype.itemsize
    try:
        content = isal_zlib.decompress(stored, bufsize=size)
    except _DAMAGED:
        return False
    if len(content) != size:
        return False
    if shuffled:
        turned = np.frombuffer(content, np.uint8).reshape(found.dtype.itemsize, -1).T
        values = np.ascontiguousarray(turned).view(found.dtype).reshape(chunk)
    else:
        values = np.frombuffer(content, found.dtype).reshape(chunk)
    first = corner[0] - start
    low = max(0, first)
    high = min(found.shape[0], first + chunk[0])
    rest = [slice(at, min(at + size, n)) for at, size, n in zip(corner[1:], chunk[1:], found.shape[1:], strict=True)]
    inside = tuple(slice(0, part.stop - part.start) for part in rest)
    found[(slice(low, high), *rest)] = values[(slice(low - first, high - first), *inside)]
    return True
