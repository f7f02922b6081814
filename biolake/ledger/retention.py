"""Forget what only tells of the past: object versions that were replaced or deleted, and beats of runs that ended.

Jobs, lots and shown datasets are kept: they say what the lake holds and why. Notifications are kept, too: one that is
forgotten would be told again. The history of Dagster is the matter of `resources.event_retention`.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, and_, delete, exists, or_, select

from biolake.ledger.tables import OBJECT_VERSIONS
from biolake.ledger.transactions import Turn, writing
from biolake.studies.states import State
from biolake.studies.tables import FILES, RUN_BEATS

_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True)
class Forgotten:
    """How many rows are gone."""

    object_versions: int
    run_beats: int


def forget_before(engine: Engine, moment: datetime) -> Forgotten:
    """Forget what was recorded before `moment` and is not the present; writers get their turns meanwhile.

    Raises:
        LedgerUnavailable: The database did not answer; what is forgotten already stays so.
    """
    return Forgotten(_forget_versions(engine, moment), _forget_beats(engine, moment))


def _forget_versions(engine: Engine, moment: datetime) -> int:
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


def _forget_beats(engine: Engine, moment: datetime) -> int:
    at_work = exists().where(and_(FILES.c.run_id == RUN_BEATS.c.run_id, FILES.c.state == State.PROCESSING.value))
    with writing(engine, Turn.STUDIES) as connection:
        return connection.execute(delete(RUN_BEATS).where(RUN_BEATS.c.beaten_at < moment, ~at_work)).rowcount
