"""Writing a pipeline's results so that reading them gives back the same values of the same types.

`results.json` lists every value with its path and kind; arrays are in `arrays.npz`. Reading is in
`biolake.studies.processing.results`.
"""

import json
import os
from typing import Any


class Store:
    """Collects the results of a pipeline's steps and writes them at the end."""

    def __init__(self, folder: str, *, keep_raw: bool) -> None:
        self._folder = folder
        self._keep_raw = keep_raw
        self._arrays: dict[str, Any] = {}
        self._steps: list[dict[str, Any]] = []

    def add(self, name: str, process: str, output: Any, samples: int) -> None:
        """Take one step's results.

        Args:
            name: The step's name in the pipeline.
            process: Its class.
            output: What it returned.
            samples: Length of the recording; arrays as long are raw signals and left out unless they are wanted.
        """
        entries: list[dict[str, Any]] = []
        self._walk((), output, entries, samples)
        self._steps.append({"name": name, "process": process, "values": entries})

    def close(self) -> None:
        """Write everything."""
        import numpy as np

        with open(os.path.join(self._folder, "arrays.npz"), "wb") as file:
            np.savez(file, **self._arrays)
        with open(os.path.join(self._folder, "results.json"), "w") as file:
            json.dump({"steps": self._steps}, file)

    def _walk(self, path: tuple[Any, ...], value: Any, entries: list[dict[str, Any]], samples: int) -> None:
        import numpy as np
        import pandas as pd

        if isinstance(value, dict):
            for key, inner in value.items():
                self._walk((*path, _key(key)), inner, entries, samples)
            return
        entry: dict[str, Any] = {"path": list(path)}
        if isinstance(value, pd.DatetimeIndex | pd.Series):
            index = pd.DatetimeIndex(value) if str(value.dtype).startswith("datetime64") else None
            if index is None:
                self._array(entry, "array", np.asarray(value), samples)
            else:
                entry.update(unit=index.unit, tz=str(index.tz) if index.tz is not None else None)
                self._array(entry, "datetimes", index.asi8, samples)
        elif isinstance(value, np.ndarray) and not value.dtype.hasobject:
            self._array(entry, "array", value, samples)
        elif isinstance(value, list | tuple | np.ndarray):
            kinds, plain = zip(*map(_scalar, value), strict=True) if len(value) else ((), ())
            entry.update(kind="list", types=list(kinds), values=list(plain))
        else:
            kind, plain = _scalar(value)
            entry.update(kind="scalar", types=[kind], values=[plain])
        entries.append(entry)

    def _array(self, entry: dict[str, Any], kind: str, array: Any, samples: int) -> None:
        entry.update(dtype=array.dtype.str, shape=list(array.shape))
        if samples and not self._keep_raw and array.ndim and array.shape[0] >= samples:
            entry["kind"] = "left_out"
            return
        entry.update(kind=kind, array=f"a{len(self._arrays)}")
        self._arrays[entry["array"]] = array


def _key(key: Any) -> Any:
    if isinstance(key, tuple):
        return [_key(part) for part in key]
    return key.item() if hasattr(key, "item") else key


def _scalar(value: Any) -> tuple[str, Any]:
    import numpy as np
    import pandas as pd

    if value is None or isinstance(value, bool | int | float | str):
        # numpy's float64 is a float too, and comes back as what it was.
        name = type(value).__name__
        return name, value.item() if isinstance(value, np.generic) else value
    if isinstance(value, pd.Timestamp):
        return "timestamp", value.isoformat()
    if isinstance(value, np.generic):
        return value.dtype.str, value.item() if value.dtype.kind in "biuf" else str(value)
    if isinstance(value, list | tuple | np.ndarray):
        return "nested", [_scalar(inner)[1] for inner in value]
    return "text", str(value)
