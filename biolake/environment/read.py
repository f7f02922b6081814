"""Read the `BIOLAKE_*` variables: each field's value, where it came from, and everything that is wrong, at once.

What a value must be is said by the model, `biolake.settings.Settings`; nothing here repeats a value in a message.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from biolake.environment.profiles import (
    PRODUCTION,
    production_problems,
    secret_in_url,
    togetherness_problems,
)
from biolake.environment.secret_files import SecretNotRead, read_secret
from biolake.environment.urls import RULES, UnusableUrl, plain_url
from biolake.environment.variables import FILE_SUFFIX, unknown_variables, variable_of

UNDER_HOME: Mapping[str, str] = {"landing": "landing", "lake": "lake", "ledger": "ledger.db", "index": "index"}
"""What is in the state folder, under which name, where no variable puts it elsewhere."""


@dataclass
class Reading:
    """What the environment says.

    Attributes:
        values: By field, the value as text or as a secret; fields that keep their default are not in it.
        origins: By field, where its value comes from, for people.
        problems: By variable, what is wrong and what to do.
    """

    values: dict[str, object] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def is_secret(info: FieldInfo) -> bool:
    """Whether a field's value is never shown."""
    return SecretStr in (info.annotation, *get_args(info.annotation))


def read_environment(fields: Mapping[str, FieldInfo], variables: Mapping[str, str], home: Path | None) -> Reading:
    """Read all fields.

    Args:
        fields: The model's.
        variables: The environment; an empty variable counts as not set.
        home: Overrides `BIOLAKE_HOME`; `.biolake` in the current folder where neither says.
    """
    reading = Reading()
    secrets = [name for name, info in fields.items() if is_secret(info)]
    _read_home(reading, variables, home)
    for name in fields:
        if name in secrets:
            _read_secret(reading, variables, name)
        elif name != "home" and variables.get(variable_of(name)):
            reading.values[name] = variables[variable_of(name)]
            reading.origins[name] = variable_of(name)
    production = reading.values.get("profile") == PRODUCTION
    for name in RULES:
        if name in reading.origins and name in fields:
            _read_url(reading, name, production)
    if production:
        _add(reading, production_problems(_urls(reading), reading.origins))
    _add(reading, togetherness_problems(reading.values))
    _add(reading, unknown_variables(variables, fields, secrets))
    _put_under_home(reading)
    return reading


def _read_home(reading: Reading, variables: Mapping[str, str], home: Path | None) -> None:
    named = variables.get(variable_of("home"))
    if home is None and named:
        reading.origins["home"] = variable_of("home")
    reading.values["home"] = (home or Path(named or ".biolake")).expanduser().resolve()


def _read_secret(reading: Reading, variables: Mapping[str, str], name: str) -> None:
    variable = variable_of(name)
    by_file = variable + FILE_SUFFIX
    value, path = variables.get(variable), variables.get(by_file)
    if value or path:
        # So that a secret that cannot be used is not told as missing, too.
        reading.values[name] = SecretStr("?")
    if value and path:
        reading.problems[variable] = f"{by_file} is set, too. Unset one of the two."
    elif value:
        reading.values[name], reading.origins[name] = SecretStr(value), variable
    elif path:
        try:
            reading.values[name] = SecretStr(read_secret(Path(path).expanduser()))
            reading.origins[name] = f"{by_file} ({path})"
        except SecretNotRead as error:
            reading.problems[by_file] = str(error)


def _read_url(reading: Reading, name: str, production: bool) -> None:
    variable, rule = variable_of(name), RULES[name]
    try:
        plain = plain_url(str(reading.values[name]), rule)
    except UnusableUrl as error:
        reading.problems[variable] = str(error)
        return
    reading.values[name] = plain.url
    for taker, found in plain.taken.items():
        if taker == rule.password and production:
            reading.problems[variable] = secret_in_url(taker)
        elif taker in reading.origins:
            reading.problems[variable] = f"the URL holds what {variable_of(taker)} says, too. Take it out of the URL."
        else:
            reading.values[taker] = SecretStr(found) if taker == rule.password else found
            reading.origins[taker] = f"{variable} (in the URL)"


def _put_under_home(reading: Reading) -> None:
    home = Path(str(reading.values["home"]))
    for name, below in UNDER_HOME.items():
        if name not in reading.origins:
            place = home / below
            reading.values[name] = f"sqlite:///{place}" if name == "ledger" else place.as_uri()
            reading.origins[name] = "under BIOLAKE_HOME"


def _urls(reading: Reading) -> dict[str, str]:
    return {name: str(reading.values[name]) for name in RULES if name in reading.values}


def _add(reading: Reading, problems: Mapping[str, str]) -> None:
    for variable, problem in problems.items():
        reading.problems.setdefault(variable, problem)
