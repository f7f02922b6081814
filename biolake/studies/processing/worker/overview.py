"""A small picture of a recording kept beside its results: its clock, and how much it moved in every minute.

SKDH's results name samples by their index and the signals themselves are not kept, so without this nobody could say
later when an interval was. Reading it back is `biolake.studies.results.clock`.
"""

import os
from typing import Any

_KNOTS = 512
_MOST_GAPS = 5000
_GAP_SECONDS = 2.0
_CHUNK_MINUTES = 240
_SAMPLES_PER_MINUTE = 600


def keep_overview(arrays: dict[str, Any], folder: str) -> None:
    """Write `overview.npz`: `clock_index` and `clock_time` [s], between which the clock is even; `minute_sd` [g].

    Minute `i` holds the samples from `i * minute_samples`. Its value is the standard deviation of the acceleration's
    length, which a wrong calibration does not change, of at most ten samples a second.
    """
    import numpy as np

    time, accel = arrays["time"], arrays["accel"]
    index = _knots(np, time)
    rate = (len(time) - 1) / (float(time[-1]) - float(time[0])) if len(time) > 1 and time[-1] > time[0] else 1.0
    length = max(1, round(60 * rate))
    np.savez(
        os.path.join(folder, "overview.npz"),
        clock_index=index,
        clock_time=np.asarray(time)[index],
        minute_samples=np.array(length),
        minute_sd=_movement(np, accel, length),
    )


def _knots(np: Any, time: Any) -> Any:
    last = len(time) - 1
    even = np.unique(np.linspace(0, last, min(_KNOTS, last + 1)).astype(np.int64))
    gaps: list[Any] = []
    for start in range(0, last, 1 << 20):
        step = np.diff(time[start : start + (1 << 20) + 1])
        gaps.append(start + np.flatnonzero(step > _GAP_SECONDS))
    before = np.concatenate(gaps)[:_MOST_GAPS] if gaps else np.array([], dtype=np.int64)
    return np.unique(np.concatenate([even, before, before + 1])).astype(np.int64)


def _movement(np: Any, accel: Any, length: int) -> Any:
    if accel.ndim != 2 or accel.shape[1] != 3:
        return np.array([], dtype=np.float32)
    minutes = len(accel) // length
    every = max(1, length // _SAMPLES_PER_MINUTE)
    found = np.empty(minutes, dtype=np.float32)
    for first in range(0, minutes, _CHUNK_MINUTES):
        count = min(_CHUNK_MINUTES, minutes - first)
        piece = accel[first * length : (first + count) * length].reshape(count, length, 3)[:, ::every]
        found[first : first + count] = np.sqrt((piece**2).sum(axis=2)).std(axis=1)
    return found
