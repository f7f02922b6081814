"""Finds the files that hold a repository's tables right now. Runs in the trusted parent.

Versions are found in `versions`, files of a remote lake are copied by `local_copies`. What a row means is `relations`'
business.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from biolake.sql import errors
from biolake.sql.local_copies import LocalCopies, RemoteFile
from biolake.sql.versions import LakeVersions, OpenTable, local_folder
from biolake.sql.wire import RepositorySnapshot, TableSnapshot

if TYPE_CHECKING:
    from deltalake import DeltaTable

_UNREADABLE_FEATURES = frozenset({"deletionVectors", "columnMapping"})


class LakeSnapshots:
    """The files of the lake's tables at the versions that `versions` finds.

    Args:
        url: The lake, `file:///folder` or `s3://bucket/prefix`.
        storage_options: For object stores, as deltalake takes them; the environment's credentials by default.
        copies: Where files of a remote lake are copied to be read; None for a local lake.
    """

    def __init__(
        self, url: str, *, storage_options: Mapping[str, str] | None = None, copies: LocalCopies | None = None
    ) -> None:
        self.versions = LakeVersions(url, storage_options=storage_options)
        self._copies = copies
        self._snapshots: dict[tuple[str, str], TableSnapshot] = {}

    @property
    def folders(self) -> tuple[Path, ...]:
        """The local folders that the tables' files are read from."""
        if self._copies is not None:
            return (self._copies.folder,)
        return (local_folder(self.versions.url),)

    def snapshot(self, repository: str, names: Collection[str]) -> RepositorySnapshot | None:
        """Return the newest version of a repository's tables, consistent with each other.

        Returns:
            None where the repository or one of the tables does not exist.

        Raises:
            UnsupportedTable: A table uses a Delta feature that cannot be read here.
            LakeTooLarge: The files of a remote lake would not fit on this machine.
        """
        with self.versions.opened(repository, names) as tables:
            if tables is None:
                return None
            return RepositorySnapshot(repository, tuple(self._snapshot(repository, table) for table in tables))

    def forget(self, repository: str) -> None:
        """Open a repository's tables anew at the next request: a file of theirs was not there."""
        self.versions.forget(repository)
        for key in [key for key in self._snapshots if key[0] == repository]:
            self._snapshots.pop(key, None)

    def _snapshot(self, repository: str, opened: OpenTable) -> TableSnapshot:
        version, table = opened.version, opened.table
        if table is None:
            return TableSnapshot(version.name, version.token, (), version.schema)
        key = (repository, version.name)
        known = self._snapshots.get(key)
        if known is None or known.token != version.token:
            _refuse_unreadable(repository, version.name, table)
            stored = self._files(repository, version.name, table)
            if self._copies is None:
                files = tuple(str(local_folder(self.versions.url) / file.path) for file in stored)
            else:
                files = self._copies.local_paths(stored)
            known = TableSnapshot(version.name, version.token, files, version.schema)
            self._snapshots[key] = known
        elif self._copies is not None:
            self._copies.local_paths(self._files(repository, version.name, table))
        return known

    def _files(self, repository: str, name: str, table: "DeltaTable") -> list[RemoteFile]:
        import pyarrow as pa

        actions = pa.table(table.get_add_actions(flatten=True))
        return [
            RemoteFile(f"{repository}/{name}/{unquote(path)}", size)
            for path, size in zip(
                actions.column("path").to_pylist(), actions.column("size_bytes").to_pylist(), strict=True
            )
        ]


def _refuse_unreadable(repository: str, name: str, table: "DeltaTable") -> None:
    features = set(table.protocol().reader_features or ())
    mapping = table.metadata().configuration.get("delta.columnMapping.mode", "none")
    unreadable = (features & _UNREADABLE_FEATURES) | ({"columnMapping"} if mapping != "none" else set())
    if unreadable or table.metadata().partition_columns:
        what = ", ".join(sorted(unreadable)) or "partition columns"
        raise errors.UnsupportedTable(
            f"{repository}.{name} uses {what}, which the embedded engine cannot read. Rewrite the table without."
        )
