"""Copies of a remote lake's files on this machine, so that the process that reads them needs no network and no keys.

A Delta table's files never change, so a copy is right for ever; the least recently used make room.
"""

import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from biolake.sql.errors import LakeTooLarge

_PARALLEL = 8


@dataclass(frozen=True)
class RemoteFile:
    """A file of a table: its path below the lake and its size in bytes."""

    path: str
    size: int


class LocalCopies:
    """Files fetched once, kept in a folder of at most `capacity` bytes.

    Args:
        folder: Where the copies are; made when missing. One lake has one folder.
        capacity: Bytes of all copies.
        fetch: Writes the content of a path below the lake to a local file.
    """

    def __init__(self, folder: Path, capacity: int, fetch: Callable[[str, Path], None]) -> None:
        self.folder = folder
        self._capacity = capacity
        self._fetch = fetch
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    def local_paths(self, files: Sequence[RemoteFile]) -> tuple[str, ...]:
        """Return where `files` are on this machine, after fetching what is missing.

        Raises:
            LakeTooLarge: They are more than the folder may hold.
        """
        total = sum(file.size for file in files)
        if total > self._capacity:
            raise LakeTooLarge(
                f"{files[0].path.rsplit('/', 1)[0]}: its {total:,} bytes are more than the {self._capacity:,} that may "
                "be copied here. Give the engine more local disk, or set BIOLAKE_TRINO_URL: Trino reads it in place."
            )
        places = [self._place(file) for file in files]
        with self._lock:
            missing = [(file, place) for file, place in zip(files, places, strict=True) if not place.exists()]
            self._make_room(sum(file.size for file, _ in missing), keep=set(places))
            with ThreadPoolExecutor(_PARALLEL) as executor:
                list(executor.map(lambda pair: self._copy(*pair), missing))
        for place in places:
            os.utime(place)
        return tuple(str(place) for place in places)

    def _place(self, file: RemoteFile) -> Path:
        return self.folder / f"{hashlib.sha256(file.path.encode()).hexdigest()}.parquet"

    def _copy(self, file: RemoteFile, place: Path) -> None:
        partial = place.with_suffix(".partial")
        self._fetch(file.path, partial)
        partial.replace(place)

    def _make_room(self, needed: int, keep: set[Path]) -> None:
        held = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in self.folder.glob("*.parquet"))
        used = sum(size for _, size, _ in held)
        for _, size, path in held:
            if used + needed <= self._capacity:
                return
            if path not in keep:
                path.unlink()
                used -= size
