"""Checks of single parameter values in a saved pipeline: what SKDH would take silently, or what could harm.

Which parameters exist is `process_table`; the pipeline as a whole is `read`. Source: SKDH 0.17.x, each process.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from biolake.studies.pipeline_files.process_table import Process, ProcessTable

_CHOICES: dict[str, tuple[str, ...]] = {
    "ext_error": ("warn", "raise", "skip"),
    "gaps_error": ("raise", "warn", "ignore"),
    "mode": ("combine", "concatenate", "leave"),
    "gait_event_method": ("ap cwt", "vertical cwt", "v cwt"),
}
_READ_CSV = frozenset(
    [
        "sep",
        "delimiter",
        "header",
        "names",
        "index_col",
        "usecols",
        "dtype",
        "engine",
        "skipinitialspace",
        "skiprows",
        "skipfooter",
        "nrows",
        "na_values",
        "keep_default_na",
        "na_filter",
        "skip_blank_lines",
        "parse_dates",
        "dayfirst",
        "thousands",
        "decimal",
        "quotechar",
        "quoting",
        "doublequote",
        "escapechar",
        "comment",
        "encoding",
        "encoding_errors",
        "on_bad_lines",
        "low_memory",
        "float_precision",
        "date_format",
    ]
)
_TO_DATETIME = frozenset(["errors", "dayfirst", "yearfirst", "utc", "format", "exact", "unit", "origin", "cache"])
_LEVELS = ("sedentary", "light", "moderate")


@dataclass(frozen=True)
class Fault:
    """What is wrong with a value and what to do."""

    message: str
    remedy: str


def check_value(process: Process, name: str, value: Any, table: ProcessTable) -> Fault | None:
    """Return what is wrong with a parameter's value, None where nothing is."""
    if name == "cutpoints":
        return _cutpoints(value, table)
    if name == "allow_pickle" and value:
        return Fault("allow_pickle lets a data file run code.", "Save the arrays without objects and leave it false.")
    if name == "bout_processing_pipeline" and value is not None:
        return Fault("a pipeline inside a pipeline does not survive saving.", "Leave it null.")
    if name == "read_csv_kwargs":
        return _known_keys(value, name, _READ_CSV)
    if name == "to_datetime_kwargs":
        return _known_keys(value, name, _TO_DATETIME)
    if name == "reader" and process.name == "MultiReader" and value not in table.readers:
        return Fault(f"MultiReader cannot read with `{value}`.", f"Choose one of {', '.join(table.readers)}.")
    if name in ("bases", "periods"):
        return _hours(name, value)
    if name == "day_window":
        return _day_window(value)
    if name in _CHOICES and (not isinstance(value, str) or value.lower() not in _CHOICES[name]):
        return Fault(f"`{name}` cannot be {value!r}.", f"Choose one of {', '.join(_CHOICES[name])}.")
    return _number(process, name, value)


def _number(process: Process, name: str, value: Any) -> Fault | None:
    default = process.parameters[name].default
    expects_number = isinstance(default, int | float) and not isinstance(default, bool)
    if expects_number and value is not None and not isinstance(value, int | float):
        return Fault(f"`{name}` is a number, not {value!r}.", f"The default is {default}.")
    return None


def _known_keys(value: Any, name: str, known: frozenset[str]) -> Fault | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        return Fault(f"`{name}` is a mapping.", "Write `option: value` pairs.")
    unknown = sorted(str(key) for key in value if key not in known)
    if unknown:
        return Fault(f"`{name}` may not hold {', '.join(unknown)}.", f"It may hold: {', '.join(sorted(known))}.")
    return None


def _cutpoints(value: Any, table: ProcessTable) -> Fault | None:
    named = ", ".join(name for name, levels in table.cutpoints.items() if set(_LEVELS) <= set(levels))
    if value is None:
        return Fault("no cut-points: SKDH would take its default silently.", f"Name them: {named}.")
    if isinstance(value, str):
        if value not in table.cutpoints:
            return Fault(f"unknown cut-points `{value}`: SKDH would take its default silently.", f"Choose: {named}.")
        missing = [level for level in _LEVELS if level not in table.cutpoints[value]]
        if missing:
            message = f"the cut-points `{value}` lack {', '.join(missing)}, so every recording would fail."
            return Fault(message, f"Choose: {named}.")
        return None
    if not isinstance(value, Mapping):
        return Fault("cut-points are a name or a mapping.", f"Choose: {named}.")
    missing = [key for key in ("metric", "kwargs", *_LEVELS) if key not in value]
    if missing:
        return Fault(f"the cut-points lack {', '.join(missing)}.", "Give metric, kwargs and the three levels in g.")
    if value["metric"] not in table.metrics:
        return Fault(f"unknown metric `{value['metric']}`.", f"Choose one of {', '.join(sorted(table.metrics))}.")
    if not all(isinstance(value[level], int | float) for level in _LEVELS):
        return Fault("the levels of the cut-points are numbers, in g.", "Correct them.")
    if not value["sedentary"] < value["light"] < value["moderate"]:
        return Fault("the levels do not rise from sedentary over light to moderate.", "Correct them, in g.")
    return None


def _hours(name: str, value: Any) -> Fault | None:
    lowest, highest = (0, 23) if name == "bases" else (1, 24)
    values = value if isinstance(value, list | tuple) else [value]
    if value is not None and not all(
        isinstance(v, int) and not isinstance(v, bool) and lowest <= v <= highest for v in values
    ):
        return Fault(f"`{name}` are whole hours from {lowest} to {highest}.", "Correct them.")
    return None


def _day_window(value: Any) -> Fault | None:
    if value is None:
        return None
    if not isinstance(value, list | tuple) or len(value) != 2:
        return Fault("`day_window` is a first hour and a number of hours.", "Write it as [0, 24].")
    return _hours("bases", value[0]) or _hours("periods", value[1])
