"""The cursor of a page: which state of the index the search reads, and after which match the next page begins.

Opaque to users. It is bound to its request, so that a changed filter cannot continue another search, and sealed, so
that a changed place is an error and not a page that looks like the last. The seal is no secret: a cursor gives access
to nothing that a search does not.
"""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass

from biolake.search.errors import InvalidCursor
from biolake.search.models import SearchRequest


@dataclass(frozen=True)
class Cursor:
    """Where a search goes on.

    Attributes:
        version: The engine's name for the state of the index that the first page was read from.
        seen: Number of matches on the pages before.
        last: The last match seen, as the engine finds it again.
        total: Number of all matches.
    """

    version: str
    seen: int
    last: str
    total: int

    def encode(self, request: SearchRequest) -> str:
        """Return the cursor as text for `SearchPage.next`."""
        fingerprint = _fingerprint(request)
        content = json.dumps([fingerprint, self.version, self.seen, self.last, self.total, self._seal(fingerprint)])
        return base64.urlsafe_b64encode(content.encode()).decode()

    def sealed(self, fingerprint: object, seal: object) -> bool:
        """Whether the seal is that of this cursor for the request of the fingerprint."""
        return seal == self._seal(str(fingerprint))

    def _seal(self, fingerprint: str) -> str:
        return _digest([fingerprint, self.version, self.seen, self.last, self.total])


def decode(request: SearchRequest) -> Cursor | None:
    """Read the request's cursor; None on the first page.

    Raises:
        InvalidCursor: The text is no cursor, or that of another request.
    """
    if request.after is None:
        return None
    try:
        content = json.loads(base64.urlsafe_b64decode(request.after.encode()))
        fingerprint, version, seen, last, total, seal = content
    except (binascii.Error, ValueError, TypeError) as error:
        raise _changed() from error
    cursor = Cursor(version, seen, last, total)
    if not cursor.sealed(fingerprint, seal):
        raise _changed()
    if fingerprint != _fingerprint(request):
        raise another_search()
    return cursor


def another_search() -> InvalidCursor:
    """Return the error of a cursor that the request's pages did not give."""
    return InvalidCursor(
        "The cursor belongs to another search. Keep text, filters, repositories, vector and sort while paging."
    )


def _changed() -> InvalidCursor:
    return InvalidCursor("The cursor cannot be read. Pass `next` of the page before, unchanged.")


def _fingerprint(request: SearchRequest) -> str:
    """Hash what decides on the matches and their order; the page's size may change on the way."""
    return _digest(request.model_dump(mode="json", exclude={"after", "size", "facets", "facet_size"}))


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
