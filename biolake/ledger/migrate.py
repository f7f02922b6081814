"""The version of the ledger's schema: read, required and brought up to date. The revisions are in `migrations`.

A database has one schema of the ledger, with the tables of studies in it. Its version has a table of its own, so that
another program's Alembic, such as that of Dagster's storage, does not take it for its own.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, MetaData, column, inspect, select, table

from biolake.ledger.errors import LedgerOutdated, LedgerSchemaUnknown, LedgerTooNew
from biolake.ledger.transactions import reading, writing

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0005"
"""The revision that this version's code works with."""

VERSION_TABLE = "biolake_ledger_version"

_FIRST = "0001"
_MIGRATIONS = Path(__file__).resolve().parent / "migrations"


class SchemaState(StrEnum):
    """What a database's schema is to this version's code."""

    EMPTY = "empty"
    CURRENT = "current"
    OUTDATED = "outdated"
    TOO_NEW = "too new"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Schema:
    """The schema of a database.

    Attributes:
        revision: What it is at; None where it is empty or unknown.
        remedy: What is wrong and what to do; empty where nothing is.
    """

    state: SchemaState
    revision: str | None
    remedy: str = ""


def require_schema(engine: Engine) -> None:
    """Make sure that the database has this version's schema; an empty one gets it, and an older SQLite file, too.

    Raises:
        LedgerOutdated: A database of PostgreSQL has an older one.
        LedgerTooNew: It has a newer one.
        LedgerSchemaUnknown: Its tables are not the ledger's.
        LedgerUnavailable: The database did not answer.
    """
    with reading(engine) as connection:
        if _recorded(connection) == HEAD:
            return
    with writing(engine) as connection:
        found = schema_on(connection)
        # A file belongs to one machine, where code of one version runs; its DDL is kept with the rest, or not at all.
        if found.state == SchemaState.OUTDATED and engine.dialect.name != "sqlite":
            raise LedgerOutdated(f"{_where(engine)}: {found.remedy}")
        _bring_up_to_date(connection, found, _where(engine))


def schema_of(engine: Engine) -> Schema:
    """Look at the database's schema; nothing is changed.

    Raises:
        LedgerUnavailable: The database did not answer.
    """
    with reading(engine) as connection:
        return schema_on(connection)


def upgrade(engine: Engine) -> Schema:
    """Bring the database's schema up to date, in one transaction; return what it was.

    Of several processes that upgrade at once, one does, and the others find it done.

    Raises:
        LedgerTooNew: It has a newer schema.
        LedgerSchemaUnknown: Its tables are not the ledger's.
        LedgerUnavailable: The database did not answer.
    """
    with writing(engine) as connection:
        found = schema_on(connection)
        _bring_up_to_date(connection, found, _where(engine))
        return found


def schema_on(connection: Connection) -> Schema:
    """As :func:`schema_of`, within a transaction."""
    recorded = _recorded(connection)
    if recorded == HEAD:
        return Schema(SchemaState.CURRENT, recorded)
    if recorded is not None and recorded not in _known():
        return Schema(
            SchemaState.TOO_NEW,
            recorded,
            f"its schema is at revision {recorded}, and this version of Biolake knows none after {HEAD}. Use the "
            "version that upgraded it, or restore the backup that was taken before.",
        )
    if recorded is None:
        there = _first_metadata().tables.keys() & set(inspect(connection).get_table_names())
        if not there:
            return Schema(SchemaState.EMPTY, None)
        strange = _strange(connection, there)
        if strange:
            return Schema(
                SchemaState.UNKNOWN,
                None,
                f"it has tables of the ledger's names that are not the ledger's: {', '.join(strange)}. Give the "
                "ledger a database of its own (Dagster's storage has a table `jobs`, too), or restore a backup.",
            )
    return Schema(
        SchemaState.OUTDATED,
        recorded or _FIRST,
        f"its schema is at revision {recorded or _FIRST}, and this version of Biolake works with {HEAD}. Back it up, "
        "stop what runs with the older version, then: biolake ledger upgrade",
    )


def _bring_up_to_date(connection: Connection, found: Schema, where: str) -> None:
    if found.state == SchemaState.TOO_NEW:
        raise LedgerTooNew(f"{where}: {found.remedy}")
    if found.state == SchemaState.UNKNOWN:
        raise LedgerSchemaUnknown(f"{where}: {found.remedy}")
    if found.state == SchemaState.CURRENT:
        return
    from alembic import command

    config = _config(connection)
    if found.state == SchemaState.OUTDATED and _recorded(connection) is None:
        # Earlier versions made the tables of studies when the first study came, and new tables as they were needed.
        _first_metadata().create_all(connection)
        command.stamp(config, _FIRST)
    command.upgrade(config, "head")


def _recorded(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(select(column("version_num")).select_from(table(VERSION_TABLE))).scalar()


def _strange(connection: Connection, there: set[str]) -> list[str]:
    """The tables that differ from those of the first revision."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def ours(name: str | None, kind: str, _parents: Any) -> bool:
        return kind != "table" or name in there

    context = MigrationContext.configure(
        connection, opts={"include_name": ours, "compare_type": True, "version_table": VERSION_TABLE}
    )
    expected = MetaData()
    for name in there:
        _first_metadata().tables[name].to_metadata(expected)
    return sorted({_table_of(difference) for difference in compare_metadata(context, expected)})


def _table_of(difference: Any) -> str:
    """The table that one of Alembic's differences is about."""
    first = difference[0] if isinstance(difference, list) else difference
    kind, subject = first[0], first[1]
    if kind.endswith(("_index", "_constraint", "_fk")):
        return subject.table.name
    return subject.name if kind.endswith("_table") else first[2]


def _known() -> set[str]:
    from alembic.script import ScriptDirectory

    return {script.revision for script in ScriptDirectory(str(_MIGRATIONS)).walk_revisions()}


def _first_metadata() -> MetaData:
    from biolake.ledger.migrations.versions.r0001_first_schema import METADATA

    return METADATA


def _config(connection: Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _where(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=True)
