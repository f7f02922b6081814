"""Which failures people were told of, so that each is told once."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from biolake.ledger.jobs import get_jobs
from biolake.ledger.models import Job, JobState, LotState
from biolake.ledger.tables import JOBS, LOTS, TOLD_INCIDENTS


def failed_since(connection: Connection, moment: datetime) -> list[Job]:
    """Return the jobs that ended in errors at or after `moment`, by id; those of a lot once all of it has ended."""
    unfinished = select(LOTS.c.key).where(LOTS.c.state == LotState.OPEN.value)
    query = select(JOBS.c.id).where(
        JOBS.c.ended_at >= moment,
        JOBS.c.state == JobState.ERRORED.value,
        JOBS.c.lot.is_(None) | JOBS.c.lot.not_in(unfinished),
    )
    return get_jobs(connection, connection.execute(query).scalars().all())


def untold(connection: Connection, incidents: Sequence[str]) -> set[str]:
    """Return those of the incidents that nobody was told of."""
    told: set[str] = set()
    for start in range(0, len(incidents), 500):
        chunk = incidents[start : start + 500]
        told |= set(
            connection.execute(select(TOLD_INCIDENTS.c.incident).where(TOLD_INCIDENTS.c.incident.in_(chunk))).scalars()
        )
    return set(incidents) - told


def record_told_incidents(connection: Connection, incidents: Collection[str], now: datetime) -> None:
    """Record that people were told."""
    rows = [{"incident": one, "told_at": now} for one in untold(connection, sorted(incidents))]
    if rows:
        connection.execute(insert(TOLD_INCIDENTS), rows)


def forget_incidents(connection: Connection, before: datetime) -> None:
    """Forget what people were told before that moment."""
    connection.execute(delete(TOLD_INCIDENTS).where(TOLD_INCIDENTS.c.told_at < before))
