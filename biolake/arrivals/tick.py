"""One tick of the arrival sensor: look, admit, cut. Killing it anywhere loses nothing and repeats nothing."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from biolake.arrivals.admit import admit, expire_waits
from biolake.arrivals.cut import cut_lots
from biolake.arrivals.errors import EmptyListing
from biolake.arrivals.look import listing_due, look, what_to_look_at
from biolake.arrivals.observe import (
    MOST_CHANGES,
    Observation,
    check_not_an_outage,
    list_folder,
    record_look,
    record_observation,
)
from biolake.ledger.events import Told, count_waiting, forget_followed, record_looked, record_told, waiting_keys
from biolake.ledger.ledger import Ledger
from biolake.ledger.lots import open_lots
from biolake.ledger.models import Lot
from biolake.ledger.objects import Listing, last_listing, record_listing
from biolake.objects.store import ObjectStore
from biolake.repositories.models import Repository
from biolake.settings import Settings

# SQS keeps a message for two weeks, and as long again as a dead letter.
_EVENTS_COME_BACK = timedelta(days=30)


@dataclass(frozen=True)
class Tick:
    """What a tick did.

    Attributes:
        jobs: Number of jobs recorded.
        lots: Every lot that is not done, new ones included: a run is asked for each of them.
    """

    observation: Observation
    jobs: int
    lots: tuple[Lot, ...]


def tick(
    repository: Repository,
    bucket: ObjectStore,
    lake: ObjectStore,
    ledger: Ledger,
    settings: Settings,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    accept_empty: bool = False,
) -> Tick:
    """Bring the ledger up to date with the repository's folder and cut what is due.

    Args:
        repository: Whose folder is looked at.
        bucket: Where the folder is.
        lake: Where manifests of lots are stored.
        ledger: The deployment's ledger.
        settings: Limits of lots and waits.
        clock: Tells the time; asked before the listing and after it.
        accept_empty: An empty folder is meant.

    Raises:
        StoreUnavailable: The bucket could not be listed; nothing was changed.
        EmptyListing: The folder lists nothing but held objects; nothing was changed.
    """
    waiting = _told(ledger, repository) if settings.events else ()
    looked_at = clock()
    found = list_folder(repository, bucket)
    moment = clock()
    try:
        with ledger.writing() as connection:
            check_not_an_outage(connection, repository, found, accept_empty=accept_empty)
            observation = record_observation(
                connection,
                repository,
                found,
                moment,
                looked_at=looked_at,
                settle=timedelta(seconds=settings.settle_seconds),
                most=MOST_CHANGES,
            )
            if settings.events:
                _hand_over(connection, repository, waiting, observation, moment)
                forget_followed(connection, repository.name, moment - _EVENTS_COME_BACK)
            return _act(connection, repository, lake, settings, observation, moment)
    except EmptyListing as error:
        _remember_outage(ledger, repository, str(error))
        raise


def due_tick(
    repository: Repository,
    bucket: ObjectStore,
    lake: ObjectStore,
    ledger: Ledger,
    settings: Settings,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Tick:
    """Do as :func:`tick`, but list only when that is due; between listings look where events told.

    Without a queue of events a listing always is due.

    Raises:
        StoreUnavailable: The bucket could not be listed or looked at; nothing was changed, and what waits still does.
        EmptyListing: The folder lists nothing but held objects; nothing was changed.
    """
    if not settings.events:
        return tick(repository, bucket, lake, ledger, settings, clock=clock)
    with ledger.reading() as connection:
        list_now = listing_due(connection, repository, clock(), timedelta(minutes=settings.listing_minutes))
        question = what_to_look_at(connection, repository)
    if list_now:
        return tick(repository, bucket, lake, ledger, settings, clock=clock)
    looked_at = clock()
    found = look(bucket, question.keys)
    moment = clock()
    with ledger.writing() as connection:
        observation = record_look(
            connection,
            repository,
            question.keys,
            found,
            moment,
            looked_at=looked_at,
            settle=timedelta(seconds=settings.settle_seconds),
        )
        _hand_over(connection, repository, question.told, observation, moment)
        waiting = count_waiting(connection, repository.name)
        observation = replace(observation, left=max(0, waiting - observation.unsettled))
        return _act(connection, repository, lake, settings, observation, moment)


def _act(
    connection: Connection,
    repository: Repository,
    lake: ObjectStore,
    settings: Settings,
    observation: Observation,
    moment: datetime,
) -> Tick:
    """Admit what was observed, and cut what is due."""
    jobs = admit(connection, repository, observation.touched, moment)
    expire_waits(connection, repository, moment, timedelta(hours=settings.pair_hours))
    cut_lots(connection, repository.name, lake, settings, moment)
    return Tick(observation, len(jobs), tuple(open_lots(connection, repository.name)))


def _told(ledger: Ledger, repository: Repository) -> tuple[Told, ...]:
    with ledger.reading() as connection:
        return tuple(waiting_keys(connection, repository.name))


def _hand_over(
    connection: Connection,
    repository: Repository,
    waiting: Collection[Told],
    observation: Observation,
    now: datetime,
) -> None:
    """Let go of the keys of which everything is recorded, and see to it that the others are looked at again."""
    record_looked(connection, repository.name, [one for one in waiting if one.key not in observation.again])
    unheard = observation.again.difference(one.key for one in waiting)
    record_told(connection, repository.name, dict.fromkeys(sorted(unheard)), now)


def _remember_outage(ledger: Ledger, repository: Repository, message: str) -> None:
    with ledger.writing() as connection:
        last = last_listing(connection, repository.name)
        if last is not None and last.outage is None:
            record_listing(connection, repository.name, Listing(last.n_objects, last.completed_at, message))
