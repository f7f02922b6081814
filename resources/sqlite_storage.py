"""Dagster's own storage of a local deployment, with connections that stay open.

Dagster opens and closes SQLite for every statement. The last connection that closes a file writes its journal back and
syncs it, and every commit syncs once more: a third of a second of each run, several under load. Here each file keeps a
connection, and commits are synced when the journal is written back. That is safe whatever process dies; a power failure
may cost the last moments of Dagster's history, never its consistency
(https://www.sqlite.org/pragma.html#pragma_synchronous). The files are those of Dagster's default storage. The
production profile uses PostgreSQL.
"""

# Dagster's own overrides of its base classes are not seen to be compatible.
# pyright: reportIncompatibleMethodOverride=false

import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._config.config_schema import UserConfigSchema
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage

# Where Dagster's default storage has its files is told by no public function. One that is renamed is an ImportError
# here, and Dagster's version is pinned; a layout of our own would leave the history behind silently.
from dagster._core.storage.sqlite_storage import _event_logs_directory, _runs_directory, _schedule_directory
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event

from resources.three_storages import ThreeStorages

_BUSY_SECONDS = 60
_RUNS_KEPT_OPEN = 8


class PooledSqliteStorage(ThreeStorages):
    """Runs, events and schedules in SQLite below `base_dir`, as `dagster.yaml` names it."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Open or create the files."""
        Path(base_dir).mkdir(parents=True, exist_ok=True)
        super().__init__(
            _Runs.from_local(_runs_directory(base_dir)),
            _Events(_event_logs_directory(base_dir)),
            _Schedules.from_local(_schedule_directory(base_dir)),
            inst_data,
        )

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """The configuration of Dagster's default storage."""
        return {"base_dir": dg.StringSource}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "PooledSqliteStorage":
        """Make it as `dagster.yaml` says."""
        return cls(config_value["base_dir"], inst_data)


class _OneFile:
    """One of Dagster's storages that is one file, with a connection that stays open."""

    def __init__(self, conn_string: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engine = _engine(conn_string)
        super().__init__(conn_string, inst_data)  # type: ignore[call-arg]

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        with self._engine.begin() as connection:
            yield connection

    def dispose(self) -> None:
        self._engine.dispose()


class _Runs(_OneFile, SqliteRunStorage):
    """Runs over the connection."""


class _Schedules(_OneFile, SqliteScheduleStorage):
    """Schedules over the connection."""


class _Events(SqliteEventLogStorage):
    """One file for each run and one for all, of which the newest few stay open."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        super().__init__(base_dir, inst_data)

    def store_event(self, event: EventLogEntry) -> None:
        super().store_event(event)
        # The UI follows a run by the file's time, which the journal beside it leaves as it is.
        os.utime(self.path_for_shard(event.run_id))

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine_of(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine, for_index_shard=shard == INDEX_SHARD_NAME)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def _engine_of(self, shard: str) -> Engine:
        if shard not in self._engines:
            self._engines[shard] = _engine(self.conn_string_for_shard(shard))
            runs = [name for name in self._engines if name != INDEX_SHARD_NAME]
            for name in runs[:-_RUNS_KEPT_OPEN]:
                self._engines.pop(name).dispose()
        self._engines.move_to_end(shard)
        return self._engines[shard]

    def dispose(self) -> None:
        super().dispose()
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()


def _engine(url: str) -> Engine:
    engine = create_engine(url, pool_size=1, max_overflow=-1, connect_args={"timeout": _BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def sync_with_the_journal(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA synchronous=NORMAL")

    return engine
