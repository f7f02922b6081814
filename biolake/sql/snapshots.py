"""Finds what a repository's tables hold right now: versions and files of the Delta tables. Runs in the trusted parent.

`datasets` is always opened first: rows that it does not point to are hidden, rows that it points to were written before
it, and rows it points to no longer are kept for a while by maintenance. What a row means is `relations`' business.
"""

import base64
import os
import re
import threading
from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from biolake.lake.lake import Lake
from biolake.lake.schemas import REPOSITORY_TABLES
from biolake.sql import errors
from biolake.sql.local_copies import LocalCopies, RemoteFile
from biolake.sql.models import MATRICES
from biolake.sql.wire import RepositorySnapshot, TableSnapshot

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable
    from obstore.store import ObjectStore

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
_RESERVED = frozenset({MATRICES, "main", "memory", "temp", "system", "information_schema", "pg_catalog"})
_UNREADABLE_FEATURES = frozenset({"deletionVectors", "columnMapping"})
DECLARED = {schema.name: schema for schema in REPOSITORY_TABLES}


class LakeSnapshots:
    """The lake's Delta tables, opened once and moved to their newest version at each request.

    Args:
        url: The lake, `file:///folder` or `s3://bucket/prefix`.
        storage_options: For object stores, as deltalake takes them; the environment's credentials by default.
        copies: Where files of a remote lake are copied to be read; None for a local lake.
    """

    def __init__(
        self, url: str, *, storage_options: Mapping[str, str] | None = None, copies: LocalCopies | None = None
    ) -> None:
        self._lake = Lake(url, storage_options)
        self._options = dict(storage_options or {})
        self._url = self._lake.url
        self._copies = copies
        self._tables: dict[tuple[str, str], DeltaTable] = {}
        self._snapshots: dict[tuple[str, str], TableSnapshot] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    @property
    def folders(self) -> tuple[Path, ...]:
        """The local folders that the tables' files are read from."""
        if self._copies is not None:
            return (self._copies.folder,)
        return (local_folder(self._url),)

    def repositories(self) -> list[str]:
        """Return the names of what has tables in the lake, sorted."""
        return [name for name in self._list("") if _is_name(name) and self.tables(name)]

    def tables(self, repository: str) -> list[str]:
        """Return the names of a repository's tables; those declared for every repository first."""
        if not _is_name(repository):
            return []
        found = [name for name in self._list(repository) if _NAME.match(name) and self._is_table(repository, name)]
        if "datasets" in found:
            return [*DECLARED, *(name for name in found if name not in DECLARED)]
        return found

    def snapshot(self, repository: str, names: Collection[str]) -> RepositorySnapshot | None:
        """Return the newest version of a repository's tables, consistent with each other.

        Returns:
            None where the repository or one of the tables does not exist.

        Raises:
            UnsupportedTable: A table uses a Delta feature that cannot be read here.
            LakeTooLarge: The files of a remote lake would not fit on this machine.
        """
        if not _is_name(repository) or not all(_NAME.match(name) for name in names):
            return None
        ordered = sorted(set(names), key=lambda name: (name != "datasets", name))
        with self._locks[repository]:
            opened: list[TableSnapshot] = []
            for name in ordered:
                table = self._newest(repository, name)
                if table is None:
                    return None
                opened.append(table)
        return RepositorySnapshot(repository, tuple(opened))

    def forget(self, repository: str) -> None:
        """Open a repository's tables anew at the next request: a file of theirs was not there."""
        with self._locks[repository]:
            for cache in (self._tables, self._snapshots):
                for key in [key for key in cache if key[0] == repository]:
                    del cache[key]

    def _newest(self, repository: str, name: str) -> TableSnapshot | None:
        from deltalake.exceptions import DeltaError

        key = (repository, name)
        table = self._tables.get(key)
        try:
            if table is not None:
                table.update_incremental()
        except DeltaError:
            # The log was cleaned up below the version held, or the table was made anew: open it as new.
            table = None
        if table is None:
            self._snapshots.pop(key, None)
            table = self._lake.find(repository, name)
            if table is None:
                self._tables.pop(key, None)
                return self._empty(repository, name)
            self._tables[key] = table
        token = f"{table.metadata().id}@{table.version()}"
        known = self._snapshots.get(key)
        if known is None or known.token != token:
            known = self._describe(repository, name, table, token)
            self._snapshots[key] = known
        elif self._copies is not None:
            self._copies.local_paths(self._files(repository, name, table))
        return known

    def _empty(self, repository: str, name: str) -> TableSnapshot | None:
        """Return a declared table that nothing was written to yet; None for anything else."""
        if name in DECLARED and name != "datasets" and (repository, "datasets") in self._tables:
            return TableSnapshot(name, "empty", (), _encoded(DECLARED[name].arrow))
        return None

    def _describe(self, repository: str, name: str, table: "DeltaTable", token: str) -> TableSnapshot:
        import pyarrow as pa

        features = set(table.protocol().reader_features or ())
        mapping = table.metadata().configuration.get("delta.columnMapping.mode", "none")
        unreadable = (features & _UNREADABLE_FEATURES) | ({"columnMapping"} if mapping != "none" else set())
        if unreadable or table.metadata().partition_columns:
            what = ", ".join(sorted(unreadable)) or "partition columns"
            raise errors.UnsupportedTable(
                f"{repository}.{name} uses {what}, which the embedded engine cannot read. Rewrite the table without."
            )
        stored = self._files(repository, name, table)
        if self._copies is None:
            files = tuple(str(local_folder(self._url) / file.path) for file in stored)
        else:
            files = self._copies.local_paths(stored)
        return TableSnapshot(name, token, files, _encoded(pa.schema(table.schema().to_arrow())))

    def _files(self, repository: str, name: str, table: "DeltaTable") -> list[RemoteFile]:
        import pyarrow as pa

        actions = pa.table(table.get_add_actions(flatten=True))
        return [
            RemoteFile(f"{repository}/{name}/{unquote(path)}", size)
            for path, size in zip(
                actions.column("path").to_pylist(), actions.column("size_bytes").to_pylist(), strict=True
            )
        ]

    def _is_table(self, repository: str, name: str) -> bool:
        return bool(self._list(f"{repository}/{name}/_delta_log", files=True))

    def _list(self, prefix: str, *, files: bool = False) -> list[str]:
        if urlsplit(self._url).scheme in ("", "file"):
            folder = local_folder(self._url) / prefix
            if not folder.is_dir():
                return []
            return sorted(entry.name for entry in folder.iterdir() if files or entry.is_dir())
        import obstore

        store = remote_store(self._url, self._options)
        listing = obstore.list_with_delimiter(store, f"{prefix}/" if prefix else None)
        found = [path.rstrip("/").rsplit("/", 1)[-1] for path in listing["common_prefixes"]]
        return sorted([*found, *(str(entry["path"]) for entry in listing["objects"])] if files else found)


def remote_store(url: str, options: Mapping[str, str]) -> "ObjectStore":
    """Return obstore's store for a lake's URL; what `options` do not say comes from the `AWS_*` variables."""
    from obstore.store import from_url

    endpoint = {name.lower(): value for name, value in {**os.environ, **options}.items()}.get("aws_endpoint_url", "")
    client = {"allow_http": True} if endpoint.startswith("http://") else None
    return from_url(url, config=dict(options) or None, client_options=client)  # type: ignore[call-overload]


def local_folder(url: str) -> Path:
    """Return the path that a `file://` URL or a plain path names."""
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else Path(url)


def _is_name(repository: str) -> bool:
    return bool(_NAME.match(repository)) and repository.lower() not in _RESERVED


def _encoded(schema: "pa.Schema") -> str:
    return base64.b64encode(schema.serialize().to_pybytes()).decode()
