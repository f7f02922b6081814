"""Delete a dataset on purpose: its objects go, and an empty folder afterwards is no outage."""

from biolake.ledger.errors import UnknownDataset
from biolake.ledger.ledger import Ledger
from biolake.ledger.objects import Listing, last_listing, live_parts, record_listing
from biolake.objects.store import ObjectStore
from biolake.repositories.models import Repository


def delete_dataset(ledger: Ledger, bucket: ObjectStore, repository: Repository, dataset_id: str) -> list[str]:
    """Delete the dataset's objects and return their keys; the next tick removes it from view.

    Raises:
        UnknownDataset: It has no objects.
        StoreUnavailable: The bucket did not delete them.
    """
    with ledger.writing() as connection:
        keys = [part.version.key for part in live_parts(connection, repository.name, [dataset_id])[dataset_id]]
        if not keys:
            raise UnknownDataset(f"{dataset_id}: no objects of it are in {repository.name}. Nothing was deleted.")
        bucket.delete(keys)
        last = last_listing(connection, repository.name)
        if last is not None:
            left = max(0, last.n_objects - len(keys))
            record_listing(connection, repository.name, Listing(left, last.completed_at, last.outage))
    return keys
