"""Look at a repository's folder and record what is new, changed and gone since the last look.

Listings and events tell the same thing, so both end here: an object version is recorded once, however often it is told.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from biolake.arrivals.errors import EmptyListing
from biolake.ledger.jobs import cancelled_in_lots
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
    """

    touched: frozenset[str]
    arrived: int
    gone: int
    unsettled: int
    left: int = 0


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
    for key in recorded_since(connection, repository.name, looked_at):
        known.pop(key, None)
        found.pop(key, None)
    changed = [version for key, version in found.items() if known.get(key) != version.etag]
    settled = _settled(connection, repository, changed, now, settle)
    taken = sorted(settled, key=lambda version: (version.modified, version.key))[:most]
    gone = [key for key in known if key not in found]
    left = len(settled) - len(taken) + max(0, len(gone) - most)
    gone = gone[:most]
    arrived = [(version, identify(repository, version.key)) for version in taken]
    touched = {member.dataset_id for _, member in arrived if isinstance(member, Member)}
    touched |= set(member_of(connection, repository.name, gone).values())
    keys_taken = {version.key for version in taken}
    touched |= _called_off(connection, repository, [v for v in changed if v.key not in keys_taken])
    record_versions(connection, repository.name, arrived, gone, now)
    record_listing(connection, repository.name, Listing(n_listed, now, None))
    return Observation(frozenset(touched), len(arrived), len(gone), len(changed) - len(settled), left)


def _settled(
    connection: Connection, repository: Repository, changed: list[ObjectVersion], now: datetime, settle: timedelta
) -> list[ObjectVersion]:
    """The objects that have not changed for the time `settle`.

    A time of change in the future says nothing: a copied file brings it along, or the store's clock is ahead. Such an
    object is settled when it has stayed the same for that long by our own clock.
    """
    ahead = [version for version in changed if version.modified > now]
    first_seen = first_seen_ahead(connection, repository.name, ahead, now)
    return [v for v in changed if now - min(v.modified, first_seen.get(v.key, v.modified)) >= settle]


def _called_off(connection: Connection, repository: Repository, not_taken: list[ObjectVersion]) -> set[str]:
    """Datasets whose job was cancelled since the last look, because an object had changed when the run read it.

    The object may have come back, or gone again, before any listing saw the change: then nothing else tells of it.
    """
    last = last_listing(connection, repository.name)
    if last is None:
        return set()
    members = [identify(repository, version.key) for version in not_taken]
    still_changing = {member.dataset_id for member in members if isinstance(member, Member)}
    return cancelled_in_lots(connection, repository.name, last.completed_at) - still_changing
