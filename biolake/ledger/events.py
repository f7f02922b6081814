"""Events in the ledger: which keys were told of, and how far each key's events were followed.

A key waits until it was looked at after the last time that it was told of. Rows are kept for as long as a queue may
bring an event again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, select, update

from biolake.events.sequencer import is_newer
from biolake.ledger.tables import EVENT_POSITIONS


@dataclass(frozen=True)
class Told:
    """A key that waits for a look.

    Attributes:
        count: How often it was told of; a look covers what was told before it.
    """

    key: str
    count: int


def record_told(
    connection: Connection, repository: str, sequencers: Mapping[str, str | None], now: datetime
) -> list[str]:
    """Record that these keys are worth a look, and return those of which this is news.

    Args:
        connection: A writing transaction.
        repository: Whose folder the keys are in.
        sequencers: By key, the newest that was told; None always is news.
        now: The time.
    """
    known = _positions(connection, repository, list(sequencers))
    added, changed = [], []
    for key, sequencer in sequencers.items():
        row = known.get(key)
        if row is None:
            added.append(
                {"repository": repository, "key": key, "sequencer": sequencer, "told": 1, "looked": 0, "told_at": now}
            )
        elif sequencer is None or row[0] is None or is_newer(sequencer, row[0]):
            changed.append({"k": key, "newest": sequencer or row[0], "at": now})
    if added:
        connection.execute(insert(EVENT_POSITIONS), added)
    if changed:
        mine = and_(EVENT_POSITIONS.c.repository == repository, EVENT_POSITIONS.c.key == bindparam("k"))
        values = {"sequencer": bindparam("newest"), "told": EVENT_POSITIONS.c.told + 1, "told_at": bindparam("at")}
        connection.execute(update(EVENT_POSITIONS).where(mine).values(values), changed)
    return [*(row["key"] for row in added), *(row["k"] for row in changed)]


def waiting_keys(connection: Connection, repository: str, most: int | None = None) -> list[Told]:
    """Return the keys that wait for a look, the oldest first, up to `most` of them."""
    query = (
        select(EVENT_POSITIONS.c.key, EVENT_POSITIONS.c.told)
        .where(EVENT_POSITIONS.c.repository == repository, EVENT_POSITIONS.c.told > EVENT_POSITIONS.c.looked)
        .order_by(EVENT_POSITIONS.c.told_at, EVENT_POSITIONS.c.key)
        .limit(most)
    )
    return [Told(key, count) for key, count in connection.execute(query).tuples()]


def count_waiting(connection: Connection, repository: str) -> int:
    """Count the keys that wait for a look."""
    query = select(func.count()).where(
        EVENT_POSITIONS.c.repository == repository, EVENT_POSITIONS.c.told > EVENT_POSITIONS.c.looked
    )
    return connection.execute(query).scalar_one()


def record_looked(connection: Connection, repository: str, looked: Iterable[Told]) -> None:
    """Record that these keys were looked at; what was told of them since then still waits."""
    rows = [{"k": one.key, "n": one.count} for one in looked]
    if rows:
        mine = and_(
            EVENT_POSITIONS.c.repository == repository,
            EVENT_POSITIONS.c.key == bindparam("k"),
            EVENT_POSITIONS.c.looked < bindparam("n"),
        )
        connection.execute(update(EVENT_POSITIONS).where(mine).values(looked=bindparam("n")), rows)


def forget_followed(connection: Connection, repository: str, before: datetime) -> None:
    """Forget keys that were last told of before that moment, and do not wait."""
    connection.execute(
        delete(EVENT_POSITIONS).where(
            EVENT_POSITIONS.c.repository == repository,
            EVENT_POSITIONS.c.told <= EVENT_POSITIONS.c.looked,
            EVENT_POSITIONS.c.told_at < before,
        )
    )


def _positions(connection: Connection, repository: str, keys: Sequence[str]) -> dict[str, tuple[str | None]]:
    found: dict[str, tuple[str | None]] = {}
    for start in range(0, len(keys), 500):
        query = select(EVENT_POSITIONS.c.key, EVENT_POSITIONS.c.sequencer).where(
            EVENT_POSITIONS.c.repository == repository, EVENT_POSITIONS.c.key.in_(keys[start : start + 500])
        )
        found |= {key: (sequencer,) for key, sequencer in connection.execute(query).tuples()}
    return found
