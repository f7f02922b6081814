"""Talking to OpenSearch: the client, what is tried again and for how long, and its errors as the platform's.

The client's own retries are off: they follow each other at once, and a node that starts takes seconds. What is asked is
in the neighbours; no message from here has a password or a user's name in a URL.
"""

import logging
import random
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr

from biolake.search.errors import IndexAccessDenied, IndexBusy, IndexFailed, IndexUnreachable, SearchError

if TYPE_CHECKING:
    from opensearchpy import OpenSearch
    from opensearchpy.exceptions import TransportError

_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Delays:
    """Seconds before each repetition of a call.

    Attributes:
        busy: In any case.
        silent: Then, while the cluster does not answer at all.
    """

    busy: tuple[float, ...] = ()
    silent: tuple[float, ...] = ()


class Waiting:
    """How a call that is repeated goes on."""

    def __init__(self, delays: Delays) -> None:
        self._busy, self._silent = iter(delays.busy), iter(delays.silent)

    def next(self, *, silent: bool) -> float | None:
        """Return the seconds before the next repetition, None for no other."""
        delay = next(self._busy, None)
        return next(self._silent, None) if delay is None and silent else delay


READ_DELAYS = Delays((0.1, 0.3, 1.0))
"""Someone waits for it."""
WRITE_DELAYS = Delays((0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4), silent=(10.0, 10.0, 10.0))
"""A run waits for it: as long as a node takes to start again, on a machine with much to do."""
ONCE = Delays()
_PASSING = frozenset({429, 502, 503, 504})
_SECONDS = 30.0
_CONNECTIONS = 16


@dataclass(frozen=True)
class Access:
    """How the cluster is reached.

    Attributes:
        url: `http(s)://host:port`; a user in it is passed over.
        user: Who the platform is there, None where nobody asks.
        password: The user's.
        authority: File of the authority that signed the cluster's certificate, where the machine does not know it.
    """

    url: str = field(repr=False)
    user: str | None = None
    password: SecretStr | None = None
    authority: Path | None = None


class Cluster:
    """An OpenSearch cluster, with errors that say what to do. Made without asking anything."""

    def __init__(self, access: Access) -> None:
        from opensearchpy import OpenSearch

        parts = urlsplit(access.url)
        self.url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
        secure = parts.scheme == "https"
        host = {"host": parts.hostname, "port": parts.port or (443 if secure else 9200), "use_ssl": secure}
        if parts.path.strip("/"):
            host["url_prefix"] = parts.path.strip("/")
        options: dict[str, Any] = {}
        if access.user is not None and access.password is not None:
            options["http_auth"] = (access.user, access.password.get_secret_value())
        if secure:
            options["verify_certs"] = True
            if access.authority is not None:
                options["ca_certs"] = str(access.authority)
        self._client: OpenSearch = OpenSearch(
            [host], timeout=_SECONDS, max_retries=0, pool_maxsize=_CONNECTIONS, http_compress=False, **options
        )

    def __repr__(self) -> str:
        return f"Cluster({self.url})"

    def ask(
        self,
        call: Callable[["OpenSearch"], _Result],
        *,
        delays: Delays = READ_DELAYS,
        expected: Collection[int] = (),
    ) -> _Result:
        """Make a call, repeated while the cluster is not there or has too much to do.

        Args:
            call: What is done with the client; it may be done several times.
            delays: Seconds before each repetition.
            expected: Status codes that are an answer: the client's own error is raised for them.

        Raises:
            IndexUnreachable: The cluster does not answer.
            IndexBusy: It has too much to do, or is writing-protected.
            IndexAccessDenied: It refuses the user, or its certificate is not trusted.
            IndexFailed: It refuses the call.
        """
        from opensearchpy.exceptions import TransportError

        waiting = Waiting(delays)
        while True:
            try:
                return call(self._client)
            except TransportError as error:
                if error.status_code in expected:
                    raise
                meaning = self.meaning(error)
                # A node that has just started answers 503 for a moment.
                silent = isinstance(meaning, IndexUnreachable) or error.status_code == 503
                delay = waiting.next(silent=silent) if meaning.transient else None
                if delay is None:
                    raise meaning from error
                _log.info("repeated in %.1f s: %s", delay, meaning)
            pause(delay)

    def meaning(self, error: "TransportError") -> SearchError:
        """Return the platform's error for one of the client's."""
        from opensearchpy.exceptions import ConnectionError as NoConnection
        from opensearchpy.exceptions import SSLError

        status = error.status_code
        if isinstance(error, SSLError):
            return IndexAccessDenied(
                f"{self.url}: no secure connection ({_first_line(error.error)}). Set BIOLAKE_INDEX_CA to the file of "
                "the authority that signed OpenSearch's certificate, and name the host as the certificate does."
            )
        if isinstance(error, NoConnection):
            return IndexUnreachable(
                f"{self.url}: OpenSearch does not answer ({_first_line(error.error)}). Start it or correct "
                "BIOLAKE_INDEX; the call may be repeated."
            )
        reason = reason_of(error)
        if status in _PASSING or (status == 403 and "cluster_block_exception" in str(error.error)):
            return IndexBusy(f"{self.url}: OpenSearch cannot take the call now ({status}: {reason}). Repeat it.")
        if status in {401, 403}:
            return IndexAccessDenied(
                f"{self.url}: OpenSearch does not allow it ({status}: {reason}). Correct BIOLAKE_INDEX_USER and "
                "BIOLAKE_INDEX_PASSWORD, or give the user the permissions in docs/search.md."
            )
        return IndexFailed(f"{self.url}: OpenSearch refuses the call ({status}: {reason}). See OpenSearch's own log.")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def reason_of(error: "TransportError") -> str:
    """Return why the server refused, in one line."""
    info = error.info
    told = info.get("error") if isinstance(info, dict) else None
    if not isinstance(told, dict):
        return _first_line(told or error.error)
    deepest = told
    while isinstance(deepest.get("caused_by"), dict):
        deepest = deepest["caused_by"]
    return _first_line(f"{told.get('type')}: {deepest.get('reason') or told.get('reason')}")


def pause(seconds: float) -> None:
    """Wait about so long: callers that failed together must not come back together."""
    time.sleep(seconds * random.uniform(0.7, 1.3))  # noqa: S311


def _first_line(text: object) -> str:
    return str(text).partition("\n")[0][:300]
