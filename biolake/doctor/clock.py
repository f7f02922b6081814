"""How far a server's clock is from ours. Times of objects, heartbeats and leases are compared across machines."""

from collections.abc import Iterator
from datetime import UTC, datetime

from biolake.doctor.models import Finding, ok, problem, warning

_WORTH_TELLING_SECONDS = 5.0
# A run beats every three seconds and counts as dead after `silent_seconds`, 45 by default.
_HARMFUL_SECONDS = 30.0
_REMEDY = (
    "Have both machines keep time (chrony, systemd-timesyncd). Until then objects seem younger or older than they are, "
    "and living runs may count as dead."
)


def clock(engine: str, server: datetime, before: datetime, after: datetime, resolution: float = 0.0) -> Finding:
    """Judge a server's time.

    Args:
        engine: Whose time it is.
        server: What it said.
        before: Our time when it was asked.
        after: Our time when it had answered.
        resolution: How coarse the server's answer is, in seconds.
    """
    behind = (before - server).total_seconds() - resolution
    ahead = (server - after).total_seconds() - resolution
    seconds = max(behind, ahead, 0.0)
    if seconds <= _WORTH_TELLING_SECONDS:
        return ok(engine, "clock", "agrees with this machine's")
    found = f"{seconds:.0f} s {'behind' if behind > ahead else 'ahead of'} this machine's"
    judge = problem if seconds > _HARMFUL_SECONDS else warning
    return judge(engine, "clock", found, _REMEDY)


def http_clock(engine: str, date: str | None, before: datetime, after: datetime) -> Iterator[Finding]:
    """Judge the `Date` header of an answer (RFC 9110 6.6.1); without one there is no finding."""
    from email.utils import parsedate_to_datetime

    if date:
        yield clock(engine, parsedate_to_datetime(date).astimezone(UTC), before, after, resolution=1.0)


def now() -> datetime:
    """Our time."""
    return datetime.now(UTC)
