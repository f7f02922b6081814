"""A ledger of the previous version keeps its rows when it is upgraded; one of another version is refused by name."""

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, make_url, text

from biolake.ledger import migrate
from biolake.ledger.connect import open_engine
from biolake.ledger.errors import LedgerOutdated, LedgerSchemaUnknown, LedgerTooNew
from biolake.ledger.jobs import find_jobs
from biolake.ledger.ledger import Ledger
from biolake.ledger.migrate import HEAD, VERSION_TABLE, SchemaState, schema_of, upgrade
from biolake.ledger.migrations.versions.r0001_first_schema import METADATA as FIRST_TABLES
from biolake.ledger.models import JobState
from biolake.ledger.tables import METADATA as LEDGER_TABLES
from biolake.ledger.transactions import reading
from biolake.studies.tables import METADATA as STUDY_TABLES

DUMPS = Path(__file__).parent / "dumps"

New = Callable[[], str]


@pytest.fixture
def before(new_database: New) -> str:
    """A database that the version before schemas had versions left, with rows in every table."""
    return loaded(new_database())


@pytest.fixture
def engine(before: str) -> Iterator[Engine]:
    made = open_engine(make_url(before))
    yield made
    made.dispose()


def loaded(url: str) -> str:
    backend = make_url(url).get_backend_name()
    statements = (DUMPS / f"0001.{backend}.sql").read_text(encoding="utf-8")
    made = create_engine(url)
    connection: Any = made.raw_connection()
    if backend == "sqlite":
        connection.executescript(statements)
    else:
        connection.cursor().execute(statements)
    connection.commit()
    connection.close()
    made.dispose()
    return url


def rows(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Every table's rows; of those that the first version had, the columns that it had."""
    known, found = inspect(engine), {}
    with engine.connect() as connection:
        for name in set(known.get_table_names()) - {VERSION_TABLE}:
            there = [column["name"] for column in known.get_columns(name)]
            first = FIRST_TABLES.tables.get(name)
            kept = there if first is None else [column for column in there if column in first.c]
            columns = ", ".join(f'"{column}"' for column in kept)
            statement = text(f'SELECT {columns} FROM "{name}"')
            found[name] = sorted(tuple(map(repr, row)) for row in connection.execute(statement))
    return found


def change(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))


def test_every_row_of_the_previous_version_is_kept(engine: Engine, before: str) -> None:
    kept = rows(engine)
    assert kept.keys() == FIRST_TABLES.tables.keys()
    assert all(kept.values()), "every table has rows"
    assert schema_of(engine).state == SchemaState.OUTDATED
    assert (upgrade(engine).revision, schema_of(engine).revision) == ("0001", HEAD)
    assert {name: found for name, found in rows(engine).items() if name in kept} == kept
    ledger = Ledger(before)
    with ledger.reading() as connection:
        assert [job.state for job in find_jobs(connection, dataset_ids=["broken"])] == [JobState.ERRORED]
    ledger.close()


def test_an_upgrade_that_is_done_is_done(engine: Engine) -> None:
    upgrade(engine)
    kept = rows(engine)
    assert upgrade(engine).state == SchemaState.CURRENT
    assert rows(engine) == kept


@pytest.mark.parametrize("how", ["new", "upgraded"])
def test_declarations_and_revisions_make_the_same_schema(how: str, new_database: New) -> None:
    url = new_database()
    if how == "upgraded":
        loaded(url)
    engine = open_engine(make_url(url))
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "version_table": VERSION_TABLE})
        assert compare_metadata(context, [LEDGER_TABLES, STUDY_TABLES]) == []
    engine.dispose()


def test_the_code_works_with_the_newest_revision() -> None:
    assert ScriptDirectory(str(migrate._MIGRATIONS)).get_heads() == [HEAD]


def test_a_database_without_the_tables_of_studies_gets_them(engine: Engine, before: str) -> None:
    for name in STUDY_TABLES.tables:
        change(engine, f"DROP TABLE {name}")
    upgrade(engine)
    assert set(STUDY_TABLES.tables) <= set(inspect(engine).get_table_names())


@pytest.mark.parametrize(
    ("done", "named"),
    [
        ("DROP INDEX jobs_by_lot", "jobs"),
        ("ALTER TABLE lots ADD COLUMN colour VARCHAR(10)", "lots"),
        ("ALTER TABLE objects DROP COLUMN version", "objects"),
        ("DROP TABLE jobs; CREATE TABLE jobs (id INTEGER PRIMARY KEY, status VARCHAR(63))", "jobs"),
    ],
)
def test_tables_of_something_else_are_refused_and_left_alone(engine: Engine, before: str, done: str, named: str):
    for statement in done.split("; "):
        change(engine, statement)
    kept, tables = rows(engine), set(inspect(engine).get_table_names())
    for opened in (Ledger, lambda _url: upgrade(engine)):
        with pytest.raises(LedgerSchemaUnknown, match=f"not the ledger's: {named}\\. Give the ledger a database"):
            opened(before)
    assert schema_of(engine).state == SchemaState.UNKNOWN
    assert (rows(engine), set(inspect(engine).get_table_names())) == (kept, tables)


def test_a_newer_schema_is_refused_and_left_alone(ledger: Ledger) -> None:
    change(ledger.engine, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    url = ledger.url.render_as_string(hide_password=False)
    for opened in (Ledger, lambda _url: upgrade(ledger.engine)):
        with pytest.raises(LedgerTooNew, match=f"revision 9999, and this version of Biolake knows none after {HEAD}"):
            opened(url)
    assert schema_of(ledger.engine).state == SchemaState.TOO_NEW


def test_opening_an_outdated_ledger(engine: Engine, before: str) -> None:
    """A file is upgraded; a server may have other versions at work on it, so its operator says when."""
    if engine.dialect.name == "sqlite":
        Ledger(before).close()
        assert schema_of(engine).state == SchemaState.CURRENT
        return
    kept = rows(engine)
    with pytest.raises(LedgerOutdated, match="biolake ledger upgrade"):
        Ledger(before)
    assert not inspect(engine).has_table(VERSION_TABLE)
    assert rows(engine) == kept


def test_a_revision_that_fails_leaves_the_schema_as_it_was(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import command

    kept, real = rows(engine), command.upgrade

    def fails(config: Any, revision: str) -> None:
        real(config, revision)
        raise sqlite3.OperationalError("the disk is full")

    monkeypatch.setattr(command, "upgrade", fails)
    with pytest.raises(sqlite3.OperationalError):
        upgrade(engine)
    assert schema_of(engine).revision == "0001"
    assert not inspect(engine).has_table(VERSION_TABLE)
    assert rows(engine) == kept


def _upgrade(url: str) -> str | None:
    engine = open_engine(make_url(url))
    upgrade(engine)
    found = schema_of(engine).revision
    with reading(engine) as connection:
        assert len(find_jobs(connection)) == 7
    engine.dispose()
    return found


def test_processes_that_upgrade_at_once_all_succeed(new_database: New) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as processes:
        list(processes.map(_upgrade, [loaded(new_database()) for _ in range(4)]))
        for _ in range(5):
            assert list(processes.map(_upgrade, [loaded(new_database())] * 4)) == [HEAD] * 4
