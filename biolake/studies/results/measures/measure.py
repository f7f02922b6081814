"""What a column of a result means: name, unit, description, which step of SKDH it comes from.

Descriptions are ours; the source is SKDH's documentation and code of version 0.17.18
(https://scikit-digital-health.readthedocs.io).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["number", "count", "text", "flag", "time", "date"]
Level = Literal["file_qc", "day", "night", "bout", "step", "subject_visit", "exclusions"]

_UNIT = re.compile(r"\s*\[([^]]+)\]")
_NOT_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Measure:
    """One column of a table.

    Attributes:
        table: The table it is in.
        column: Its name there, with the unit where it has one.
        kind: What its values are.
        unit: Unit of the values, empty where they have none.
        description: What it means.
        step: The process of SKDH that computes it; `biolake` for what the platform adds.
        names: What SKDH calls it; the first is that of the newest version.
        summed_up: Whether means over days, nights or steps make sense and are made.
    """

    table: Level
    column: str
    kind: Kind
    unit: str
    description: str
    step: str = "biolake"
    names: tuple[str, ...] = ()
    summed_up: bool = False


def measure(
    table: Level, step: str, name: str, unit: str, description: str, *older: str, kind: Kind = "number"
) -> Measure:
    """Return the measure that SKDH calls `name` (in older versions `older`)."""
    return Measure(table, column_name(name, unit), kind, unit, description, step, (name, *older), kind != "text")


def column_name(name: str, unit: str) -> str:
    """Return SKDH's name as a column's: lower case, words joined by `_`, the unit at the end."""
    plain = _NOT_NAME.sub("_", _UNIT.sub("", name).lower()).strip("_")
    ending = _ENDINGS.get(unit, "")
    told = plain.endswith((f"_{ending}", "_minutes")) or (unit == "%" and "percent" in plain)
    return plain if not ending or told else f"{plain}_{ending}"


_ENDINGS = {
    "min": "min",
    "s": "s",
    "h": "hours",
    "g": "g",
    "m": "m",
    "m/s": "m_per_s",
    "%": "percent",
    "steps/min": "steps_per_min",
    "Hz": "hz",
}


def unit_of(name: str) -> str:
    """Return the unit that SKDH writes into a name in brackets, empty where it writes none."""
    found = _UNIT.search(name)
    return found[1] if found else ""


def undescribed(table: Level, step: str, name: str) -> Measure:
    """Return the measure for a column that a version of SKDH gives and that is not described here."""
    unit = unit_of(name)
    return measure(table, step, name, unit, f"`{name}` of {step}; not described, see SKDH's documentation.")


def by_skdh_name(measures: Iterable[Measure]) -> Mapping[str, Measure]:
    """Return measures by every name that SKDH gives them."""
    return {name: entry for entry in measures for name in entry.names}
