"""The lake's tables in Trino's delta_lake catalog: their names there, and registering those that are not known yet.

A table is registered by its place; its versions are read from its log, so registering once is enough for ever.
Source: https://trino.io/docs/476/connector/delta-lake.html#register-table
"""

import hashlib
import re
from collections.abc import Iterable

from biolake.sql import errors
from biolake.sql.relations import quoted, text
from biolake.sql.trino_connection import TrinoConnection, typed_error

UNKNOWN = frozenset({"TABLE_NOT_FOUND", "SCHEMA_NOT_FOUND"})
_PLAIN = re.compile(r"^[a-z0-9_]+$")
_SECONDS = 60.0


class TrinoRegistry:
    """Names and registers the tables of one lake in one catalog.

    Args:
        connection: The Trino.
        lake: The lake's URL, `s3://bucket/prefix`.
    """

    def __init__(self, connection: TrinoConnection, lake: str) -> None:
        self._connection = connection
        self._lake = lake.rstrip("/")

    def location(self, repository: str, table: str) -> str:
        """Return a table's full name on Trino, quoted."""
        return f"{self._schema(repository)}.{quoted(self._table(table))}"

    def register(self, tables: Iterable[tuple[str, str]]) -> None:
        """Make tables, each a repository and a table, known to Trino where they are not.

        Raises:
            TrinoUnavailable: The catalog does not let the user register tables.
        """
        made: set[str] = set()
        for repository, table in tables:
            if repository not in made:
                place = text(f"{self._lake}/{repository}")
                self._run(f"CREATE SCHEMA IF NOT EXISTS {self._schema(repository)} WITH (location = {place})")
                made.add(repository)
            self._run(
                f"CALL {quoted(self._connection.address.catalog)}.system.register_table("
                f"schema_name => {text(self._schema_name(repository))}, table_name => {text(self._table(table))}, "
                f"table_location => {text(f'{self._lake}/{repository}/{table}')})"
            )

    def _run(self, sql: str) -> None:
        from trino.exceptions import TrinoQueryError

        try:
            self._connection.rows(sql, _SECONDS)
        except TrinoQueryError as error:
            if (error.error_name or "").endswith("ALREADY_EXISTS") or "already exists" in error.message:
                return
            said = typed_error(error, None)
            raise errors.TrinoUnavailable(
                f"the lake's tables could not be registered ({said}) docs/sql-on-trino.md says what the catalog needs."
            ) from error

    def _schema(self, repository: str) -> str:
        return f"{quoted(self._connection.address.catalog)}.{quoted(self._schema_name(repository))}"

    def _schema_name(self, repository: str) -> str:
        # Two lakes may share a catalog, and Trino ignores case, which repositories' names do not.
        place = hashlib.sha256(f"{self._lake}/{repository}".encode()).hexdigest()[:8]
        return f"{_readable(repository)}_{place}"

    @staticmethod
    def _table(name: str) -> str:
        return name if _PLAIN.match(name) else f"{_readable(name)}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _readable(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower())
