"""Forget what only tells of the past: object versions that were replaced or deleted.

Jobs, lots and shown datasets are kept: they say what the lake holds and why. The beats of runs that ended are the
matter of `biolake.studies.recordings.run_beats`, the history of Dagster that of `resources.event_retention`.
"""

from datetime import datetime

from sqlalchemy import Engine, delete, exists, or_, select

from biolake.ledger.tables import OBJECT_VERSIONS
from biolake.ledger.transactions import writing

_ROWS_AT_ONCE = 10_000


def forget_versions(engine: Engine, moment: datetime) -> int:
    """Forget the object versions seen before `moment` that are not the present, and return how many they were.

    Writers get their turns meanwhile.

    Raises:
        LedgerUnavailable: The database did not answer; what is forgotten already stays so.
    """
    newer = OBJECT_VERSIONS.alias("newer")
    replaced = exists().where(
        newer.c.repository == OBJECT_VERSIONS.c.repository,
        newer.c.key == OBJECT_VERSIONS.c.key,
        newer.c.id > OBJECT_VERSIONS.c.id,
    )
    past = (
        select(OBJECT_VERSIONS.c.id)
        .where(OBJECT_VERSIONS.c.seen_at < moment, or_(OBJECT_VERSIONS.c.deleted, replaced))
        .order_by(OBJECT_VERSIONS.c.id)
        .limit(_ROWS_AT_ONCE)
    )
    total = 0
    while True:
        with writing(engine) as connection:
            found = connection.execute(delete(OBJECT_VERSIONS).where(OBJECT_VERSIONS.c.id.in_(past.scalar_subquery())))
        total += found.rowcount
        if found.rowcount < _ROWS_AT_ONCE:
            return total
