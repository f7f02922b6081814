"""Units of participants' measurements and the conversion between them, done once, when a value enters.

A unit belongs to one dimension, and only units of one dimension convert. What a plausible value is stands here too, so
that a height of 172 said to be in metres is refused whatever the study's own limits. Source: SI brochure; NIST SP 811.
"""

from dataclasses import dataclass

from biolake.studies.errors import UnknownUnit


@dataclass(frozen=True)
class Unit:
    """A unit as a multiple of its dimension's first unit, with an offset for temperatures.

    Attributes:
        symbol: How documents write it.
        dimension: What it measures.
        factor: How many of the dimension's first unit one of it is.
        offset: What is added after multiplying.
    """

    symbol: str
    dimension: str
    factor: float
    offset: float = 0.0


@dataclass(frozen=True)
class Plausible:
    """The range in which a person's measurement lies; outside of it is a mistake of unit or of typing."""

    unit: str
    lowest: float
    highest: float


_UNITS: dict[str, Unit] = {
    unit.symbol: unit
    for unit in (
        Unit("m", "length", 1.0),
        Unit("cm", "length", 0.01),
        Unit("mm", "length", 0.001),
        Unit("in", "length", 0.0254),
        Unit("ft", "length", 0.3048),
        Unit("kg", "mass", 1.0),
        Unit("g", "mass", 0.001),
        Unit("lb", "mass", 0.45359237),
        Unit("years", "age", 1.0),
        Unit("months", "age", 1 / 12),
        Unit("hours", "duration", 1.0),
        Unit("minutes", "duration", 1 / 60),
        Unit("seconds", "duration", 1 / 3600),
        Unit("days", "duration", 24.0),
        Unit("degC", "temperature", 1.0),
        Unit("degF", "temperature", 5 / 9, -160 / 9),
        Unit("kg/m2", "body mass index", 1.0),
    )
}

UNIT_SUFFIXES: dict[str, str] = {
    "_m": "m",
    "_cm": "cm",
    "_mm": "mm",
    "_in": "in",
    "_ft": "ft",
    "_kg": "kg",
    "_g": "g",
    "_lb": "lb",
    "_years": "years",
    "_months": "months",
    "_kg_m2": "kg/m2",
}
"""Endings of column names that say a unit; such a column holds values in that unit and no other."""

_PLAUSIBLE: dict[str, Plausible] = {
    "height": Plausible("m", 0.3, 2.8),
    "leg_length": Plausible("m", 0.1, 1.6),
    "weight": Plausible("kg", 0.3, 500.0),
    "age": Plausible("years", 0.0, 125.0),
}


def unit(symbol: str) -> Unit:
    """Return the unit a document calls `symbol`.

    Raises:
        UnknownUnit: There is none; the message lists those there are.
    """
    if symbol not in _UNITS:
        raise UnknownUnit(f"`{symbol}` is no unit known here. Write one of: {', '.join(_UNITS)}.")
    return _UNITS[symbol]


def convert(value: float, from_symbol: str, to_symbol: str) -> float:
    """Convert a value between two units of one dimension.

    Raises:
        UnknownUnit: One of the units is unknown, or they measure different things.
    """
    source, target = unit(from_symbol), unit(to_symbol)
    if source.dimension != target.dimension:
        raise UnknownUnit(
            f"{from_symbol} ({source.dimension}) does not convert to {to_symbol} ({target.dimension}). "
            f"Correct one of them."
        )
    if source == target:
        return value
    # Divided where that is exact: 172 cm is then 1.72 m and not 1.7200000000000002 m.
    if source.factor < target.factor and (target.factor / source.factor).is_integer() and not source.offset:
        return value / (target.factor / source.factor)
    return (value * source.factor + source.offset - target.offset) / target.factor


def unit_in_name(column: str) -> str | None:
    """Return the unit that a column's name promises: `height_m` is in metres; None where it promises none."""
    for suffix in sorted(UNIT_SUFFIXES, key=len, reverse=True):
        if column.endswith(suffix):
            return UNIT_SUFFIXES[suffix]
    return None


def plausible(column: str, symbol: str | None) -> Plausible | None:
    """Return the range a well-known measurement must lie in, in the unit `symbol`; None where there is none."""
    for quantity, limits in _PLAUSIBLE.items():
        if column == quantity or (column.startswith(quantity) and unit_in_name(column) is not None):
            target = symbol or unit_in_name(column)
            if target is None or unit(target).dimension != unit(limits.unit).dimension:
                return None
            lowest, highest = (convert(v, limits.unit, target) for v in (limits.lowest, limits.highest))
            return Plausible(target, lowest, highest)
    return None
