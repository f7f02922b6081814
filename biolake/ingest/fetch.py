"""Bring the objects of one dataset to this machine, hashed."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from biolake.formats.models import Upload
from biolake.ledger.models import Part
from biolake.objects.store import ObjectStore
from biolake.repositories.identity import MATRIX_MARKET_ROLES


@dataclass(frozen=True)
class Fetched:
    """A dataset's files here.

    Attributes:
        sha256: Of the data file; over all files' hashes where there are several.
    """

    upload: Upload
    sha256: str


def fetch(parts: Sequence[Part], bucket: ObjectStore, folder: Path) -> Fetched:
    """Bring `parts` here, into `folder` where the store is remote.

    Raises:
        ObjectChanged: An object is no longer the version the job names.
        ObjectNotFound: An object is gone.
        StoreUnavailable: The store did not answer.
    """
    paths: dict[str, Path] = {}
    hashes: dict[str, str] = {}
    for part in parts:
        local = bucket.local(part.version)
        if local is None:
            path = folder / part.role / _file_name(part)
            path.parent.mkdir(parents=True, exist_ok=True)
            local = path, bucket.fetch(part.version, path)
        paths[part.role], hashes[part.role] = local
    return Fetched(_upload(parts, paths, folder), _content_hash(hashes))


def _file_name(part: Part) -> str:
    """A key's last part may be longer than a file's name can be; only its endings promise a format."""
    name = part.version.key.rpartition("/")[2]
    return name if part.role in MATRIX_MARKET_ROLES else part.role + "".join(Path(name).suffixes[-2:])[-32:]


def _upload(parts: Sequence[Part], paths: dict[str, Path], folder: Path) -> Upload:
    if "data" in paths:
        data = paths["data"]
        name = next(part.version.key for part in parts if part.role == "data").rpartition("/")[2]
    else:
        # Links in one folder: the reader finds exactly the job's files, whatever else lies beside them.
        data = folder / "matrix_market"
        data.mkdir(parents=True, exist_ok=True)
        for role in MATRIX_MARKET_ROLES:
            (data / paths[role].name).symlink_to(paths[role])
        key = next(part.version.key for part in parts if part.role == "matrix")
        name = key.rpartition("/")[0].rpartition("/")[2]
    return Upload(name, data, samples=paths.get("samples"), metadata=paths.get("metadata"))


def _content_hash(hashes: dict[str, str]) -> str:
    if list(hashes) == ["data"]:
        return hashes["data"]
    lines = "".join(f"{role} {hashes[role]}\n" for role in sorted(hashes))
    return hashlib.sha256(lines.encode()).hexdigest()
