"""Lots in the ledger: which exist, which are unfinished, which run works on them and whether it is alive."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from biolake.ledger.errors import UnknownLot
from biolake.ledger.models import ENDED, Lot, LotState
from biolake.ledger.tables import JOBS, LOTS


def add_lot(connection: Connection, lot: Lot) -> None:
    """Record a new lot."""
    connection.execute(insert(LOTS).values({name: getattr(lot, name) for name in (column.name for column in LOTS.c)}))


def get_lot(connection: Connection, key: str) -> Lot:
    """Return a lot.

    Raises:
        UnknownLot: No lot has that key.
    """
    row = connection.execute(select(LOTS).where(LOTS.c.key == key)).mappings().first()
    if row is None:
        raise UnknownLot(
            f"{key}: no such lot in the ledger. Lots are made by the arrival sensor or `biolake reprocess`."
        )
    return _lot(row)


def open_lots(connection: Connection, repository: str | None = None) -> list[Lot]:
    """Return the unfinished lots, oldest first."""
    query = select(LOTS).where(LOTS.c.state == LotState.OPEN.value).order_by(LOTS.c.key)
    if repository is not None:
        query = query.where(LOTS.c.repository == repository)
    return [_lot(row) for row in connection.execute(query).mappings()]


def all_lots(connection: Connection, repository: str) -> list[Lot]:
    """Return every lot of a repository, oldest first."""
    query = select(LOTS).where(LOTS.c.repository == repository).order_by(LOTS.c.key)
    return [_lot(row) for row in connection.execute(query).mappings()]


def heaviest_job(connection: Connection, key: str) -> int:
    """Return the bytes of the lot's largest job."""
    return connection.execute(select(func.max(JOBS.c.size)).where(JOBS.c.lot == key)).scalar() or 0


def newest_lot_time(connection: Connection, repository: str) -> datetime | None:
    """Return when the repository's newest lot was made, None where there is none."""
    return connection.execute(select(func.max(LOTS.c.created_at)).where(LOTS.c.repository == repository)).scalar()


def take_lot(connection: Connection, key: str, run_id: str, now: datetime) -> None:
    """Say which run works on a lot."""
    connection.execute(update(LOTS).where(LOTS.c.key == key).values(run_id=run_id, heartbeat_at=now))


def beat(connection: Connection, key: str, run_id: str, now: datetime) -> bool:
    """Say that the run is alive; False means that another run has taken the lot over."""
    result = connection.execute(update(LOTS).where(LOTS.c.key == key, LOTS.c.run_id == run_id).values(heartbeat_at=now))
    return result.rowcount > 0


def next_attempt(connection: Connection, key: str) -> None:
    """Ask for another run of a lot."""
    connection.execute(
        update(LOTS).where(LOTS.c.key == key).values(attempt=LOTS.c.attempt + 1, run_id=None, heartbeat_at=None)
    )


def release_lot(connection: Connection, key: str, state: LotState) -> None:
    """Put an open lot into another state; a run that still works on it stops at its next commit."""
    connection.execute(
        update(LOTS)
        .where(LOTS.c.key == key, LOTS.c.state == LotState.OPEN.value)
        .values(state=state.value, run_id=None, heartbeat_at=None)
    )


def ancestors(connection: Connection, lot: Lot) -> list[Lot]:
    """Return the lots that held the lot's jobs before, the nearest first."""
    found: list[Lot] = []
    while (parent := (found[-1] if found else lot).divided_from) is not None:
        found.append(get_lot(connection, parent))
    return found


def descendants(connection: Connection, key: str) -> list[Lot]:
    """Return every lot that a lot was divided into, and those that these were divided into."""
    found: list[Lot] = []
    parents = [key]
    while parents:
        rows = connection.execute(select(LOTS).where(LOTS.c.divided_from.in_(parents)).order_by(LOTS.c.key)).mappings()
        children = [_lot(row) for row in rows]
        found += children
        parents = [child.key for child in children]
    return found


def finish_lot_if_ended(connection: Connection, key: str) -> bool:
    """Mark a lot as done when all of its jobs have ended; say whether it is."""
    unfinished = connection.execute(
        select(func.count()).where(JOBS.c.lot == key, JOBS.c.state.not_in([state.value for state in ENDED]))
    ).scalar_one()
    if unfinished == 0:
        connection.execute(
            update(LOTS).where(LOTS.c.key == key, LOTS.c.state == LotState.OPEN.value).values(state=LotState.DONE.value)
        )
    return unfinished == 0


def _lot(row: RowMapping) -> Lot:
    values: dict[str, Any] = dict(row)
    values["state"] = LotState(values["state"])
    return Lot(**values)
