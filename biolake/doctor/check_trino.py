"""Trino: reached, started, with the catalogs of lake and index, and answering."""

from collections.abc import Iterator
from typing import Any

from biolake.doctor.clock import http_clock, now
from biolake.doctor.http import http_client, unreachable
from biolake.doctor.models import Examination, Finding, ok, problem, skipped
from biolake.settings import Settings

_ENGINE = "sql"
_PAGES = 100


class _Refused(Exception):
    """Trino answers a statement with an error; the text is its message."""


def trino(settings: Settings) -> Examination:
    """Ask Trino as the platform's user; where none is set the embedded engine needs no look."""

    def look() -> Iterator[Finding]:
        if settings.sql is None:
            yield skipped(_ENGINE, "reachable", "the embedded engine is used")
            return
        import httpx

        headers = {"X-Trino-User": settings.sql_user, "X-Trino-Source": "biolake-doctor"}
        with http_client(settings.sql, settings.sql_user, settings.sql_password, settings.sql_ca, headers) as client:
            try:
                before = now()
                answer = client.get("/v1/info")
                after = now()
            except httpx.HTTPError as error:
                yield unreachable(_ENGINE, "BIOLAKE_SQL", settings.sql, error)
                return
            if not answer.is_success:
                yield problem(_ENGINE, "reachable", f"{settings.sql}: {answer.status_code}", "Correct BIOLAKE_SQL.")
                return
            yield ok(_ENGINE, "reachable", settings.sql)
            yield from http_clock(_ENGINE, answer.headers.get("date"), before, after)
            info = answer.json()
            yield ok(_ENGINE, "version", f"Trino {info['nodeVersion']['version']}")
            if info.get("starting"):
                yield problem(_ENGINE, "started", "it is still starting", "Wait, and see its server.log.")
                return
            yield from _ask(client, settings)

    return Examination(_ENGINE, look)


def _ask(client: Any, settings: Settings) -> Iterator[Finding]:
    try:
        known = {str(row[0]) for row in _rows(client, "SHOW CATALOGS")}
    except _Refused as error:
        yield problem(
            _ENGINE,
            "catalogs",
            str(error),
            "Correct BIOLAKE_SQL_USER and BIOLAKE_SQL_PASSWORD, or Trino's access rules.",
        )
        return
    for variable, catalog in (
        ("BIOLAKE_SQL_LAKE_CATALOG", settings.sql_lake_catalog),
        ("BIOLAKE_SQL_INDEX_CATALOG", settings.sql_index_catalog),
    ):
        if catalog not in known:
            yield problem(
                _ENGINE,
                f"catalog {catalog}",
                f"not among {', '.join(sorted(known))}",
                f"Add etc/catalog/{catalog}.properties (docs/sql.md), or correct {variable}.",
            )
            continue
        try:
            schemas = [str(row[0]) for row in _rows(client, f'SHOW SCHEMAS FROM "{catalog}"')]
        except _Refused as error:
            yield problem(
                _ENGINE,
                f"catalog {catalog}",
                str(error),
                f"See etc/catalog/{catalog}.properties: what it names must answer.",
            )
        else:
            yield ok(_ENGINE, f"catalog {catalog}", f"{len(schemas)} schemas")
    try:
        _rows(client, "SELECT 1")
    except _Refused as error:
        yield problem(_ENGINE, "select", str(error), "See Trino's workers: GET /ui, and its server.log.")
    else:
        yield ok(_ENGINE, "select", "answered")


def _rows(client: Any, statement: str) -> list[list[Any]]:
    """Run a statement by Trino's own protocol (https://trino.io/docs/current/develop/client-protocol.html)."""
    import httpx

    rows: list[list[Any]] = []
    try:
        answer = client.post("/v1/statement", content=statement)
        for _ in range(_PAGES):
            if not answer.is_success:
                raise _Refused(f"{answer.status_code} {answer.text[:200].partition(chr(10))[0]}")
            page = answer.json()
            if "error" in page:
                raise _Refused(str(page["error"]["message"]).partition("\n")[0])
            rows += page.get("data") or []
            if "nextUri" not in page:
                return rows
            answer = client.get(page["nextUri"])
    except httpx.HTTPError as error:
        raise _Refused(f"{type(error).__name__}: {error}") from error
    raise _Refused("it answers without end")
