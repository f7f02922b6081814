"""`biolake settings`: what this deployment is told, and by what."""

import os
from dataclasses import dataclass

from pydantic import SecretStr

from biolake.cli.output import AsJson, print_json, print_table
from biolake.environment.documentation import entries
from biolake.environment.variables import OTHERS
from biolake.settings import Settings

_HIDDEN = "***"


@dataclass(frozen=True)
class _Shown:
    name: str
    variable: str
    value: object
    origin: str
    default: str
    meaning: str
    needed_by: str


def settings(as_json: AsJson = False) -> None:
    """Show every setting, its value and where it comes from; secrets as ***."""
    found, origins = Settings.with_origins()
    shown = [
        _Shown(
            entry.name,
            entry.variables[0],
            _value(getattr(found, entry.name)),
            origins[entry.name],
            entry.default,
            entry.meaning,
            entry.needed_by,
        )
        for entry in entries()
    ]
    shown += _others()
    if as_json:
        print_json([vars(one) for one in shown])
        return
    rows = [(one.variable, one.value, one.origin, one.meaning) for one in shown]
    print_table("", ("variable", "value", "from", "meaning"), rows)


def _others() -> list[_Shown]:
    return [
        _Shown("", name, _HIDDEN if other.secret else value, name, "", other.meaning, "")
        for name, value in sorted(os.environ.items())
        for other in OTHERS
        if other.matches(name)
    ]


def _value(value: object) -> object:
    if isinstance(value, SecretStr):
        return _HIDDEN
    return value if value is None or isinstance(value, bool | int | float) else str(value)
