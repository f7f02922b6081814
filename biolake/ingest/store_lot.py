"""Store a lot: read its datasets one after the other and commit them to the lake in parts.

A dataset fails alone. What another attempt stored before is found in the lake and kept.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pyarrow as pa
from sqlalchemy import Connection

from biolake.arrivals.admit import describe
from biolake.arrivals.manifest import Entry, read_manifest
from biolake.errors import BiolakeError
from biolake.formats.errors import UnreadableMetadata
from biolake.formats.models import Dataset
from biolake.ingest.heartbeat import check_ownership, heartbeat, refuse_while_owned
from biolake.ingest.models import DatasetOutcome, LotOutcome
from biolake.ingest.read_job import CouldNotRead, read_job
from biolake.lake.commit import LotRows, LotWriter
from biolake.lake.rows import (
    Origin,
    ProcessingRecord,
    dataset_row,
    datasets_table,
    features_table,
    matrix_batches,
    provenance_table,
    samples_table,
)
from biolake.lake.sparse_rows import samples_per_row
from biolake.ledger.current import current_datasets, set_current
from biolake.ledger.jobs import end_jobs, get_jobs, start_jobs
from biolake.ledger.lots import ancestors, get_lot, take_lot
from biolake.ledger.models import ENDED, Action, CurrentDataset, Job, JobState, data_key
from biolake.ledger.objects import live_parts
from biolake.objects.errors import ObjectChanged, ObjectNotFound, StoreUnavailable
from biolake.platform import Platform, code_version

_LOG = logging.getLogger(__name__)

_PART_CELLS = 8_000_000
_PART_DATASETS = 1000

_CANCELLED = "the objects changed or went while the dataset was processed"


@dataclass
class _Part:
    """Datasets read and not yet committed."""

    rows: dict[str, pa.Table] = field(default_factory=dict)
    lot_rows: LotRows = field(default_factory=lambda: LotRows(datasets_table([])))
    entries: dict[str, tuple[Entry, DatasetOutcome]] = field(default_factory=dict)
    ended: list[tuple[Entry, DatasetOutcome]] = field(default_factory=list)
    cells: int = 0


class LotStorer:
    """Stores one lot on behalf of one run."""

    def __init__(self, platform: Platform, lot_key: str, run_id: str) -> None:
        """Read the lot and its manifest.

        Raises:
            UnknownLot: The ledger has no such lot.
            ManifestChanged: The manifest is not the recorded one.
        """
        self._platform = platform
        self._run_id = run_id
        with platform.ledger.reading() as connection:
            self._lot = get_lot(connection, lot_key)
            self._divided_from = [lot.key for lot in ancestors(connection, self._lot)]
        self._manifest = read_manifest(self._lot, platform.lake_store)
        self._repository = platform.repositories.get(self._lot.repository)
        self._writer = LotWriter(
            platform.lake,
            self._lot.repository,
            lot_key,
            still_mine=lambda: check_ownership(platform.ledger, lot_key, run_id),
        )
        self._seconds: dict[str, float] = defaultdict(float)
        self._outcomes: dict[str, DatasetOutcome] = {}

    def run(self) -> LotOutcome:
        """Store everything that the lot still owes.

        Raises:
            StoreUnavailable: The bucket as a whole did not answer; the lot can be tried again.
            LakeUnavailable: A table could not be opened; the lot can be tried again.
            LotTaken: Another run has replaced this one, or the lot was divided.
        """
        jobs, current = self._take()
        if self._lot.attempt > 1 or self._lot.run_id not in {None, self._run_id}:
            # An earlier run may be paused rather than dead.
            self._writer.fence()
        for earlier in self._divided_from:
            self._writer.fence(earlier)
        stored = self._writer.stored()
        part = _Part()
        again: list[Entry] = []
        with heartbeat(self._platform.ledger, self._lot.key, self._run_id):
            for entry in self._manifest.entries:
                job = jobs[entry.job_id]
                if job.state in ENDED:
                    self._outcomes[entry.job_id] = _ended_before(entry, job)
                elif entry.dataset_id in stored:
                    self._outcomes[entry.job_id] = DatasetOutcome(
                        entry.job_id, entry.dataset_id, entry.action, JobState.RUNNING
                    )
                elif entry.action == Action.DELETE:
                    outcome = DatasetOutcome(entry.job_id, entry.dataset_id, entry.action, JobState.RUNNING)
                    part.entries[entry.dataset_id] = (entry, outcome)
                else:
                    self._read(entry, part, current.get(entry.dataset_id), again)
                if part.cells >= _PART_CELLS or len(part.entries) >= _PART_DATASETS:
                    part = self._flush(part)
            for entry in again:
                self._read(entry, part, current.get(entry.dataset_id), None)
            self._flush(part)
            self._record_stored_before(stored)
        ordered = tuple(self._outcomes[entry.job_id] for entry in self._manifest.entries)
        return LotOutcome(self._lot.key, self._lot.sha256, ordered, dict(self._writer.versions), dict(self._seconds))

    def _take(self) -> tuple[dict[str, Job], dict[str, CurrentDataset]]:
        now = datetime.now(UTC)
        ids = [entry.job_id for entry in self._manifest.entries]
        with self._platform.ledger.writing() as connection:
            self._lot = get_lot(connection, self._lot.key)
            refuse_while_owned(self._lot, self._run_id, now)
            take_lot(connection, self._lot.key, self._run_id, now)
            start_jobs(connection, ids, self._run_id, now)
            jobs = {job.id: job for job in get_jobs(connection, ids)}
            datasets = [entry.dataset_id for entry in self._manifest.entries]
            return jobs, current_datasets(connection, self._lot.repository, datasets)

    def _read(self, entry: Entry, part: _Part, current: CurrentDataset | None, again: list[Entry] | None) -> None:
        same_object = current is not None and current.data_key == data_key(entry.parts)
        unless = current.sha256 if current and same_object and entry.action != Action.REPROCESS else None
        started = time.perf_counter()
        try:
            with read_job(entry, self._repository, self._platform.bucket, unless) as found:
                self._seconds["read"] += time.perf_counter() - started
                if found.dataset is None:
                    part.ended.append((entry, self._end(entry, JobState.NO_CHANGE, None, found.sha256)))
                else:
                    self._add(entry, found.dataset, found.sha256, part)
        except (ObjectChanged, ObjectNotFound) as error:
            part.entries.pop(entry.dataset_id, None)
            part.ended.append((entry, self._end(entry, JobState.CANCELLED, f"{_CANCELLED}: {error}", None)))
        except StoreUnavailable as error:
            if again is None:
                self._refuse_if_only_this(entry, error, part)
            else:
                again.append(entry)
        except CouldNotRead as failure:
            if failure.error.transient and again is not None:
                again.append(entry)
            else:
                self._refuse(entry, failure.error, failure.sha256, part)

    def _refuse(self, entry: Entry, error: BiolakeError, sha256: str | None, part: _Part) -> None:
        _LOG.warning("%s: %s", entry.dataset_id, error)
        part.entries.pop(entry.dataset_id, None)
        part.ended.append((entry, self._end(entry, JobState.ERRORED, describe(error), sha256)))

    def _refuse_if_only_this(self, entry: Entry, error: StoreUnavailable, part: _Part) -> None:
        """End one dataset whose object cannot be read while the bucket answers; give the lot back where it does not."""
        next(iter(self._platform.bucket.list(self._repository.folder)), None)
        self._refuse(entry, error, None, part)

    def _add(self, entry: Entry, dataset: Dataset, sha256: str, part: _Part) -> None:
        origin = self._origin(entry, sha256)
        large = dataset.cells > _PART_CELLS
        with self._timed("write"):
            try:
                row = datasets_table([dataset_row(dataset, origin, datetime.now(UTC))])
                features, samples = features_table(dataset, origin), samples_table(dataset, origin)
            except (UnicodeEncodeError, pa.ArrowInvalid) as error:
                refusal = UnreadableMetadata(
                    f"{entry.dataset_id}: its text cannot be stored ({error}). Correct the metadata, then upload again."
                )
                raise CouldNotRead(refusal, sha256) from error
            if large:
                self._writer.stream_matrix(dataset, origin)
                cells_out = dataset.cells
            else:
                batches = list(matrix_batches(dataset, origin))
                cells_out = sum(sum(samples_per_row(batch).to_pylist()) for batch in batches)
                part.lot_rows.matrix.extend(batches)
            part.lot_rows.features.append(features)
            part.lot_rows.samples.append(samples)
            part.rows[entry.dataset_id] = row
        part.cells += 0 if large else dataset.cells
        outcome = DatasetOutcome(
            entry.job_id,
            entry.dataset_id,
            entry.action,
            JobState.RUNNING,
            sha256=sha256,
            format=dataset.format,
            n_samples=dataset.samples.height,
            n_features=dataset.features.height,
            cells_in=dataset.cells,
            cells_out=cells_out,
        )
        part.entries[entry.dataset_id] = (entry, outcome)

    def _flush(self, part: _Part) -> _Part:
        """Commit what is still wanted of a part and say in the ledger what has ended; return an empty part."""
        with self._timed("ledger"):
            outdated = self._outdated([entry for entry, _ in part.entries.values()])
        for dataset_id in outdated:
            entry, outcome = part.entries.pop(dataset_id)
            part.ended.append((entry, self._end(entry, JobState.CANCELLED, _CANCELLED, outcome.sha256)))
        with self._timed("write"):
            rows = part.lot_rows
            kept = [row for dataset_id, row in part.rows.items() if dataset_id in part.entries]
            rows.datasets = pa.concat_tables([datasets_table([]), *kept])
            rows.removed = tuple(
                entry.dataset_id for entry, _ in part.entries.values() if entry.action == Action.DELETE
            )
            if part.entries:
                self._writer.commit(rows)
            recorded = [*part.entries.values(), *part.ended]
            self._writer.record(provenance_table([self._provenance(entry, outcome) for entry, outcome in recorded]))
        with self._timed("ledger"), self._platform.ledger.writing() as connection:
            endings = [(o.job_id, o.state, o.reason, o.sha256) for _, o in part.ended]
            end_jobs(connection, endings, datetime.now(UTC))
            self._follow_unchanged(connection, [entry for entry, o in part.ended if o.state == JobState.NO_CHANGE])
        for _, outcome in recorded:
            self._outcomes[outcome.job_id] = outcome
        return _Part()

    def _follow_unchanged(self, connection: Connection, entries: list[Entry]) -> None:
        """Record that the content the lake shows is also that of these newer object versions."""
        shown = current_datasets(connection, self._lot.repository, [entry.dataset_id for entry in entries])
        followed = [
            replace(shown[entry.dataset_id], data_key=data_key(entry.parts), source_version=entry.source_version)
            for entry in entries
            if entry.dataset_id in shown
        ]
        set_current(connection, followed)

    def _outdated(self, entries: list[Entry]) -> set[str]:
        with self._platform.ledger.reading() as connection:
            live = live_parts(connection, self._lot.repository, [entry.dataset_id for entry in entries])
        outdated: set[str] = set()
        for entry in entries:
            there = {(part.version.key, part.version.etag) for part in live[entry.dataset_id]}
            named = {(part.version.key, part.version.etag) for part in entry.parts}
            wanted = not (there & named) if entry.action == Action.DELETE else named <= there
            if not wanted:
                outdated.add(entry.dataset_id)
        return outdated

    def _record_stored_before(self, stored: Iterable[str]) -> None:
        """Give the datasets that an earlier attempt stored their rows of provenance, if it could not any more."""
        stored = set(stored)
        if not stored:
            return
        records = [
            self._provenance(entry, self._outcomes[entry.job_id])
            for entry in self._manifest.entries
            if entry.dataset_id in stored and self._outcomes[entry.job_id].state == JobState.RUNNING
        ]
        self._writer.record(provenance_table(records))

    def _end(self, entry: Entry, state: JobState, reason: str | None, sha256: str | None) -> DatasetOutcome:
        return DatasetOutcome(entry.job_id, entry.dataset_id, entry.action, state, reason, sha256)

    def _origin(self, entry: Entry, sha256: str) -> Origin:
        return Origin(
            self._lot.repository,
            entry.dataset_id,
            self._lot.key,
            self._source_uri(entry),
            entry.source_version,
            sha256,
        )

    def _source_uri(self, entry: Entry) -> str:
        for part in entry.parts:
            if part.role in {"data", "matrix"}:
                return self._platform.bucket.uri(part.version.key)
        return self._platform.bucket.url

    def _provenance(self, entry: Entry, outcome: DatasetOutcome) -> ProcessingRecord:
        state = JobState.SUCCESS if outcome.state == JobState.RUNNING else outcome.state
        return ProcessingRecord(
            dataset_id=entry.dataset_id,
            lot=self._lot.key,
            job_id=entry.job_id,
            action=entry.action.value,
            state=state.value,
            reason=outcome.reason,
            source_uri=self._source_uri(entry),
            source_version=entry.source_version,
            sha256=outcome.sha256,
            run_id=self._run_id,
            code_version=code_version(),
            image=self._platform.settings.image,
            cells_in=outcome.cells_in,
            cells_out=outcome.cells_out,
        )

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[step] += time.perf_counter() - started


def store_lot(platform: Platform, lot_key: str, run_id: str) -> LotOutcome:
    """Store the lot `lot_key` on behalf of the run `run_id`; see :class:`LotStorer`."""
    return LotStorer(platform, lot_key, run_id).run()


def _ended_before(entry: Entry, job: Job) -> DatasetOutcome:
    return DatasetOutcome(job.id, entry.dataset_id, job.action, job.state, job.reason, job.sha256)
