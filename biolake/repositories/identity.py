"""Which dataset an object belongs to, and as what, from its key alone.

`GSE1.gct`, `GSE1.samples.csv` and `GSE1.metadata.json` are data, sample table and metadata of GSE1; so are the three
matrix-market files in a folder `GSE1/`. In a repository that requires metadata documents, `GSE1.json` is one; elsewhere
it is data, since BIOM and mwTab are JSON too. Names decide the identity only; content decides the format, later, in
`biolake.formats`.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import re2

from biolake.repositories.errors import NameNotTaken
from biolake.repositories.models import Repository

Role = Literal["data", "samples", "metadata", "matrix", "barcodes", "features"]

MATRIX_MARKET_ROLES: tuple[Role, ...] = ("matrix", "barcodes", "features")

_FOLDER_FILES: dict[str, Role] = {
    "matrix.mtx": "matrix",
    "barcodes.tsv": "barcodes",
    "features.tsv": "features",
    "genes.tsv": "features",
}
LONGEST_DATASET_ID = 256
"""In characters; as wide as the ledger's columns are. A key of S3 may have 1,024 bytes."""

_COMPRESSION = re.compile(r"\.(gz|bgz|zip)$", re.IGNORECASE)
_SAMPLES = re.compile(r"[._]samples\.(csv|tsv|txt)$", re.IGNORECASE)
_METADATA = re.compile(r"[._]metadata\.json$", re.IGNORECASE)
_JSON = re.compile(r"\.json$", re.IGNORECASE)
_EXTENSION = re.compile(
    r"([._]series_matrix\.txt|[._]family\.soft|\.(soft|annot|txt|tsv|csv|gctx?|h5ad|h5|hdf5|biom|vcf|mwtab|mtx|json))$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Member:
    """The part an object plays in a dataset."""

    dataset_id: str
    role: Role


@dataclass(frozen=True)
class NotAMember:
    """An object that belongs to no dataset, and why."""

    reason: str


def identify(repository: Repository, key: str) -> Member | NotAMember:
    """Tell the dataset and the role of the object `key` (relative to the landing bucket).

    A dataset id is NFC-normalised, so that two spellings of one letter are one dataset.
    """
    relative = unicodedata.normalize("NFC", key.removeprefix(f"{repository.folder}/"))
    folder, _, name = relative.rpartition("/")
    if name.startswith(".") or name.endswith(("~", ".tmp", ".part", ".crdownload")):
        return NotAMember("a temporary or hidden file")
    plain = _COMPRESSION.sub("", name)
    if folder and plain.lower() in _FOLDER_FILES:
        return _match(repository, folder.rpartition("/")[2], _FOLDER_FILES[plain.lower()])
    if _SAMPLES.search(plain):
        return _match(repository, _SAMPLES.sub("", plain), "samples")
    if _METADATA.search(plain):
        return _match(repository, _METADATA.sub("", plain), "metadata")
    if "metadata" in repository.requires and _JSON.search(plain):
        return _match(repository, _JSON.sub("", plain), "metadata")
    return _match(repository, _EXTENSION.sub("", plain), "data")


def _match(repository: Repository, stem: str, role: Role) -> Member | NotAMember:
    found = _expression(repository.dataset_id).search(stem)
    dataset_id = found.group("dataset_id") if found else None
    if not isinstance(dataset_id, str) or not dataset_id:
        return NotAMember(f"`{stem}` does not match the repository's id rule {repository.dataset_id}")
    if len(dataset_id) > LONGEST_DATASET_ID:
        return NotAMember(
            f"its dataset id would have {len(dataset_id)} characters, and {LONGEST_DATASET_ID} are the most"
        )
    return Member(dataset_id, role)


@lru_cache(maxsize=256)
def _expression(pattern: str) -> "re2._Regexp":  # type: ignore[name-defined]
    return re2.compile(pattern)


def check_name(repository: Repository, name: str) -> None:
    """Refuse a file or folder that would belong to no dataset, before it is uploaded.

    Raises:
        NameNotTaken: The repository's id rule does not match.
    """
    found = identify(repository, f"{repository.folder}/{name}")
    if isinstance(found, NotAMember):
        raise NameNotTaken(f"{name}: {found.reason}. Rename it, or upload it to another repository.")
