"""Names of time zones, checked against the IANA database that Python carries (tzdata).

An abbreviation (`EST`) or an offset is refused: it has no daylight saving, so days would silently start an hour off for
half a year.
"""

from functools import cache
from zoneinfo import available_timezones

from biolake.studies.errors import UnknownTimezone


@cache
def _names() -> frozenset[str]:
    return frozenset(name for name in available_timezones() if "/" in name and not name.startswith("Etc/")) | {"UTC"}


def timezone_name(text: str) -> str:
    """Return `text` if it names a place's time zone, `Europe/London`, or is `UTC`.

    Raises:
        UnknownTimezone: It does not; the message says which name may be meant.
    """
    names = _names()
    if text in names:
        return text
    wanted = text.strip().replace(" ", "_").lower()
    close = next((name for name in sorted(names) if wanted in (name.lower(), name.lower().rsplit("/", 1)[-1])), None)
    hint = f"Write `{close}`." if close else "Write an IANA name with a place, as `Europe/London`, or `UTC`."
    raise UnknownTimezone(f"`{text}` is no time zone with a place. {hint}")
