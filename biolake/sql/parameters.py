"""The values that are passed beside a statement."""

from collections.abc import Mapping
from typing import Any

from biolake.sql import errors
from biolake.sql.models import Parameters


def parameter_value(name: str, parameters: Parameters | None, position: int | None) -> Any:
    """Return a parameter's value: `name` is its name, or its number from 1.

    Raises:
        InvalidStatement: None was passed.
    """
    given: Any = parameters or {}
    if isinstance(given, Mapping) and name in given:
        return given[name]
    if not isinstance(given, Mapping) and name.isdigit() and 0 < int(name) <= len(given):
        return given[int(name) - 1]
    raise errors.InvalidStatement(f"there is no value for the parameter {name}. Pass it in `parameters`.", position)


def plain_parameters(parameters: Parameters | None) -> Any:
    """Return parameters as JSON has them."""
    if parameters is None or isinstance(parameters, Mapping):
        return None if parameters is None else dict(parameters)
    return list(parameters)
