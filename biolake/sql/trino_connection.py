"""Statements over Trino's own client: rows as they come, within limits; Trino's errors as the platform's.

Nothing here knows the lake. Sessions of the threads that ask are kept, so that a statement does not connect anew.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from biolake.sql import errors

if TYPE_CHECKING:
    import requests
    from trino.exceptions import TrinoQueryError

_TOO_LARGE = ("MEMORY", "TOO_LARGE", "EXCEEDED_SCAN_LIMIT", "EXCEEDED_SPILL_LIMIT", "EXCEEDED_CPU_LIMIT")
_BUSY = frozenset(
    {"QUERY_QUEUE_FULL", "QUERY_REJECTED", "SERVER_STARTING_UP", "NO_NODES_AVAILABLE", "TOO_MANY_REQUESTS_FAILED"}
)
_LATE = frozenset({"EXCEEDED_TIME_LIMIT", "USER_CANCELED", "ABANDONED_QUERY", "ADMINISTRATIVELY_KILLED"})
_DENIED = frozenset({"PERMISSION_DENIED", "ACCESS_DENIED", "CATALOG_NOT_FOUND"})
_VALUES = frozenset(
    (
        *("INVALID_CAST_ARGUMENT", "INVALID_FUNCTION_ARGUMENT", "DIVISION_BY_ZERO", "NUMERIC_VALUE_OUT_OF_RANGE"),
        *("INVALID_LITERAL", "SUBQUERY_MULTIPLE_ROWS", "JSON_INPUT_CONVERSION_ERROR"),
    )
)


@dataclass(frozen=True)
class TrinoAddress:
    """Where Trino is, and as whom to ask it.

    Attributes:
        url: `http(s)://host:port`.
        user: The user; `biolake` where none is told.
        password: The user's, over https only.
        authority: File of the authority that signed the server's certificate; the system's where None.
        catalog: The delta_lake catalog that the lake's tables are registered in.
    """

    url: str
    user: str = "biolake"
    password: SecretStr | None = None
    authority: Path | None = None
    catalog: str = "lake"


@dataclass(frozen=True)
class TrinoRows:
    """Rows in JSON's types, their columns' names, whether there were more, and what Trino read for them."""

    rows: list[list[Any]]
    names: tuple[str, ...] = ()
    truncated: bool = False
    scanned_bytes: int | None = None


@dataclass
class TrinoConnection:
    """Asks one Trino. Safe to share between threads."""

    address: TrinoAddress
    _local: threading.local = field(default_factory=threading.local)

    def rows(
        self, sql: str, seconds: float, *, most_rows: int | None = None, most_bytes: int | None = None
    ) -> TrinoRows:
        """Answer a statement.

        Args:
            sql: In Trino's SQL.
            seconds: How long it may take; Trino itself ends it then.
            most_rows: Rows after which the rest is left out.
            most_bytes: The same for bytes, as JSON has them, more or less.

        Raises:
            TrinoQueryError: Trino refused it or failed; `typed_error` says what that means.
            QueryTimedOut: It took longer.
            TrinoUnavailable: Trino cannot be reached.
        """
        from trino import exceptions

        deadline = time.monotonic() + seconds
        cursor = self._connected({"query_max_run_time": f"{max(1, round(seconds * 1000))}ms"}).cursor()
        try:
            cursor.execute(sql)
            kept: list[list[Any]] = []
            names = tuple(str(column[0]) for column in cursor.description or ())
            size = 0
            for row in cursor:
                if most_rows is not None and len(kept) >= most_rows:
                    cursor.cancel()
                    return TrinoRows(kept, names, True)
                size += _size(row) if most_bytes is not None else 0
                if most_bytes is not None and size > most_bytes:
                    cursor.cancel()
                    return TrinoRows(kept, names, True)
                kept.append(row)
                if time.monotonic() > deadline:
                    cursor.cancel()
                    raise errors.QueryTimedOut("no answer in time.")
            stats = cursor.stats or {}
            return TrinoRows(kept, names, False, stats.get("physicalInputBytes"))
        except (OSError, exceptions.TrinoConnectionError) as error:
            said = str(error).partition("\n")[0]
            remedy = "Start Trino, or correct BIOLAKE_TRINO_URL."
            # Said of an unknown authority, and of a file that holds none or is not there.
            if "certificate" in said.lower():
                remedy = "Set BIOLAKE_TRINO_CA to the file of the authority that signed its certificate."
            raise errors.TrinoUnavailable(f"{self.address.url} does not answer ({said[:200]}). {remedy}") from error
        except exceptions.HttpError as error:
            said = str(error)[:120]
            raise errors.TrinoUnavailable(
                f"{self.address.url} refuses {self.address.user} ({said}). Correct BIOLAKE_TRINO_USER and "
                "BIOLAKE_TRINO_PASSWORD."
            ) from error

    def _connected(self, properties: Mapping[str, str]) -> Any:
        from trino.auth import BasicAuthentication
        from trino.dbapi import Connection

        session = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = _session(self.address.authority)
        secret = self.address.password
        return Connection(
            self.address.url,
            user=self.address.user,
            source="biolake",
            auth=BasicAuthentication(self.address.user, secret.get_secret_value()) if secret else None,
            session_properties={"max_recursion_depth": "20", **properties},
            http_session=session,
            timezone="UTC",
            # Rows come with the answer, in JSON's types: `trino_result` makes Arrow of them column by column.
            encoding=[],
            legacy_primitive_types=True,
            request_timeout=30.0,
        )


def _session(authority: Path | None) -> "requests.Session":
    import requests

    class Session(requests.Session):
        def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
            # Otherwise the system's authorities, where REQUESTS_CA_BUNDLE names them, replace the one that was told.
            verify = self.verify if verify is None else verify
            return super().merge_environment_settings(url, proxies, stream, verify, cert)

    session = Session()
    session.verify = str(authority) if authority else True
    return session


def typed_error(error: "TrinoQueryError", position: int | None) -> errors.SqlError:
    """Return the platform's error for Trino's, with its place in the user's statement."""
    name, said = error.error_name or "", error.message.partition("\n")[0].rstrip(".")
    said = said.partition(": ")[2] if said.startswith("line ") else said
    if name in _LATE:
        return errors.QueryTimedOut("no answer in time.")
    if error.error_type == "INSUFFICIENT_RESOURCES" or any(part in name for part in _TOO_LARGE):
        if name in _BUSY:
            return errors.EngineBusy(f"Trino has no place for the statement now ({said}). Try again.")
        return errors.QueryTooLarge(f"{said}. Select fewer rows or columns, or filter by feature_id or dataset_id.")
    if name in _BUSY:
        return errors.EngineBusy(f"Trino has no place for the statement now ({said}). Try again.")
    if name in _DENIED:
        return errors.TrinoUnavailable(f"Trino refuses: {said}. See docs/sql-on-trino.md for what its catalog needs.")
    if name in _VALUES:
        return errors.InvalidValue(f"{said}. Use try_cast or filter such values first.", position)
    if error.error_type == "USER_ERROR":
        return errors.NotOnTrino(f"Trino does not take this: {said}. Write it otherwise.", position)
    if error.error_type == "EXTERNAL" or name.startswith("DELTA_LAKE"):
        return errors.LakeFileMissing(f"Trino could not read the lake: {said}. Verify the lake.")
    return errors.TrinoUnavailable(f"Trino failed: {name}: {said}. See its log.")


def _size(row: Sequence[Any]) -> int:
    return sum(len(item) * 8 if isinstance(item, list | str | dict) else 8 for item in row)
