"""Reading what a worker has stored: every step's values, of the types SKDH returned them with.

Writing is in `worker/store.py`. Tables with stable columns are made from this elsewhere.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biolake.studies.errors import StudyError


class ResultMissing(StudyError):
    """A step, or a value of a step, that the stored results do not have."""


@dataclass(frozen=True)
class Value:
    """One value of a step's results.

    Attributes:
        path: Keys that lead to it; a tuple key, as of day windows, is a tuple.
        kind: `array`, `datetimes`, `list`, `scalar`, or `left_out` for a raw signal that was not kept.
        content: The array, the list, or the scalar; None where left out.
        timezone: Of datetimes that have one.
        dtype: Of arrays.
        shape: Of arrays.
    """

    path: tuple[Any, ...]
    kind: str
    content: Any
    timezone: str | None = None
    dtype: str = ""
    shape: tuple[int, ...] = ()


@dataclass(frozen=True)
class StepResult:
    """What one step of the pipeline returned."""

    name: str
    process: str
    values: tuple[Value, ...]

    def has(self, *path: Any) -> bool:
        """Say whether there is a value under `path`."""
        return any(value.path == path for value in self.values)

    def value(self, *path: Any) -> Value:
        """Return the value under `path`.

        Raises:
            ResultMissing: There is none.
        """
        for value in self.values:
            if value.path == path:
                return value
        raise ResultMissing(f"{self.name} returned no {path!r}; it returned {[value.path for value in self.values]}.")

    def array(self, *path: Any) -> NDArray[Any]:
        """Return the value under `path` as an array.

        Raises:
            ResultMissing: There is none, or it was left out.
        """
        value = self.value(*path)
        if value.kind == "left_out":
            raise ResultMissing(f"{self.name} {path!r} is a raw signal that was not kept. Process with keep_raw.")
        return np.asarray(value.content)

    def column(self, *path: Any) -> list[Any]:
        """Return the value under `path` as a list, in SKDH's own types; a scalar is a list of one."""
        content = self.value(*path).content
        return list(content) if isinstance(content, list | np.ndarray) else [content]


@dataclass(frozen=True)
class Results:
    """What a pipeline returned, in the order of its steps."""

    steps: tuple[StepResult, ...]

    def step(self, name: str) -> StepResult:
        """Return the results of the step `name`.

        Raises:
            ResultMissing: There is none.
        """
        for step in self.steps:
            if step.name == name:
                return step
        raise ResultMissing(f"no results of {name!r}; there are {[step.name for step in self.steps]}.")


def read_results(folder: Path) -> Results:
    """Read the results that a worker has left in `folder`.

    Raises:
        ResultMissing: The folder has none: the recording was not processed.
    """
    if not (folder / "results.json").is_file():
        raise ResultMissing(f"{folder} holds no results: the recording was not processed. Look at its outcome.")
    document = json.loads((folder / "results.json").read_text())
    with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
        return Results(
            tuple(
                StepResult(step["name"], step["process"], tuple(_value(entry, arrays) for entry in step["values"]))
                for step in document["steps"]
            )
        )


def _value(entry: dict[str, Any], arrays: Any) -> Value:
    path = tuple(_key(part) for part in entry["path"])
    kind, shape, dtype = entry["kind"], tuple(entry.get("shape", ())), entry.get("dtype", "")
    if kind == "left_out":
        return Value(path, kind, None, dtype=dtype, shape=shape)
    if kind == "array":
        return Value(path, kind, arrays[entry["array"]], dtype=dtype, shape=shape)
    if kind == "datetimes":
        moments = arrays[entry["array"]].astype(f"datetime64[{entry['unit']}]")
        return Value(path, kind, moments, entry["tz"], str(moments.dtype), shape)
    content = [_typed(name, plain) for name, plain in zip(entry["types"], entry["values"], strict=True)]
    return Value(path, kind, content if kind == "list" else content[0])


def _key(part: Any) -> Any:
    return tuple(_key(inner) for inner in part) if isinstance(part, list) else part


_BY_NAME = {"float64": np.float64, "str_": np.str_, "datetime64": np.datetime64}


def _typed(name: str, plain: Any) -> Any:
    if name in _BY_NAME:
        return _BY_NAME[name](plain)
    if name[:1] in "<>|=":
        return np.dtype(name).type(plain)
    return plain
