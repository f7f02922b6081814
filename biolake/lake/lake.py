"""The lake's tables by repository and name: open them, make them. What is written into them is `commit`'s matter."""

import os
from collections.abc import Mapping
from contextlib import suppress

from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from biolake.lake.errors import LakeTableMissing, LakeUnavailable
from biolake.lake.schemas import TableSchema

_CONFIGURATION = {"delta.enableChangeDataFeed": "true", "delta.checkpointInterval": "50"}


class Lake:
    """The Delta tables below one URL, `file:///folder` or `s3://bucket/prefix`."""

    def __init__(self, url: str, storage_options: Mapping[str, str] | None = None) -> None:
        """Name the place; nothing is read yet.

        Args:
            url: Where the tables are.
            storage_options: As deltalake takes them; S3 settings come from `AWS_*` variables where not given.
        """
        self.url = url.rstrip("/")
        self.storage_options = dict(storage_options or _s3_options(self.url))

    def uri(self, repository: str, table: str) -> str:
        """Where a table is."""
        return f"{self.url}/{repository}/{table}"

    def find(self, repository: str, table: str) -> DeltaTable | None:
        """Open a table, None where there is none.

        Raises:
            LakeUnavailable: Whether there is one could not be told. Never taken for absence: who overwrites an
                "absent" table after a passing fault loses all of it.
        """
        uri = self.uri(repository, table)
        try:
            return DeltaTable(uri, storage_options=self.storage_options)
        except TableNotFoundError:
            return None
        except (DeltaError, OSError, ValueError) as error:
            raise LakeUnavailable(f"{uri} could not be opened: {error}. Nothing was written; try again.") from error

    def open(self, repository: str, table: str) -> DeltaTable:
        """Open a table that must exist.

        Raises:
            LakeTableMissing: There is none.
            LakeUnavailable: Whether there is one could not be told.
        """
        found = self.find(repository, table)
        if found is None:
            raise LakeTableMissing(f"{self.uri(repository, table)}: no such table. It appears with the first dataset.")
        return found

    def open_or_create(self, repository: str, schema: TableSchema) -> DeltaTable:
        """Open a table, made with its schema where there is none."""
        found = self.find(repository, schema.name)
        if found is not None:
            return found
        # Where another writer makes it at the same moment, one of the two fails.
        with suppress(CommitFailedError):
            DeltaTable.create(
                self.uri(repository, schema.name),
                schema=schema.arrow,  # type: ignore[arg-type]
                mode="ignore",
                name=schema.name,
                description=schema.description,
                configuration=_CONFIGURATION,
                storage_options=self.storage_options,
                commit_properties=CommitProperties(max_commit_retries=100),
            )
        return self.open(repository, schema.name)


def _s3_options(url: str) -> dict[str, str]:
    if not url.startswith("s3://"):
        return {}
    options = {name: value for name, value in os.environ.items() if name.startswith("AWS_") and value}
    if options.get("AWS_ENDPOINT_URL", "").startswith("http://"):
        options.setdefault("AWS_ALLOW_HTTP", "true")
    options.setdefault("AWS_CONDITIONAL_PUT", "etag")
    return options
