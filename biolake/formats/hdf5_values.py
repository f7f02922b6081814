"""Numbers, texts and sparse matrices out of an open HDF5 file, each checked before compiled code relies on it.

Opening the file safely is in `biolake.formats.hdf5`; what the values mean is in the modules of the formats.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import h5py
import numpy as np
from h5py import h5z  # type: ignore[attr-defined]
from numpy.typing import NDArray
from scipy import sparse

from biolake.formats.errors import DimensionsDiffer, MalformedFile, NonNumericValue, NotText
from biolake.formats.handover import compressed_problem, indptr_problem
from biolake.formats.hdf5_chunks import read_chunks
from biolake.formats.models import SparseValues
from biolake.formats.sparse_blocks import SparseBlocks

_NUMBER_KINDS = frozenset("fiub")
_INT32 = np.iinfo(np.int32)
_BLOCK_VALUES = 8_000_000


def names_in(group: h5py.Group) -> list[str]:
    """Return the names of what a group holds."""
    return [str(name) for name in group]


def member(group: h5py.Group, path: str, name: str) -> h5py.Group | h5py.Dataset:
    """Return what lies at `path` below a group.

    Raises:
        MalformedFile: Nothing is there.
    """
    found = group.get(path)
    if not isinstance(found, h5py.Group | h5py.Dataset):
        raise MalformedFile(f"{name}: {_place(group)}/{path} is missing. Write the file anew with it.")
    return found


def group_at(group: h5py.Group, path: str, name: str) -> h5py.Group:
    """Return the group at `path`.

    Raises:
        MalformedFile: It is missing, or no group.
    """
    found = member(group, path, name)
    if not isinstance(found, h5py.Group):
        raise MalformedFile(f"{name}: {_place(group)}/{path} is a dataset, a group is expected.")
    return found


def dataset_at(group: h5py.Group, path: str, name: str) -> h5py.Dataset:
    """Return the dataset at `path`.

    Raises:
        MalformedFile: It is missing, or no dataset.
    """
    found = member(group, path, name)
    if not isinstance(found, h5py.Dataset):
        raise MalformedFile(f"{name}: {_place(group)}/{path} is a group, a dataset is expected.")
    return found


def content(dataset: h5py.Dataset, name: str, part: slice | None = None) -> Any:
    """Return all of a dataset, or a part of a one-dimensional one.

    Raises:
        MalformedFile: It is compressed in a way that cannot be read, has no content, or more dimensions.
    """
    _refuse_unknown_filters(dataset, name)
    if dataset.shape is None:
        raise MalformedFile(f"{name}: {_place(dataset)} has no content.")
    if part is not None and dataset.ndim != 1:
        raise MalformedFile(f"{name}: {_place(dataset)} has {dataset.ndim} dimensions, one is expected.")
    found = read_chunks(dataset, part)
    if found is not None:
        return found
    return dataset[()] if part is None else dataset[part]


def numbers(dataset: h5py.Dataset, name: str, part: slice | None = None) -> NDArray[Any]:
    """Return a dataset of numbers, or a part of a one-dimensional one, in the machine's byte order.

    Raises:
        NonNumericValue: It holds something else.
        MalformedFile: As for `content`, or a part is asked of more than one dimension.
    """
    if dataset.dtype.kind not in _NUMBER_KINDS:
        raise NonNumericValue(f"{name}: {_place(dataset)} holds {dataset.dtype}, numbers are expected.")
    array = np.asarray(content(dataset, name, part))
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return array.astype(np.float32) if array.dtype == np.float16 else array


def integers(dataset: h5py.Dataset, name: str, part: slice | None = None) -> NDArray[np.integer]:
    """Return a list of integers, or a part of it, in 32 bits where all fit.

    Raises:
        MalformedFile: It is something else.
    """
    if dataset.dtype.kind not in "iu" or dataset.ndim != 1:
        raise MalformedFile(f"{name}: {_place(dataset)} is no list of integers. Write the file anew.")
    array = numbers(dataset, name, part)
    if array.dtype.itemsize > np.dtype(np.int32).itemsize or array.dtype.kind == "u":
        fits = not array.size or (int(array.min()) >= _INT32.min and int(array.max()) <= _INT32.max)
        return array.astype(np.int32 if fits else np.int64)
    return array.astype(np.int32, copy=False)


def texts(dataset: h5py.Dataset, name: str) -> list[str]:
    """Return a one-dimensional dataset as texts; numbers as they are written.

    Raises:
        NotText: Bytes that are not UTF-8.
        MalformedFile: It has other than one dimension.
    """
    values = np.asarray(content(dataset, name))
    if values.ndim != 1:
        raise MalformedFile(f"{name}: {_place(dataset)} has {values.ndim} dimensions, one is expected.")
    place = _place(dataset)
    return [as_text(value, place, name) for value in values.tolist()]


def as_text(value: object, place: str, name: str) -> str:
    """Return one value of an HDF5 file as text.

    Raises:
        NotText: Bytes that are not UTF-8.
    """
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise NotText(
                f"{name}: {place} holds {value!r}, which is not UTF-8. Write its texts as UTF-8, then upload again."
            ) from error
    return str(value)


def attribute_text(item: h5py.Group | h5py.Dataset, attribute: str, name: str) -> str:
    """Return an attribute as text, the first one of several, empty where it is absent or has no content."""
    value = item.attrs.get(attribute)
    if value is None or isinstance(value, h5py.Empty):
        return ""
    values = np.asarray(value).ravel().tolist()
    return as_text(values[0], f"{_place(item)} attribute {attribute}", name) if values else ""


def features_by_samples(
    group: h5py.Group, n_features: int, n_samples: int, *, by_sample: bool, name: str
) -> SparseValues | SparseBlocks:
    """Return a stored sparse matrix as features x samples in compressed rows.

    Beside the result only one block of the stored form is in memory at once.

    Args:
        group: Holds data, indices, indptr.
        n_features: Number of features.
        n_samples: Number of samples.
        by_sample: Whether indptr goes along samples (h5ad's csr, 10x) or along features.
        name: The file's name in messages.

    Raises:
        MalformedFile: The three parts do not make a matrix of this shape.
        NonNumericValue: The data is no numbers.
    """
    data = dataset_at(group, "data", name)
    indices = dataset_at(group, "indices", name)
    n_along, n_across = (n_samples, n_features) if by_sample else (n_features, n_samples)
    indptr = integers(dataset_at(group, "indptr", name), name)
    problem = indptr_problem(indptr, n_along, data.size or 0)
    if problem:
        raise MalformedFile(_damaged(group, problem, name))
    # Compressed rows of samples x features are compressed columns of features x samples: one sort remains.
    ends = _block_ends(indptr) if by_sample else [n_along]
    blocks: list[Future[sparse.csr_array]] = []
    start = 0
    # One block is turned while the next one is read.
    with ThreadPoolExecutor(1) as pool:
        for end in ends:
            part = slice(int(indptr[start]), int(indptr[end]))
            begins = indptr[start : end + 1] - indptr[start]
            if begins[-1] <= _INT32.max:
                begins = begins.astype(np.int32, copy=False)
            block = (numbers(data, name, part), integers(indices, name, part), begins)
            problem = compressed_problem(*block, (end - start, n_across))
            if problem:
                raise MalformedFile(_damaged(group, problem, name))
            if blocks:
                blocks[-1].result()
            samples = end - start if by_sample else n_samples
            blocks.append(pool.submit(_by_feature, block, (n_features, samples), by_sample=by_sample))
            start = end
        whole = tuple(block.result() for block in blocks)
    return SparseValues(whole[0]) if len(whole) == 1 else SparseBlocks(whole)


def _by_feature(
    block: tuple[NDArray[Any], NDArray[np.integer], NDArray[np.integer]], shape: tuple[int, int], *, by_sample: bool
) -> sparse.csr_array:
    return sparse.csc_array(block, shape=shape).tocsr() if by_sample else sparse.csr_array(block, shape=shape)


def _block_ends(indptr: NDArray[np.integer]) -> list[int]:
    """Return after which samples blocks of about `_BLOCK_VALUES` values end."""
    n_samples = len(indptr) - 1
    cuts = np.searchsorted(indptr, np.arange(_BLOCK_VALUES, int(indptr[-1]), _BLOCK_VALUES))
    return [*(int(cut) for cut in np.unique(cuts) if 0 < cut < n_samples), n_samples]


def _damaged(group: h5py.Group, problem: str, name: str) -> str:
    return f"{name}: the sparse matrix {_place(group)} is damaged: {problem}. Write the file anew."


def refuse_other_shape(shape: tuple[int, ...], expected: tuple[int, ...], place: str, name: str) -> None:
    """Raise `DimensionsDiffer` where a matrix has another shape than its tables."""
    if tuple(shape) != expected:
        found, wanted = (" x ".join(f"{n:,}" for n in s) or "a single value" for s in (shape, expected))
        raise DimensionsDiffer(f"{name}: {place} is {found}, its tables say {wanted}. Write the file anew.")


def _refuse_unknown_filters(dataset: h5py.Dataset, name: str) -> None:
    properties = dataset.id.get_create_plist()
    for position in range(properties.get_nfilters()):
        number, _, _, label = properties.get_filter(position)
        if not h5z.filter_avail(number):
            raise MalformedFile(
                f"{name}: {_place(dataset)} is compressed by the filter {label.decode(errors='replace') or number} "
                f"({number}), which is not read. Write the file with gzip or lzf, then upload again."
            )


def _place(item: h5py.Group | h5py.Dataset) -> str:
    return str(item.name).rstrip("/") if item.name else "(unnamed)"
