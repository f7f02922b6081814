"""Look at a repository's folder and record what is new, changed and gone since the last look.

Listings and looks at single keys tell the same thing, so both end here: an object version is recorded once, however
often it is told. Which keys are looked at is in `look`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from biolake.arrivals.errors import EmptyListing
from biolake.ledger.jobs import called_off_last, cancelled_in_lots
from biolake.ledger.objects import (
    Listing,
    first_seen_ahead,
    known_etags,
    last_listing,
    member_of,
    record_listing,
    record_versions,
    recorded_since,
)
from biolake.objects.models import ObjectVersion
from biolake.objects.store import ObjectStore
from biolake.repositories.identity import Member, identify
from biolake.repositories.models import Repository

# A look must end well within the minute that Dagster gives a sensor.
MOST_CHANGES = 20_000


@dataclass(frozen=True)
class Observation:
    """What one look found.

    Attributes:
        touched: Datasets of which an object arrived, changed or went, or whose job was called off since the last look.
        arrived: Number of new object versions.
        gone: Number of objects that are no longer there.
        unsettled: Number of objects too young to be read.
        left: Number of changes that are left for the next look, since this one had enough.
        again: Keys of which this look is not the last word: unsettled, left, or recorded by another meanwhile.
    """

    touched: frozenset[str]
    arrived: int
    gone: int
    unsettled: int
    left: int = 0
    again: frozenset[str] = frozenset()


def list_folder(repository: Repository, bucket: ObjectStore) -> dict[str, ObjectVersion]:
    """List everything in the repository's folder.

    Raises:
        StoreUnavailable: The listing could not be completed.
    """
    return {version.key: version for version in bucket.list(repository.folder)}


def check_not_an_outage(
    connection: Connection,
    repository: Repository,
    found: dict[str, ObjectVersion],
    *,
    accept_empty: bool,
) -> None:
    """Refuse an empty listing where there were objects.

    Raises:
        EmptyListing: Nothing was listed and `accept_empty` is False.
    """
    last = last_listing(connection, repository.name)
    if found or accept_empty or last is None or last.n_objects == 0:
        return
    raise EmptyListing(
        f"{repository.name}: folder {repository.folder} lists no object, but held {last.n_objects:,} at "
        f"{last.completed_at:%Y-%m-%d %H:%M} UTC. Nothing was deleted. Check the bucket and its credentials; if the "
        f"objects are really gone, run `biolake reconcile --repository {repository.name} --accept-empty`."
    )


def record_observation(
    connection: Connection,
    repository: Repository,
    found: dict[str, ObjectVersion],
    now: datetime,
    *,
    looked_at: datetime,
    settle: timedelta,
    most: int = MOST_CHANGES,
) -> Observation:
    """Compare a complete listing with the ledger and record the difference.

    Args:
        connection: A writing transaction.
        repository: Whose folder was listed.
        found: What the listing found.
        now: The moment of recording.
        looked_at: When the listing began. What another tick recorded since then is newer than this listing and stays.
        settle: Objects younger than this are left for a later look.
        most: How many arrivals, and how many that went, are recorded at once; the oldest first.
    """
    n_listed = len(found)
    known = known_etags(connection, repository.name)
    observation = _record(connection, repository, known, found, now, looked_at=looked_at, settle=settle, most=most)
    record_listing(connection, repository.name, Listing(n_listed, now, None))
    return observation


def record_look(
    connection: Connection,
    repository: Repository,
    asked: Collection[str],
    found: dict[str, ObjectVersion],
    now: datetime,
    *,
    looked_at: datetime,
    settle: timedelta,
) -> Observation:
    """Compare a look at some keys with the ledger and record the difference; other keys stay as they are.

    Args:
        connection: A writing transaction.
        repository: In whose folder the keys are.
        asked: The keys that were looked at.
        found: What is there of them.
        now: The moment of recording.
        looked_at: When the look began.
        settle: Objects younger than this are left for a later look.
    """
    before = known_etags(connection, repository.name, list(asked))
    known = dict(before)
    observation = _record(
        connection, repository, known, found, now, looked_at=looked_at, settle=settle, most=len(asked), asked=asked
    )
    last = last_listing(connection, repository.name)
    if last is not None:
        # A folder that events told empty is no outage when the next listing finds it so.
        there = known_etags(connection, repository.name, list(asked))
        count = max(0, last.n_objects + len(there) - len(before))
        record_listing(connection, repository.name, Listing(count, last.completed_at, last.outage))
    return observation


def _record(
    connection: Connection,
    repository: Repository,
    known: dict[str, str],
    found: dict[str, ObjectVersion],
    now: datetime,
    *,
    looked_at: datetime,
    settle: timedelta,
    most: int,
    asked: Collection[str] | None = None,
) -> Observation:
    """Record how `found` differs from `known`; `asked` are the keys of a look that is no listing."""
    by_others = recorded_since(connection, repository.name, looked_at)
    again = {key for key in by_others if key in known or key in found}
    for key in by_others:
        known.pop(key, None)
        found.pop(key, None)
    changed = [version for key, version in found.items() if known.get(key) != version.etag]
    settled = _settled(connection, repository, changed, now, settle, asked)
    taken = sorted(settled, key=lambda version: (version.modified, version.key))[:most]
    gone = [key for key in known if key not in found]
    left = len(settled) - len(taken) + max(0, len(gone) - most)
    again.update(gone[most:])
    gone = gone[:most]
    arrived = [(version, identify(repository, version.key)) for version in taken]
    touched = {member.dataset_id for _, member in arrived if isinstance(member, Member)}
    touched |= set(member_of(connection, repository.name, gone).values())
    keys_taken = {version.key for version in taken}
    not_taken = [version for version in changed if version.key not in keys_taken]
    touched |= _called_off(connection, repository, not_taken, listed=asked is None)
    record_versions(connection, repository.name, arrived, gone, now)
    return Observation(
        touched=frozenset(touched),
        arrived=len(arrived),
        gone=len(gone),
        unsettled=len(changed) - len(settled),
        left=left,
        again=frozenset(again.union(version.key for version in not_taken)),
    )


def _settled(
    connection: Connection,
    repository: Repository,
    changed: list[ObjectVersion],
    now: datetime,
    settle: timedelta,
    asked: Collection[str] | None,
) -> list[ObjectVersion]:
    """The objects that have not changed for the time `settle`.

    A time of change in the future says nothing: a copied file brings it along, or the store's clock is ahead. Such an
    object is settled when it has stayed the same for that long by our own clock.
    """
    ahead = [version for version in changed if version.modified > now]
    first_seen = first_seen_ahead(connection, repository.name, ahead, now, asked)
    return [v for v in changed if now - min(v.modified, first_seen.get(v.key, v.modified)) >= settle]


def _called_off(
    connection: Connection, repository: Repository, not_taken: list[ObjectVersion], *, listed: bool
) -> set[str]:
    """Datasets whose job was cancelled since the last listing, because an object had changed when the run read it.

    The object may have come back, or gone again, before any look saw the change: then nothing else tells of it.
    """
    last = last_listing(connection, repository.name)
    if last is None:
        return set()
    members = [identify(repository, version.key) for version in not_taken]
    still_changing = {member.dataset_id for member in members if isinstance(member, Member)}
    find = cancelled_in_lots if listed else called_off_last
    return find(connection, repository.name, last.completed_at) - still_changing
