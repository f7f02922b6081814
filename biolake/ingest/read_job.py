"""Read the dataset of one job: fetch, hash, parse, hold against the repository's schema."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from biolake.arrivals.manifest import Entry
from biolake.errors import BiolakeError
from biolake.formats.models import Dataset
from biolake.formats.read import read
from biolake.ingest.errors import ReaderFailed
from biolake.ingest.fetch import fetch
from biolake.objects.store import ObjectStore
from biolake.repositories.conform import conform
from biolake.repositories.models import Repository

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReadDataset:
    """A dataset as read, with the hash of its content; no dataset where the content is what the lake shows."""

    dataset: Dataset | None
    sha256: str


class CouldNotRead(Exception):
    """Carries what went wrong and, where the bytes were there, their hash."""

    def __init__(self, error: BiolakeError, sha256: str | None) -> None:
        """Remember both."""
        super().__init__(str(error))
        self.error = error
        self.sha256 = sha256


@contextmanager
def read_job(
    entry: Entry, repository: Repository, bucket: ObjectStore, unless_sha256: str | None
) -> Iterator[ReadDataset]:
    """Yield the dataset of `entry`; its files are here until the block ends.

    Args:
        entry: The job.
        repository: Whose schema holds.
        bucket: Where the objects are.
        unless_sha256: Content that need not be read again.

    Raises:
        CouldNotRead: The objects cannot become a dataset.
        ObjectChanged: An object is no longer the job's version.
        ObjectNotFound: An object is gone.
        StoreUnavailable: The store did not answer.
    """
    with tempfile.TemporaryDirectory(prefix="biolake-") as folder:
        fetched = fetch(entry.parts, bucket, Path(folder))
        if fetched.sha256 == unless_sha256:
            yield ReadDataset(None, fetched.sha256)
            return
        try:
            dataset = conform(repository, read(fetched.upload), entry.dataset_id)
        except BiolakeError as error:
            _check_unchanged(entry, bucket)
            raise CouldNotRead(error, fetched.sha256) from error
        except Exception as error:
            _check_unchanged(entry, bucket)
            _LOG.exception("reading %s failed", entry.dataset_id)
            failure = ReaderFailed(
                f"{fetched.upload.name}: {type(error).__name__}: {error}. This is a fault of the reader; its trace is "
                "in the run's log. Report it with the file."
            )
            raise CouldNotRead(failure, fetched.sha256) from error
        yield ReadDataset(dataset, fetched.sha256)
        _check_unchanged(entry, bucket)


def _check_unchanged(entry: Entry, bucket: ObjectStore) -> None:
    """Notice that a file was replaced under its reader: a local folder's files are read in place, after their hash."""
    if bucket.folder is not None:
        for part in entry.parts:
            bucket.check_unchanged(part.version)
