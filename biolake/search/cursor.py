"""The cursor of a page: which state of the index the search reads, and after which match the next page begins.

Opaque to users. It is bound to its request, so that a changed filter cannot continue another search.
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
        content = json.dumps([_fingerprint(request), self.version, self.seen, self.last, self.total])
        return base64.urlsafe_b64encode(content.encode()).decode()


def decode(request: SearchRequest) -> Cursor | None:
    """Read the request's cursor; None on the first page.

    Raises:
        InvalidCursor: The text is no cursor, or that of another request.
    """
    if request.after is None:
        return None
    try:
        content = json.loads(base64.urlsafe_b64decode(request.after.encode()))
        fingerprint, version, seen, last, total = content
    except (binascii.Error, ValueError, TypeError) as error:
        raise InvalidCursor("The cursor cannot be read. Pass `next` of the page before, unchanged.") from error
    valid = isinstance(version, str) and isinstance(seen, int) and isinstance(last, str) and isinstance(total, int)
    if fingerprint != _fingerprint(request) or not valid:
        raise another_search()
    return Cursor(version, seen, last, total)


def another_search() -> InvalidCursor:
    """Return the error of a cursor that the request's pages did not give."""
    return InvalidCursor(
        "The cursor belongs to another search. Keep text, filters, repositories, vector and sort while paging."
    )


def _fingerprint(request: SearchRequest) -> str:
    """Hash what decides on the matches and their order; the page's size may change on the way."""
    content = json.dumps(
        request.model_dump(mode="json", exclude={"after", "size", "facets", "facet_size"}), sort_keys=True
    )
    return hashlib.sha256(content.encode()).hexdigest()[:16]
