"""A ledger in PostgreSQL: reached, recent enough, writable, with the code's schema and connections to spare."""

from collections.abc import Iterator
from typing import Any

from biolake.doctor.clock import clock, now
from biolake.doctor.ledger_schema import schema
from biolake.doctor.models import Examination, Finding, ok, problem, warning
from biolake.settings import Settings

_OLDEST = 13
_BUSY_SHARE = 0.8
_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
# The ledger's tables that are there and that the user lacks a right on.
_REFUSED = f"""
    SELECT coalesce(string_agg(relname, ', ' ORDER BY relname), '') FROM pg_class
    WHERE relnamespace = to_regnamespace(quote_ident(current_schema())) AND relkind = 'r'
    AND relname = ANY(:tables)
    AND NOT ({" AND ".join(f"has_table_privilege(oid, '{right}')" for right in _RIGHTS)})
"""  # noqa: S608 - no one else's words


def postgres(settings: Settings) -> Examination:
    """Look at the database as the platform's user."""

    def look() -> Iterator[Finding]:
        from sqlalchemy import create_engine
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import OperationalError
        from sqlalchemy.pool import NullPool

        url = make_url(settings.ledger)
        if settings.ledger_password is not None:
            url = url.set(password=settings.ledger_password.get_secret_value())
        engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 5})
        where = f"{url.host or 'local socket'}:{url.port or 5432}/{url.database}"
        try:
            with engine.connect() as connection:
                yield ok("ledger", "reachable", where)
                yield from _ask(connection)
        except OperationalError as error:
            reason = str(error.orig).strip().replace("\n", " ")
            yield problem("ledger", "reachable", f"{where}: {reason}", _reach(reason))

    return Examination("ledger", look)


def _reach(reason: str) -> str:
    if "password" in reason or "authentication" in reason:
        return "Correct BIOLAKE_LEDGER_PASSWORD and the user in BIOLAKE_LEDGER; see pg_hba.conf."
    if "does not exist" in reason:
        return "Create the database and the role (docs/operations.md), or correct BIOLAKE_LEDGER."
    if "too many" in reason or "slots" in reason:
        return "Raise max_connections, or stop what holds connections it does not need."
    return "Start PostgreSQL, or correct BIOLAKE_LEDGER."


def _ask(connection: Any) -> Iterator[Finding]:
    from sqlalchemy import text

    def value(statement: str, **parameters: object) -> Any:
        return connection.execute(text(statement), parameters).scalar_one()

    number = int(value("SHOW server_version_num"))
    said = str(value("SHOW server_version"))
    if number >= _OLDEST * 10_000:
        yield ok("ledger", "version", f"PostgreSQL {said}")
    else:
        yield problem("ledger", "version", f"PostgreSQL {said}", f"Upgrade it to {_OLDEST} or newer.")
    before = now()
    server = value("SELECT clock_timestamp()")
    yield clock("ledger", server, before, now())
    encoding = str(value("SHOW server_encoding"))
    if encoding == "UTF8":
        yield ok("ledger", "encoding", encoding)
    else:
        yield problem("ledger", "encoding", encoding, "Create the database with ENCODING 'UTF8' and restore into it.")
    if value("SELECT pg_is_in_recovery()"):
        yield problem("ledger", "writable", "this server is a replica", "Set BIOLAKE_LEDGER to the primary.")
        return
    yield _permissions(value)
    yield schema(connection)
    yield _connections(value)


def _permissions(value: Any) -> Finding:
    from biolake.ledger.tables import METADATA

    schema = value("SELECT current_schema()")
    if schema is None or not value("SELECT has_schema_privilege(current_schema(), 'CREATE')"):
        return problem(
            "ledger",
            "permissions",
            f"user {value('SELECT current_user')} may not create tables in the schema {schema or 'public'}",
            "GRANT USAGE, CREATE ON SCHEMA to it: migrations make tables.",
        )
    refused = value(_REFUSED, tables=sorted(METADATA.tables))
    if refused:
        return problem(
            "ledger",
            "permissions",
            f"user {value('SELECT current_user')} lacks rights on {refused}",
            "GRANT SELECT, INSERT, UPDATE, DELETE on these tables to it, or make it their owner.",
        )
    return ok("ledger", "permissions", "tables may be made, read and written")


def _connections(value: Any) -> Finding:
    used = int(value("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"))
    allowed = int(value("SHOW max_connections"))
    found = f"{used} of {allowed} connections in use"
    if used > _BUSY_SHARE * allowed:
        return warning("ledger", "connections", found, "Raise max_connections, or put a pooler before the database.")
    return ok("ledger", "connections", found)
