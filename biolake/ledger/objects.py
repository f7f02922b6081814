"""Objects in the ledger: the newest version of every key, and the history of versions."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from biolake.ledger.models import Part
from biolake.ledger.tables import AHEAD_OF_THE_CLOCK, LISTINGS, OBJECT_VERSIONS, OBJECTS
from biolake.objects.models import ObjectVersion
from biolake.repositories.identity import Member, NotAMember


@dataclass(frozen=True)
class Listing:
    """The last complete listing of a repository's folder, and an outage that followed it."""

    n_objects: int
    completed_at: datetime
    outage: str | None


def known_etags(connection: Connection, repository: str, keys: Sequence[str] | None = None) -> dict[str, str]:
    """Return the etag of every key that was there when last looked; of `keys` only, where they are given."""
    query = select(OBJECTS.c.key, OBJECTS.c.etag).where(OBJECTS.c.repository == repository, ~OBJECTS.c.deleted)
    if keys is None:
        return dict(connection.execute(query).tuples().all())
    found: dict[str, str] = {}
    for start in range(0, len(keys), 500):
        found |= dict(connection.execute(query.where(OBJECTS.c.key.in_(keys[start : start + 500]))).tuples().all())
    return found


def recorded_since(connection: Connection, repository: str, moment: datetime) -> set[str]:
    """Return the keys of which something was recorded at or after `moment`."""
    query = select(OBJECTS.c.key).where(OBJECTS.c.repository == repository, OBJECTS.c.seen_at >= moment)
    return set(connection.execute(query).scalars())


def record_versions(
    connection: Connection,
    repository: str,
    arrived: Sequence[tuple[ObjectVersion, Member | NotAMember]],
    gone: Sequence[str],
    now: datetime,
) -> None:
    """Record new versions of keys, and keys that are no longer there."""
    keys = [version.key for version, _ in arrived]
    for start in range(0, len(keys), 500):
        chunk = keys[start : start + 500]
        connection.execute(delete(OBJECTS).where(OBJECTS.c.repository == repository, OBJECTS.c.key.in_(chunk)))
    if arrived:
        rows = [_object_row(repository, version, member, now) for version, member in arrived]
        connection.execute(insert(OBJECTS), rows)
        history = {column.name for column in OBJECT_VERSIONS.c}
        connection.execute(insert(OBJECT_VERSIONS), [{k: v for k, v in row.items() if k in history} for row in rows])
    for start in range(0, len(gone), 500):
        chunk = list(gone[start : start + 500])
        mine = (OBJECTS.c.repository == repository, OBJECTS.c.key.in_(chunk))
        columns = [column.name for column in OBJECT_VERSIONS.c if column.name not in {"id", "deleted", "seen_at"}]
        last = connection.execute(select(*[OBJECTS.c[name] for name in columns]).where(*mine)).mappings().all()
        connection.execute(update(OBJECTS).where(*mine).values(deleted=True, seen_at=now))
        if last:
            connection.execute(insert(OBJECT_VERSIONS), [{**row, "deleted": True, "seen_at": now} for row in last])


def first_seen_ahead(
    connection: Connection,
    repository: str,
    ahead: Sequence[ObjectVersion],
    now: datetime,
    looked_at: Collection[str] | None = None,
) -> dict[str, datetime]:
    """Remember the objects whose time of change lies in the future, and return when each was first seen, by key.

    What is no longer among them, or changed, is forgotten; where `looked_at` is given, only of these keys.
    """
    mine = AHEAD_OF_THE_CLOCK.c.repository == repository
    rows = connection.execute(select(AHEAD_OF_THE_CLOCK).where(mine)).all()
    seen = {row.key: (row.etag, row.first_seen) for row in rows if looked_at is None or row.key in looked_at}
    first: dict[str, datetime] = {}
    for version in ahead:
        etag, moment = seen.get(version.key, (None, now))
        first[version.key] = moment if etag == version.etag else now
    etags = {version.key: version.etag for version in ahead}
    if {key: (etags[key], moment) for key, moment in first.items()} != seen:
        forgotten = list(seen)
        for start in range(0, len(forgotten), 500):
            chunk = AHEAD_OF_THE_CLOCK.c.key.in_(forgotten[start : start + 500])
            connection.execute(delete(AHEAD_OF_THE_CLOCK).where(mine, chunk))
        if first:
            rows = [
                {"repository": repository, "key": key, "etag": etags[key], "first_seen": moment}
                for key, moment in first.items()
            ]
            connection.execute(insert(AHEAD_OF_THE_CLOCK), rows)
    return first


def live_parts(connection: Connection, repository: str, dataset_ids: Iterable[str]) -> dict[str, list[Part]]:
    """Return, by dataset, the objects that are there now."""
    ids = list(dataset_ids)
    parts: dict[str, list[Part]] = {dataset_id: [] for dataset_id in ids}
    for start in range(0, len(ids), 500):
        query = select(OBJECTS).where(
            OBJECTS.c.repository == repository, ~OBJECTS.c.deleted, OBJECTS.c.dataset_id.in_(ids[start : start + 500])
        )
        for row in connection.execute(query).mappings():
            version = ObjectVersion(row["key"], row["etag"], row["size"], row["modified"], row["version"])
            parts[row["dataset_id"]].append(Part(row["role"], version))
    return parts


def datasets_with_objects(connection: Connection, repository: str) -> set[str]:
    """Return the datasets of which an object is there now."""
    query = select(OBJECTS.c.dataset_id).where(
        OBJECTS.c.repository == repository, ~OBJECTS.c.deleted, OBJECTS.c.dataset_id.is_not(None)
    )
    return set(connection.execute(query.distinct()).scalars())


def member_of(connection: Connection, repository: str, keys: Sequence[str]) -> dict[str, str]:
    """Return the dataset of each key that belongs to one."""
    found: dict[str, str] = {}
    for start in range(0, len(keys), 500):
        query = select(OBJECTS.c.key, OBJECTS.c.dataset_id).where(
            OBJECTS.c.repository == repository,
            OBJECTS.c.key.in_(keys[start : start + 500]),
            OBJECTS.c.dataset_id.is_not(None),
        )
        found |= dict(connection.execute(query).tuples().all())
    return found


def ignored_objects(connection: Connection, repository: str) -> list[tuple[str, str]]:
    """Return `(key, reason)` of the objects that belong to no dataset."""
    query = select(OBJECTS.c.key, OBJECTS.c.ignored).where(
        OBJECTS.c.repository == repository, ~OBJECTS.c.deleted, OBJECTS.c.ignored.is_not(None)
    )
    return list(connection.execute(query.order_by(OBJECTS.c.key)).tuples())


def last_listing(connection: Connection, repository: str) -> Listing | None:
    """Return what the last listing of the repository's folder found."""
    row = connection.execute(select(LISTINGS).where(LISTINGS.c.repository == repository)).mappings().first()
    return None if row is None else Listing(row["n_objects"], row["completed_at"], row["outage"])


def record_listing(connection: Connection, repository: str, listing: Listing) -> None:
    """Remember a listing."""
    connection.execute(delete(LISTINGS).where(LISTINGS.c.repository == repository))
    connection.execute(
        insert(LISTINGS).values(
            repository=repository,
            n_objects=listing.n_objects,
            completed_at=listing.completed_at,
            outage=listing.outage,
        )
    )


def _object_row(repository: str, version: ObjectVersion, member: Member | NotAMember, now: datetime) -> dict[str, Any]:
    belongs = isinstance(member, Member)
    return {
        "repository": repository,
        "key": version.key,
        "etag": version.etag,
        "size": version.size,
        "modified": version.modified,
        "version": version.version,
        "dataset_id": member.dataset_id if belongs else None,
        "role": member.role if belongs else None,
        "ignored": None if belongs else member.reason,
        "deleted": False,
        "seen_at": now,
    }
