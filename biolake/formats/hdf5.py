"""Opening HDF5 files that may be made to harm, and telling which format of the field one is.

An HDF5 file can name other files as the place of its data (external links, external storage, virtual datasets) and can
claim any size, so its whole structure is walked before anything is read; HDF5 File Format Specification 3.0. Reading
numbers and texts out of an open file is in `biolake.formats.hdf5_values`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import h5py
from h5py import h5d, h5o  # type: ignore[attr-defined]

from biolake.formats.errors import (
    EmptyFile,
    MalformedFile,
    NotText,
    ReaderCrashed,
    TooLarge,
    Truncated,
    UnsafeFile,
    WrongFormat,
)
from biolake.formats.hdf5_values import names_in
from biolake.formats.isolation import call_isolated
from biolake.formats.models import Limits
from biolake.formats.registry import HDF5_SIGNATURE

_MOST_OBJECTS = 100_000
_LARGE_BYTES = 64 * 1024**2
_MOST_COMPRESSION = 1100  # deflate reaches 1032:1
_KIND_LIMITS = Limits(memory_bytes=4 * 1024**3, seconds=60.0)

BROKEN = "broken"
"""The kind of a file that has HDF5's signature and cannot be opened: any format's reader says what is wrong."""


@contextmanager
def open_hdf5(path: Path, name: str, limits: Limits) -> Iterator[h5py.File]:
    """Open a file for reading once its whole structure is safe, and say what HDF5's own errors mean.

    Args:
        path: The file.
        name: Its name in messages.
        limits: `memory_bytes` bounds what one dataset of the file may claim.

    Raises:
        EmptyFile: There is no content.
        WrongFormat: It is no HDF5 file.
        Truncated: It ends early.
        UnsafeFile: It names other files as the place of its data.
        TooLarge: It claims more than the limits allow, or far more than its bytes can hold.
        MalformedFile: Its structure or its compressed data is damaged.
    """
    _refuse_foreign(path, name)
    try:
        file = h5py.File(path, "r", locking=False)
    except (OSError, RuntimeError) as error:
        raise _as_raised(error, name) from error
    with file:
        try:
            _refuse_harmful(file, name, limits)
            yield file
        except (OSError, RuntimeError) as error:
            raise _as_raised(error, name) from error


def is_kind(path: Path, head: bytes, kind: str) -> bool:
    """Whether a file is HDF5 of the kind `h5ad`, `gctx`, `tenx` or `biom`; a broken file is of every kind.

    The file is looked into in a process of its own.
    """
    if not head.startswith(HDF5_SIGNATURE):
        return False
    status = path.stat()
    return _kind(path.absolute(), status.st_size, status.st_mtime_ns) in (kind, BROKEN)


@lru_cache(maxsize=256)
def _kind(path: Path, _size: int, _modified: int) -> str:
    try:
        return call_isolated(kind_of, [str(path)], path.name, _KIND_LIMITS)
    except (ReaderCrashed, TooLarge):
        return BROKEN


def kind_of(path: str) -> str:
    """Tell a file's kind from the names and attributes at its top, following no link out of it; empty where unknown."""
    try:
        with h5py.File(path, "r", locking=False) as file:
            names = _own_members(file)
            if str(file.attrs.get("encoding-type", "")) == "anndata" or {"obs", "var"} <= names:
                return "h5ad"
            if "0" in names and isinstance(top := file["0"], h5py.Group) and {"DATA", "META"} <= _own_members(top):
                return "gctx"
            if {"observation", "sample"} <= names:
                return "biom"
            for name in names:
                group = file[name]
                if isinstance(group, h5py.Group) and {"barcodes", "data", "indices", "indptr"} <= _own_members(group):
                    return "tenx"
            return ""
    except (OSError, RuntimeError, KeyError, ValueError, TypeError):
        return BROKEN


def _own_members(group: h5py.Group) -> set[str]:
    return {name for name in names_in(group) if isinstance(group.get(name, getlink=True), h5py.HardLink)}


def _refuse_foreign(path: Path, name: str) -> None:
    with path.open("rb") as file:
        head = file.read(len(HDF5_SIGNATURE))
    if not head:
        raise EmptyFile(f"{name}: the file is empty. Upload a file with content.")
    if head != HDF5_SIGNATURE:
        if HDF5_SIGNATURE.startswith(head):
            raise Truncated(f"{name}: the file ends after {len(head)} bytes. Upload it again.")
        raise WrongFormat(f"{name}: the content is not HDF5. Upload the right file, or give this one the right name.")


def _refuse_harmful(file: h5py.File, name: str, limits: Limits) -> None:
    """Walk every object once by hard links; soft links stay in the file, as no link out of it is left."""
    seen: set[int] = set()
    waiting: list[h5py.Group] = [file]
    count = 0
    while waiting:
        group = waiting.pop()
        for member in group:
            count += 1
            if count > _MOST_OBJECTS:
                raise TooLarge(f"{name}: the file has more than {_MOST_OBJECTS:,} objects. Upload it in parts.")
            if not isinstance(member, str):
                raise NotText(f"{name}: {group.name} holds {member!r}: a name that is not UTF-8. Rename it.")
            place = f"{group.name or ''}/{member}".replace("//", "/")
            try:
                link = group.get(member, getlink=True)
            except TypeError as error:
                raise UnsafeFile(f"{name}: {place} is a link of an unknown kind. {_WITHOUT_LINKS}") from error
            if isinstance(link, h5py.ExternalLink):
                raise UnsafeFile(f"{name}: {place} is a link into another file, {link.filename}. {_WITHOUT_LINKS}")
            if not isinstance(link, h5py.HardLink):
                continue
            item = group[member]
            address = h5o.get_info(item.id).addr
            if address in seen:
                continue
            seen.add(address)
            if isinstance(item, h5py.Group):
                waiting.append(item)
            elif isinstance(item, h5py.Dataset):
                _refuse_harmful_dataset(item, place, name, limits)


_WITHOUT_LINKS = "Write the file with all data inside it (for example by h5repack), then upload again."


def _refuse_harmful_dataset(dataset: h5py.Dataset, place: str, name: str, limits: Limits) -> None:
    properties = dataset.id.get_create_plist()
    # Asked of the properties: a virtual dataset's shape may already open other files.
    if properties.get_layout() == h5d.VIRTUAL:
        raise UnsafeFile(f"{name}: {place} is virtual: its data is in other files. {_WITHOUT_LINKS}")
    if properties.get_external_count():
        raise UnsafeFile(f"{name}: {place} has its data in other files (external storage). {_WITHOUT_LINKS}")
    claimed = dataset.size * dataset.dtype.itemsize if dataset.shape is not None else 0
    if claimed > limits.memory_bytes:
        raise TooLarge(
            f"{name}: {place} claims {claimed / 1024**3:,.3g} GiB, {limits.memory_bytes / 1024**3:,.3g} GiB are "
            "allowed. Upload it in parts, or have the limit raised."
        )
    held = dataset.id.get_storage_size()
    if claimed > _LARGE_BYTES and claimed > held * _MOST_COMPRESSION:
        raise TooLarge(
            f"{name}: {place} claims {claimed:,} bytes and holds {held:,}, less than any compression could make of it. "
            "Upload a file whose data is complete."
        )


def _as_raised(error: OSError | RuntimeError, name: str) -> Exception:
    text = " ".join(str(error).split())
    if "memory allocation failed" in text.lower():
        return MemoryError(text)
    if "truncated file" in text or "addr overflow" in text:
        return Truncated(f"{name}: the HDF5 file ends early ({text}). Upload it again.")
    return MalformedFile(f"{name}: the HDF5 data is damaged ({text}). Upload the file again, or write it anew.")
