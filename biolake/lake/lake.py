"""The lake's tables by repository and name: open them, make them. What is written into them is `commit`'s matter."""

import os
from collections.abc import Mapping

from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from biolake.lake.errors import LakeTableMissing, LakeUnavailable
from biolake.lake.schemas import TableSchema

COMMIT_RETRIES = 100
"""How often deltalake looks for the next free version: with its own 15, eight writers at once lose commits."""
STORE_TRIES = 4
"""How often a commit is begun that the store breaks off, each time after deltalake's own repetitions."""
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
        """Open a table, made with its schema where there is none.

        Raises:
            LakeUnavailable: The store did not answer.
        """
        found = self.find(repository, schema.name)
        if found is not None:
            return found
        try:
            DeltaTable.create(
                self.uri(repository, schema.name),
                schema=schema.arrow,  # type: ignore[arg-type]
                mode="ignore",
                name=schema.name,
                description=schema.description,
                configuration=_CONFIGURATION,
                storage_options=self.storage_options,
                commit_properties=CommitProperties(max_commit_retries=COMMIT_RETRIES),
            )
        except CommitFailedError:
            # Another writer made it at the same moment.
            pass
        except OSError as error:
            if self.find(repository, schema.name) is None:
                raise no_answer(self.uri(repository, schema.name), error) from error
        return self.open(repository, schema.name)


def no_answer(uri: str, error: OSError) -> LakeUnavailable:
    """Return the error of a commit of which it is not known whether it landed: writing again finds that out."""
    reasons = [line.strip() for line in str(error).splitlines() if line.strip()]
    return LakeUnavailable(f"{uri}: the store broke off: {'; '.join(reasons)[:500]}. Write again: nothing is doubled.")


def _s3_options(url: str) -> dict[str, str]:
    if not url.startswith("s3://"):
        return {}
    options = {name: value for name, value in os.environ.items() if name.startswith("AWS_") and value}
    if options.get("AWS_ENDPOINT_URL", "").startswith("http://"):
        options.setdefault("AWS_ALLOW_HTTP", "true")
    options.setdefault("AWS_CONDITIONAL_PUT", "etag")
    return options
