"""Forget the history of Dagster's runs, but not what it knows of assets.

Deleting a run deletes its materializations, and a lot is a partition that is materialized once: the UI would take old
datasets for missing. So of an old run the newest events of each asset and partition stay, and with them the run's row,
which the UI links to. The results of checks are in a table of their own, where the newest of each partition stays, too.
Tables and their meaning: dagster/_core/storage/event_log/schema.py of the pinned release.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetEventTagsTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from sqlalchemy import Connection, and_, delete, exists, or_, select
from sqlalchemy.sql.elements import ColumnElement

_CURSOR = "biolake/history"
_RUNS_AT_ONCE = 100
_KEPT_TYPES = (dg.DagsterEventType.ASSET_MATERIALIZATION.value, dg.DagsterEventType.ASSET_OBSERVATION.value)
_EVENTS = SqlEventLogStorageTable

# What stays of a run: type, asset, partition.
Kept = tuple[str, str, str | None]


@dataclass(frozen=True)
class Forgotten:
    """What is gone.

    Attributes:
        runs: Runs that are gone with all that they said.
        emptied: Runs of which only the newest word on an asset or a partition is left.
    """

    runs: int
    emptied: int


def forget_runs_before(instance: dg.DagsterInstance, moment: datetime) -> Forgotten:
    """Forget runs that ended before `moment`. Killing it loses nothing that should stay; it goes on where it was."""
    storage = instance.event_log_storage
    # Every storage of Dagster that outlives a process is one.
    assert isinstance(storage, SqlEventLogStorage)
    runs = emptied = 0
    for record in _old_runs(instance, moment):
        run_id = record.dagster_run.run_id
        with storage.index_connection() as connection:
            kept = _newest(connection, run_id)
            _forget_checks(connection, run_id)
        if kept:
            with storage.run_connection(run_id) as connection:
                gone = _forget_events(connection, run_id, kept)
            with storage.index_connection() as connection:
                gone += _forget_events(connection, run_id, kept)
            # The last run of an earlier call comes once more.
            emptied += gone > 0
        else:
            instance.delete_run(run_id)
            runs += 1
    return Forgotten(runs, emptied)


def _old_runs(instance: dg.DagsterInstance, moment: datetime) -> Iterator[dg.RunRecord]:
    """Finished runs that no earlier call has seen, oldest first; what is yielded counts as done with the next."""
    told = instance.daemon_cursor_storage.get_cursor_values({_CURSOR}).get(_CURSOR)
    since = datetime.fromisoformat(told) if told else datetime(1970, 1, 1, tzinfo=UTC)
    seen: set[str] = set()
    while True:
        records = instance.get_run_records(
            dg.RunsFilter(statuses=list(FINISHED_STATUSES), updated_after=since, updated_before=moment),
            limit=_RUNS_AT_ONCE,
            order_by="update_timestamp",
            ascending=True,
        )
        fresh = [record for record in records if record.dagster_run.run_id not in seen]
        yield from fresh
        seen |= {record.dagster_run.run_id for record in fresh}
        if not fresh:
            return
        # Runs of the same moment must not be passed over; those that were seen are left out above.
        since = fresh[-1].update_timestamp.replace(tzinfo=UTC) - timedelta(microseconds=1)
        instance.daemon_cursor_storage.set_cursor_values({_CURSOR: since.isoformat()})


def _newest(connection: Connection, run_id: str) -> set[Kept]:
    """Of what the run told of assets, that which nothing newer tells."""
    newer = _EVENTS.alias("newer")
    replaced = exists().where(
        newer.c.asset_key == _EVENTS.c.asset_key,
        newer.c.dagster_event_type == _EVENTS.c.dagster_event_type,
        _same(newer.c.partition, _EVENTS.c.partition),
        newer.c.id > _EVENTS.c.id,
    )
    query = select(_EVENTS.c.dagster_event_type, _EVENTS.c.asset_key, _EVENTS.c.partition).where(
        _EVENTS.c.run_id == run_id,
        _EVENTS.c.dagster_event_type.in_(_KEPT_TYPES),
        _EVENTS.c.asset_key.is_not(None),
        ~replaced,
    )
    return {(kind, asset, partition) for kind, asset, partition in connection.execute(query)}


def _forget_events(connection: Connection, run_id: str, kept: set[Kept]) -> int:
    stays = or_(
        *(
            and_(
                _EVENTS.c.dagster_event_type == kind, _EVENTS.c.asset_key == asset, _is(_EVENTS.c.partition, partition)
            )
            for kind, asset, partition in kept
        )
    )
    # Where a column has no value, what is said of it is neither true nor false.
    goes = and_(_EVENTS.c.run_id == run_id, or_(~stays, stays.is_(None)))
    ids = select(_EVENTS.c.id).where(goes)
    connection.execute(delete(AssetEventTagsTable).where(AssetEventTagsTable.c.event_id.in_(ids)))
    return connection.execute(delete(_EVENTS).where(goes)).rowcount


def _forget_checks(connection: Connection, run_id: str) -> None:
    table = AssetCheckExecutionsTable
    newer = table.alias("newer")
    replaced = exists().where(
        newer.c.asset_key == table.c.asset_key,
        newer.c.check_name == table.c.check_name,
        _same(newer.c.partition, table.c.partition),
        newer.c.id > table.c.id,
    )
    connection.execute(delete(table).where(table.c.run_id == run_id, replaced))


def _same(one: Any, other: Any) -> ColumnElement[bool]:
    return or_(one == other, and_(one.is_(None), other.is_(None)))


def _is(column: Any, value: str | None) -> ColumnElement[bool]:
    return column.is_(None) if value is None else column == value
