"""The fields of a recording's header that a study may compare with its file names, and how they are compared."""

import unicodedata

from biolake.studies.devices.models import Scan

_FIELDS: dict[str, str] = {
    "subject": "subject",
    "device": "device_id",
    "device_id": "device_id",
    "location": "location",
    "site": "site",
    "visit": "visit",
    # As GENEActiv, Empatica and ActiGraph files call them.
    "Subject Code": "subject",
    "Device Unique Serial Code": "device_id",
    "Device Location Code": "location",
    "participantID": "subject",
    "siteID": "site",
    "studyID": "visit",
    "deviceSn": "device_id",
    "Subject Name": "subject",
    "Serial Number": "device_id",
    "Limb": "location",
}

HEADER_FIELDS: tuple[str, ...] = tuple(_FIELDS)
"""Names a configuration may use."""


def header_field(name: str) -> str | None:
    """Return the scan's field that a configuration means by `name`, None where there is none."""
    return _FIELDS.get(name)


def header_value(scan: Scan, name: str) -> str | None:
    """Return what the header says in a field, None where it says nothing."""
    field = header_field(name)
    value = getattr(scan, field) if field else None
    return str(value).strip() or None if value is not None else None


def says_the_same(in_name: str, in_header: str) -> bool:
    """Compare without regard to case, Unicode form and runs of space or underscores; leading zeros count."""
    return _folded(in_name) == _folded(in_header)


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().replace("_", " ").split())
