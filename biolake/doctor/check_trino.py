"""Trino: reached, let in, new enough, with a delta_lake catalog in which the lake's tables may be registered."""

from collections.abc import Iterator

from biolake.doctor.models import Examination, Finding, ok, problem
from biolake.settings import Settings

_ENGINE = "sql"
_OLDEST = 440
_SECONDS = 15.0


def trino(settings: Settings) -> Examination:
    """Look at the server as the platform's user."""

    def look() -> Iterator[Finding]:
        from biolake.sql.errors import TrinoUnavailable
        from biolake.sql.trino_connection import TrinoAddress, TrinoConnection

        assert settings.trino_url is not None
        address = TrinoAddress(
            settings.trino_url,
            settings.trino_user,
            settings.trino_password,
            settings.trino_ca,
            settings.trino_catalog,
        )
        connection = TrinoConnection(address)
        try:
            nodes = connection.rows("SELECT node_version FROM system.runtime.nodes WHERE state = 'active'", _SECONDS)
        except TrinoUnavailable as error:
            yield problem(_ENGINE, "reachable", str(error), "Do what the message says.")
            return
        versions = sorted({str(row[0]) for row in nodes.rows})
        yield ok(_ENGINE, "reachable", f"{settings.trino_url}, {len(nodes.rows)} nodes")
        yield _version(versions)
        yield _catalog(connection)

    return Examination(_ENGINE, look)


def _version(versions: list[str]) -> Finding:
    found = f"Trino {', '.join(versions)}"
    if any(version.isdigit() and int(version) < _OLDEST for version in versions):
        return problem(
            _ENGINE, "version", found, f"Upgrade it to {_OLDEST} or newer; docs/sql-on-trino.md says which ran."
        )
    return ok(_ENGINE, "version", found)


def _catalog(connection: "object") -> Finding:
    from trino.exceptions import TrinoQueryError

    from biolake.sql.relations import quoted, text
    from biolake.sql.trino_connection import TrinoConnection

    assert isinstance(connection, TrinoConnection)
    name = connection.address.catalog
    asked = f"SELECT connector_name FROM system.metadata.catalogs WHERE catalog_name = {text(name)}"  # noqa: S608
    try:
        kinds = [str(row[0]) for row in connection.rows(asked, _SECONDS).rows]
        if kinds != ["delta_lake"]:
            found = f"{name} is {'not there' if not kinds else f'a catalog of {kinds[0]}'}"
            return problem(
                _ENGINE, "catalog", found, "Make a delta_lake catalog of that name, or set BIOLAKE_TRINO_CATALOG."
            )
        connection.rows(f"SHOW SCHEMAS FROM {quoted(name)}", _SECONDS)
        # A table that cannot be: what Trino says tells whether tables may be registered at all.
        connection.rows(
            f"CALL {quoted(name)}.system.register_table(schema_name => 'biolake_doctor_none', table_name => 'none', "
            "table_location => 's3://none/none')",
            _SECONDS,
        )
    except TrinoQueryError as error:
        if "biolake_doctor_none" in error.message and "not found" in error.message.lower():
            return ok(_ENGINE, "catalog", f"{name} is a delta_lake catalog that registers tables")
        return problem(
            _ENGINE,
            "catalog",
            f"{name}: {error.message.partition(chr(10))[0]}",
            "Set delta.register-table-procedure.enabled=true in the catalog, and let the user register tables.",
        )
    return ok(_ENGINE, "catalog", f"{name} is a delta_lake catalog")
