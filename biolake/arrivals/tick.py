"""One tick of the arrival sensor: look, admit, cut. Killing it anywhere loses nothing and repeats nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from biolake.arrivals.admit import admit, expire_waits
from biolake.arrivals.cut import cut_lots
from biolake.arrivals.errors import EmptyListing
from biolake.arrivals.observe import MOST_CHANGES, Observation, check_not_an_outage, list_folder, record_observation
from biolake.ledger.ledger import Ledger
from biolake.ledger.lots import open_lots
from biolake.ledger.models import Lot
from biolake.ledger.objects import Listing, last_listing, record_listing
from biolake.objects.store import ObjectStore
from biolake.repositories.models import Repository
from biolake.settings import Settings


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
            jobs = admit(connection, repository, observation.touched, moment)
            expire_waits(connection, repository, moment, timedelta(hours=settings.pair_hours))
            cut_lots(connection, repository.name, lake, settings, moment)
            return Tick(observation, len(jobs), tuple(open_lots(connection, repository.name)))
    except EmptyListing as error:
        _remember_outage(ledger, repository, str(error))
        raise


def _remember_outage(ledger: Ledger, repository: Repository, message: str) -> None:
    with ledger.writing() as connection:
        last = last_listing(connection, repository.name)
        if last is not None and last.outage is None:
            record_listing(connection, repository.name, Listing(last.n_objects, last.completed_at, message))
