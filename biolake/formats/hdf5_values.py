"""Numbers, texts and sparse matrices out of an open HDF5 file, each checked before compiled code relies on it.

Opening the file safely is in `biolake.formats.hdf5`; what the values mean is in the modules of the formats.
"""

from typing import Any

import h5py
import numpy as np
from h5py import h5z  # type: ignore[attr-defined]
from numpy.typing import NDArray
from scipy import sparse

from biolake.formats.errors import DimensionsDiffer, MalformedFile, NonNumericValue, NotText
from biolake.formats.handover import compressed_problem

_NUMBER_KINDS = frozenset("fiub")
_INT32_MOST = np.iinfo(np.int32).max


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


def content(dataset: h5py.Dataset, name: str) -> Any:
    """Return all of a dataset.

    Raises:
        MalformedFile: It is compressed in a way that cannot be read, or has no content.
    """
    _refuse_unknown_filters(dataset, name)
    if dataset.shape is None:
        raise MalformedFile(f"{name}: {_place(dataset)} has no content.")
    return dataset[()]


def numbers(dataset: h5py.Dataset, name: str) -> NDArray[Any]:
    """Return a dataset of numbers in the machine's byte order.

    Raises:
        NonNumericValue: It holds something else.
    """
    _refuse_non_numbers(dataset, name)
    array = np.asarray(content(dataset, name))
    if array.dtype.kind not in _NUMBER_KINDS:
        raise NonNumericValue(f"{name}: {_place(dataset)} holds {array.dtype}, numbers are expected.")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return array.astype(np.float32) if array.dtype == np.float16 else array


def texts(dataset: h5py.Dataset, name: str) -> list[str]:
    """Return a one-dimensional dataset as texts; numbers as they are written.

    Raises:
        NotText: Bytes that are not UTF-8.
        MalformedFile: It has other than one dimension.
    """
    values = np.asarray(content(dataset, name))
    if values.ndim != 1:
        raise MalformedFile(f"{name}: {_place(dataset)} has {values.ndim} dimensions, one is expected.")
    return [as_text(value, _place(dataset), name) for value in values.tolist()]


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


def compressed(
    group: h5py.Group, shape: tuple[int, int], name: str
) -> tuple[NDArray[Any], NDArray[np.integer], NDArray[np.integer]]:
    """Return data, indices and indptr of a compressed sparse matrix that is `shape` along indptr and indices.

    Raises:
        MalformedFile: The three do not make a matrix of this shape.
        NonNumericValue: The data is no numbers.
    """
    data = numbers(dataset_at(group, "data", name), name)
    small = max(*shape, len(data) if data.ndim else 0) <= _INT32_MOST
    indices = _indices(dataset_at(group, "indices", name), name, small)
    indptr = _indices(dataset_at(group, "indptr", name), name, small)
    problem = compressed_problem(data, indices, indptr, shape)
    if problem:
        raise MalformedFile(f"{name}: the sparse matrix {_place(group)} is damaged: {problem}. Write the file anew.")
    return data, indices, indptr


def features_by_samples(
    group: h5py.Group, n_features: int, n_samples: int, *, by_sample: bool, name: str
) -> sparse.csr_array:
    """Return a stored sparse matrix as features x samples in compressed rows.

    At most two copies of the matrix are in memory at once.

    Args:
        group: Holds data, indices, indptr.
        n_features: Number of features.
        n_samples: Number of samples.
        by_sample: Whether indptr goes along samples (h5ad's csr, 10x) or along features.
        name: The file's name in messages.

    Raises:
        MalformedFile: As for `compressed`.
    """
    shape = (n_features, n_samples)
    if not by_sample:
        return sparse.csr_array(compressed(group, shape, name), shape=shape)
    # Compressed rows of samples x features are compressed columns of features x samples: one sort remains.
    return sparse.csc_array(compressed(group, (n_samples, n_features), name), shape=shape).tocsr()


def refuse_other_shape(shape: tuple[int, ...], expected: tuple[int, ...], place: str, name: str) -> None:
    """Raise `DimensionsDiffer` where a matrix has another shape than its tables."""
    if tuple(shape) != expected:
        found, wanted = (" x ".join(f"{n:,}" for n in s) or "a single value" for s in (shape, expected))
        raise DimensionsDiffer(f"{name}: {place} is {found}, its tables say {wanted}. Write the file anew.")


def _indices(dataset: h5py.Dataset, name: str, small: bool) -> NDArray[np.integer]:
    _refuse_unknown_filters(dataset, name)
    if dataset.dtype.kind not in "iu" or dataset.ndim != 1:
        raise MalformedFile(f"{name}: {_place(dataset)} is no list of integers.")
    # HDF5 makes of a number that is too large the largest one, which is refused later as outside.
    array = np.empty(dataset.shape, dtype=np.int32 if small else np.int64)
    if array.size:
        dataset.read_direct(array)
    return array


def _refuse_non_numbers(dataset: h5py.Dataset, name: str) -> None:
    if dataset.dtype.kind not in _NUMBER_KINDS:
        raise NonNumericValue(f"{name}: {_place(dataset)} holds {dataset.dtype}, numbers are expected.")


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
