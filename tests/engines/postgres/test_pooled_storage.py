"""Dagster's storage keeps its connections, finds out when they are gone, and is what dagster-postgres makes of it."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.dagster_run import DagsterRunStatus
from sqlalchemy import create_engine, make_url, text

from tests.engines.postgres.instance import production_instance
from tests.engines.servers.postgres import PostgresServer

SESSIONS = "SELECT sessions FROM pg_stat_database WHERE datname = :name"
CONNECTED = "SELECT count(*) FROM pg_stat_activity WHERE datname = :name"

PARTITIONS = dg.DynamicPartitionsDefinition(name="lots")


@dg.asset(partitions_def=PARTITIONS)
def counted() -> dg.MaterializeResult[None]:
    """An asset with metadata."""
    return dg.MaterializeResult(metadata={"rows": 3})


@pytest.fixture
def watch(postgres: PostgresServer, database: str) -> Callable[[str], int]:
    """Asks the server about the database, from outside of it."""
    engine = create_engine(make_url(database).set(database="postgres"), isolation_level="AUTOCOMMIT")

    def ask(statement: str) -> int:
        with engine.connect() as connection:
            return connection.execute(text(statement), {"name": make_url(database).database}).scalar_one()

    return ask


@pytest.fixture
def database(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture
def instance(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with production_instance(tmp_path / "dagster", database, monkeypatch) as made:
        yield made


def settled(watch: Callable[[str], int]) -> int:
    """The count of sessions, which backends report when they are idle or end."""
    while True:
        before = watch(SESSIONS)
        time.sleep(1.5)
        if watch(SESSIONS) == before:
            return before


def materialize(instance: dg.DagsterInstance, key: str) -> None:
    instance.add_dynamic_partitions("lots", [key])
    assert dg.materialize([counted], instance=instance, partition_key=key).success


def test_sessions_do_not_grow_with_queries(instance: dg.DagsterInstance, watch: Callable[[str], int]) -> None:
    materialize(instance, "first")
    before = settled(watch)
    for number in range(5):
        materialize(instance, f"lot{number}")
        instance.get_runs()
        instance.get_latest_materialization_event(counted.key)
    assert settled(watch) - before <= 5, "no more than the pool has"
    assert watch(CONNECTED) <= 5


def test_instances_of_a_process_share_their_connections(
    instance: dg.DagsterInstance, watch: Callable[[str], int]
) -> None:
    reference = instance.get_ref()
    materialize(instance, "first")
    before = settled(watch)

    def ask(_: int) -> int:
        with dg.DagsterInstance.from_ref(reference) as other:
            return other.get_runs_count()

    with ThreadPoolExecutor(12) as threads:
        assert set(threads.map(ask, range(60))) == {1}
    assert settled(watch) - before <= 5
    assert watch(CONNECTED) <= 5


def test_a_restart_of_the_server_costs_no_query(
    instance: dg.DagsterInstance, postgres: PostgresServer, watch: Callable[[str], int]
) -> None:
    materialize(instance, "first")
    postgres.restart()
    materialize(instance, "second")
    assert instance.get_runs_count() == 2
    assert instance.get_materialized_partitions(counted.key) == {"first", "second"}


def test_the_ui_ends_statements_that_take_too_long(instance: dg.DagsterInstance) -> None:
    instance.optimize_for_webserver(statement_timeout=200, pool_recycle=60, max_overflow=10)
    materialize(instance, "first")
    runs = instance.get_runs(dg.RunsFilter(statuses=[DagsterRunStatus.SUCCESS]))
    assert len(runs) == 1
    with instance.run_storage.connect() as connection, pytest.raises(Exception, match="statement timeout"):  # type: ignore[attr-defined]
        connection.execute(text("SELECT pg_sleep(5)"))
