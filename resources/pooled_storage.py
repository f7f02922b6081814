"""Dagster's storage in PostgreSQL with a pool of connections; dagster-postgres itself opens one for every query.

`dagster-production.yaml` names it. A process has one pool for each database, whatever its number of instances: a code
server makes one for every tick of a sensor.
"""

import os
import threading
from collections.abc import Mapping
from typing import Any

import dagster as dg
import sqlalchemy as db
from dagster._config.config_schema import UserConfigSchema
from dagster._core.storage.config import pg_config
from dagster._serdes import ConfigurableClassData
from dagster_postgres import PostgresEventLogStorage, PostgresRunStorage, PostgresScheduleStorage
from dagster_postgres.utils import pg_url_from_config
from sqlalchemy import event

from resources.three_storages import ThreeStorages

_POOLS: dict[tuple[str, tuple[tuple[str, Any], ...]], db.Engine] = {}
_LOCK = threading.Lock()


class PooledPostgresStorage(ThreeStorages):
    """Runs, events and schedules in one database, over one pool of connections."""

    def __init__(
        self,
        postgres_url: str,
        *,
        connections: int,
        recycle_seconds: int,
        should_autocreate_tables: bool = True,
        inst_data: ConfigurableClassData | None = None,
    ) -> None:
        """Make missing tables, where nobody in this process has yet."""
        options = {"pool_size": connections, "pool_recycle": recycle_seconds}
        create = should_autocreate_tables and (postgres_url, _key(options)) not in _POOLS
        runs, events = _Runs(postgres_url, create), _Events(postgres_url, create)
        schedules = _Schedules(postgres_url, create)
        for storage in (runs, events, schedules):
            storage.use_pool(options)
        super().__init__(runs, events, schedules, inst_data)

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """The configuration of dagster-postgres, and the pool's."""
        theirs: Any = pg_config()
        return {
            **{name: theirs[name] for name in ("postgres_url", "postgres_db", "should_autocreate_tables")},
            "connections": dg.Field(
                dg.IntSource, is_required=False, default_value=5, description="Most connections that a process keeps."
            ),
            "recycle_seconds": dg.Field(
                dg.IntSource, is_required=False, default_value=1800, description="Age at which one is replaced."
            ),
        }

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "PooledPostgresStorage":
        """Make it as `dagster.yaml` says."""
        return cls(
            pg_url_from_config(config_value),
            connections=config_value["connections"],
            recycle_seconds=config_value["recycle_seconds"],
            should_autocreate_tables=config_value["should_autocreate_tables"],
            inst_data=inst_data,
        )


class _Pooled:
    """One of dagster-postgres's storages, over the process's pool."""

    postgres_url: str
    _engine: db.Engine

    def use_pool(self, options: dict[str, Any]) -> None:
        """Take connections from the process's pool from now on."""
        self._options = options
        self._engine.dispose()
        self._engine = _pool(self.postgres_url, options)

    def optimize_for_webserver(self, statement_timeout: int, pool_recycle: int, max_overflow: int) -> None:
        """Keep the pool, and end statements that take too long: a page of the UI must not hold a connection."""
        del pool_recycle, max_overflow
        self.use_pool({**self._options, "statement_timeout": statement_timeout})


class _Runs(_Pooled, PostgresRunStorage):
    """Runs over the pool."""


class _Events(_Pooled, PostgresEventLogStorage):
    """Events over the pool."""


class _Schedules(_Pooled, PostgresScheduleStorage):
    """Schedules over the pool."""


def _pool(url: str, options: dict[str, Any]) -> db.Engine:
    with _LOCK:
        key = (url, _key(options))
        if key not in _POOLS:
            _POOLS[key] = _open(url, **options)
        return _POOLS[key]


def _open(url: str, pool_size: int, pool_recycle: int, statement_timeout: int = 0) -> db.Engine:
    engine = db.create_engine(
        url,
        # As dagster-postgres has it; its transactions say READ COMMITTED themselves.
        isolation_level="AUTOCOMMIT",
        pool_size=pool_size,
        pool_recycle=pool_recycle,
        max_overflow=0,
        pool_pre_ping=True,
        pool_use_lifo=True,
        connect_args={"application_name": "biolake-dagster"},
    )
    if statement_timeout:

        @event.listens_for(engine, "connect")
        def _limit(connection: Any, _record: object) -> None:
            with connection, connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = %s", (statement_timeout,))

    return engine


def _key(options: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(options.items()))


def _after_fork() -> None:
    # A child must not speak on its parent's connections.
    for engine in _POOLS.values():
        engine.dispose(close=False)


os.register_at_fork(after_in_child=_after_fork)
