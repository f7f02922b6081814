"""A lot's manifest: the immutable, hashed list of jobs that one run processes."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from biolake.arrivals.errors import ManifestChanged
from biolake.ledger.jobs import part_from_json, part_to_json
from biolake.ledger.models import Action, Job, Lot, LotState, Part
from biolake.objects.store import ObjectStore

_SCHEMA = 1


@dataclass(frozen=True)
class Entry:
    """One job as the manifest names it."""

    job_id: str
    dataset_id: str
    action: Action
    source_version: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Manifest:
    """What a lot consists of."""

    repository: str
    created_at: datetime
    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, repository: str, jobs: list[Job], now: datetime) -> "Manifest":
        """Write down `jobs` in their order."""
        entries = tuple(Entry(job.id, job.dataset_id, job.action, job.source_version, job.parts) for job in jobs)
        return cls(repository, now.astimezone(UTC), entries)

    def to_bytes(self) -> bytes:
        """The manifest as JSON, the same bytes each time."""
        document = {
            "schema": _SCHEMA,
            "repository": self.repository,
            "created_at": self.created_at.isoformat(),
            "jobs": [
                {
                    "job_id": entry.job_id,
                    "dataset_id": entry.dataset_id,
                    "action": entry.action.value,
                    "source_version": entry.source_version,
                    "parts": [part_to_json(part) for part in entry.parts],
                }
                for entry in self.entries
            ],
        }
        return json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Manifest":
        """The inverse of :meth:`to_bytes`."""
        document = json.loads(data)
        entries = tuple(
            Entry(
                item["job_id"],
                item["dataset_id"],
                Action(item["action"]),
                item["source_version"],
                tuple(part_from_json(part) for part in item["parts"]),
            )
            for item in document["jobs"]
        )
        return cls(document["repository"], datetime.fromisoformat(document["created_at"]), entries)


def write_manifest(manifest: Manifest, lake: ObjectStore) -> Lot:
    """Store a manifest under the name that its hash gives and return its lot."""
    data = manifest.to_bytes()
    digest = hashlib.sha256(data).hexdigest()
    key = f"{manifest.created_at:%Y%m%dT%H%M%SZ}-{digest[:10]}"
    path = _path(manifest.repository, key)
    lake.put(path, data)
    return Lot(
        key=key,
        repository=manifest.repository,
        manifest_uri=lake.uri(path),
        sha256=digest,
        n_jobs=len(manifest.entries),
        size=sum(part.version.size for entry in manifest.entries for part in entry.parts),
        state=LotState.OPEN,
        created_at=manifest.created_at,
    )


def read_manifest(lot: Lot, lake: ObjectStore) -> Manifest:
    """Return a lot's manifest.

    Raises:
        ManifestChanged: Its bytes are not those that were recorded.
        ObjectNotFound: It is gone.
    """
    data = lake.get(_path(lot.repository, lot.key))
    digest = hashlib.sha256(data).hexdigest()
    if digest != lot.sha256:
        raise ManifestChanged(
            f"{lot.manifest_uri}: sha256 is {digest[:16]}…, recorded was {lot.sha256[:16]}…. Restore the manifest, or "
            "reprocess its datasets in a new lot."
        )
    return Manifest.from_bytes(data)


def _path(repository: str, key: str) -> str:
    return f"{repository}/_lots/{key}.json"
