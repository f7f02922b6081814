"""Finds which version each of a repository's tables has right now, and what repositories and tables there are.

`datasets` is always opened first: rows that it does not point to are hidden, rows that it points to were written before
it, and rows it points to no longer are kept for a while by maintenance. The files of a version are in `snapshots`.
"""

import os
import re
import threading
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from biolake.lake.lake import Lake
from biolake.lake.schemas import REPOSITORY_TABLES
from biolake.sql.models import MATRICES
from biolake.sql.wire import encoded_schema

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from obstore.store import ObjectStore

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
_RESERVED = frozenset({MATRICES, "main", "memory", "temp", "system", "information_schema", "pg_catalog"})
DECLARED = {schema.name: schema for schema in REPOSITORY_TABLES}


@dataclass(frozen=True)
class TableVersion:
    """One version of a Delta table.

    Attributes:
        name: The table's name in its repository.
        token: The table's identity and version as one text.
        version: The version; None for a declared table that nothing was written to yet.
        schema: Its Arrow schema, as IPC bytes in base64.
    """

    name: str
    token: str
    version: int | None
    schema: str


@dataclass(frozen=True)
class OpenTable:
    """A version and the open table at it; without a table where nothing was written yet."""

    version: TableVersion
    table: "DeltaTable | None"


class LakeVersions:
    """The lake's Delta tables, opened once and moved to their newest version at each request.

    Args:
        url: The lake, `file:///folder` or `s3://bucket/prefix`.
        storage_options: For object stores, as deltalake takes them; the environment's credentials by default.
    """

    def __init__(self, url: str, *, storage_options: Mapping[str, str] | None = None) -> None:
        self._lake = Lake(url, storage_options)
        self._options = dict(storage_options or {})
        self.url = self._lake.url
        self._tables: dict[tuple[str, str], DeltaTable] = {}
        self._versions: dict[tuple[str, str], TableVersion] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

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

    def has(self, repository: str, name: str) -> bool:
        """Whether the repository has the table, spelled exactly so.

        A table that is open is not looked for: `versions`, which every statement asks next, finds out if it went.
        """
        return (repository, name) in self._tables or self.versions(repository, {name}) is not None

    def versions(self, repository: str, names: Collection[str]) -> tuple[TableVersion, ...] | None:
        """Return the newest version of a repository's tables, consistent with each other, `datasets` first.

        Returns:
            None where the repository or one of the tables does not exist.
        """
        with self.opened(repository, names) as tables:
            return None if tables is None else tuple(table.version for table in tables)

    @contextmanager
    def opened(self, repository: str, names: Collection[str]) -> Iterator[list[OpenTable] | None]:
        """Do as `versions`, and keep the tables at these versions until the block ends."""
        if not _is_name(repository) or not all(_NAME.match(name) for name in names):
            yield None
            return
        ordered = sorted(set(names), key=lambda name: (name != "datasets", name))
        with self._locks[repository]:
            tables = []
            for name in ordered:
                table = self._newest(repository, name)
                if table is None:
                    break
                tables.append(table)
            yield tables if len(tables) == len(ordered) else None

    def forget(self, repository: str) -> None:
        """Open a repository's tables anew at the next request: a file of theirs was not there."""
        with self._locks[repository]:
            for cache in (self._tables, self._versions):
                for key in [key for key in cache if key[0] == repository]:
                    del cache[key]

    def _newest(self, repository: str, name: str) -> OpenTable | None:
        import pyarrow as pa
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
            self._versions.pop(key, None)
            table = self._lake.find(repository, name)
            if table is None:
                self._tables.pop(key, None)
                return self._empty(repository, name)
            self._tables[key] = table
        token = f"{table.metadata().id}@{table.version()}"
        known = self._versions.get(key)
        if known is None or known.token != token:
            known = TableVersion(name, token, table.version(), encoded_schema(pa.schema(table.schema().to_arrow())))
            self._versions[key] = known
        return OpenTable(known, table)

    def _empty(self, repository: str, name: str) -> OpenTable | None:
        """Return a declared table that nothing was written to yet; None for anything else."""
        if name in DECLARED and name != "datasets" and (repository, "datasets") in self._tables:
            return OpenTable(TableVersion(name, "empty", None, encoded_schema(DECLARED[name].arrow)), None)
        return None

    def _is_table(self, repository: str, name: str) -> bool:
        return bool(self._list(f"{repository}/{name}/_delta_log", files=True))

    def _list(self, prefix: str, *, files: bool = False) -> list[str]:
        if urlsplit(self.url).scheme in ("", "file"):
            folder = local_folder(self.url) / prefix
            if not folder.is_dir():
                return []
            return sorted(entry.name for entry in folder.iterdir() if files or entry.is_dir())
        import obstore

        store = remote_store(self.url, self._options)
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
