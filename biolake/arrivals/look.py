"""Look at the keys that events told of, one by one, where a folder need not be listed."""

from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from biolake.ledger.events import Told, count_waiting, waiting_keys
from biolake.ledger.jobs import called_off_last
from biolake.ledger.objects import last_listing, live_parts
from biolake.objects.errors import ObjectNotFound, StoreUnavailable, UnusableKey
from biolake.objects.models import ObjectVersion
from biolake.objects.store import ObjectStore
from biolake.repositories.models import Repository

# Two thousand looks take seconds; a sensor has a minute.
MOST_LOOKS = 2000
_AT_ONCE = 16
# What a listing tells of as many objects in the time of one look.
_LISTED_IN_A_LOOK = 10


@dataclass(frozen=True)
class Question:
    """What is to be looked at.

    Attributes:
        told: Keys that events told of.
        called_off: Keys of datasets whose last job was called off, since an object was not what the ledger knew.
    """

    told: tuple[Told, ...]
    called_off: frozenset[str]

    @property
    def keys(self) -> frozenset[str]:
        """All of them."""
        return self.called_off.union(one.key for one in self.told)


def listing_due(connection: Connection, repository: Repository, now: datetime, every: timedelta) -> bool:
    """Whether the folder is to be listed, rather than looked at where events told.

    It is when that was never done or `every` ago, when the last try was an outage, and when so many keys wait that a
    listing is quicker.
    """
    last = last_listing(connection, repository.name)
    if last is None or last.outage is not None or now - last.completed_at >= every:
        return True
    return count_waiting(connection, repository.name) > max(MOST_LOOKS, last.n_objects // _LISTED_IN_A_LOOK)


def what_to_look_at(connection: Connection, repository: Repository) -> Question:
    """Find the keys that are worth a look."""
    last = last_listing(connection, repository.name)
    called_off = called_off_last(connection, repository.name, last.completed_at) if last is not None else set()
    parts = live_parts(connection, repository.name, called_off)
    return Question(
        tuple(waiting_keys(connection, repository.name, MOST_LOOKS)),
        frozenset(part.version.key for own in parts.values() for part in own),
    )


def look(bucket: ObjectStore, keys: Collection[str]) -> dict[str, ObjectVersion]:
    """Return what is there of `keys`.

    Raises:
        StoreUnavailable: The bucket did not answer, or is not there at all: nothing is known then.
    """
    found = dict(_each(bucket, keys))
    if len(found) < len(keys):
        # Where there is no bucket, every key of it is reported as gone.
        bucket.check_reachable()
    return found


def _each(bucket: ObjectStore, keys: Collection[str]) -> Iterable[tuple[str, ObjectVersion]]:
    def one(key: str) -> ObjectVersion | None:
        try:
            version = _told_of(bucket, key)
        except (ObjectNotFound, UnusableKey):
            return None
        # A listing does not tell versions, and both must say the same of one state.
        return replace(version, key=key, version=None)

    if not keys:
        return []
    with ThreadPoolExecutor(min(_AT_ONCE, len(keys)), thread_name_prefix="look") as threads:
        return [(version.key, version) for version in threads.map(one, sorted(keys)) if version is not None]


def _told_of(bucket: ObjectStore, key: str) -> ObjectVersion:
    try:
        return bucket.head(key)
    except StoreUnavailable:
        # One object that may not be looked at must not keep all others from being seen; an outage ends this, too.
        return bucket.head_by_listing(key)
