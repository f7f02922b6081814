"""What an object store says of its objects."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class ObjectVersion:
    """One state of one key.

    Attributes:
        key: The key below the store's URL, `/` between folders.
        etag: Changes whenever the bytes may have changed.
        size: Bytes.
        modified: When the store took it, UTC.
        version: The store's own version id, where its bucket keeps versions.
    """

    key: str
    etag: str
    size: int
    modified: datetime
    version: str | None = None
