"""A look at what a reader has read, before any algorithm sees it: SKDH's readers can succeed and be wrong."""

from typing import Any

_CHUNK = 1 << 20
_WINDOWS = 2000
_STILL_SD_G = 0.013


class Unsound(Exception):
    """What was read cannot be the recording.

    Attributes:
        code: Which check failed.
        found: What was seen.
    """

    def __init__(self, code: str, reason: str, found: dict[str, Any]) -> None:
        super().__init__(reason)
        self.code = code
        self.found = found


def look_at(arrays: dict[str, Any], command: dict[str, Any]) -> dict[str, Any]:
    """Return what the arrays `time` and `accel` show.

    Raises:
        Unsound: No samples, times without a date, a clock that runs backwards by more than a second, or far fewer or
            more samples than the file's size promises.
    """
    import numpy as np

    time, accel = arrays.get("time"), arrays.get("accel")
    if time is None or accel is None or not len(time):
        raise Unsound("no_samples", "the reader returned no samples of acceleration", {"samples": 0})
    found = _times(np, time)
    found["samples"] = len(time)
    # Some archives hold the rate as an array of one.
    found["fs"] = float(np.ravel(arrays["fs"])[0]) if arrays.get("fs") is not None else None
    found["streams"] = sorted(name for name, value in arrays.items() if isinstance(value, np.ndarray))
    found.update(_rest(np, accel, found["fs"] or _rate(np, time)))
    expected, tolerance = int(command["samples_expected"]), int(command["samples_tolerance"])
    found["samples_expected"] = expected
    if len(accel) != len(time):
        raise Unsound("lengths_differ", f"{len(time)} times and {len(accel)} samples of acceleration", found)
    if found["undated"]:
        raise Unsound("undated_samples", f"{found['undated']} samples have no time", found)
    if found["largest_step_back_seconds"] > 1.0:
        text = f"the times run backwards by {found['largest_step_back_seconds']:.1f} s"
        raise Unsound("time_backwards", text, found)
    if expected and command["samples_checked"] and abs(len(time) - expected) > tolerance:
        raise Unsound("samples_differ", f"{len(time)} samples were read, the file holds {expected}", found)
    return found


def _times(np: Any, time: Any) -> dict[str, Any]:
    undated = backwards = 0
    back = gap = 0.0
    for start in range(0, len(time), _CHUNK):
        piece = time[start : start + _CHUNK + 1]
        undated += int((~(piece[:_CHUNK] > 1.0)).sum())
        step = np.diff(piece)
        if len(step):
            backwards += int((step < 0).sum())
            back = max(back, -float(np.nanmin(step)))
            gap = max(gap, float(np.nanmax(step)))
    return {
        "first": float(time[0]),
        "last": float(time[-1]),
        "undated": undated,
        "steps_back": backwards,
        "largest_step_back_seconds": back,
        "largest_step_seconds": gap,
    }


def _rate(np: Any, time: Any) -> float:
    step = float(np.median(np.diff(time[:5000]))) if len(time) > 1 else 0.0
    return 1 / step if step > 0 else 1.0


def _rest(np: Any, accel: Any, hertz: float) -> dict[str, Any]:
    """Return the median length of acceleration over still windows of 5 s spread over the recording: 1 g, or wrong."""
    length = max(2, round(5 * hertz))
    whole = len(accel) // length
    if not whole or accel.ndim != 2 or accel.shape[1] != 3:
        return {"rest_g": None, "still_windows": 0, "windows": 0}
    chosen = np.unique(np.linspace(0, whole - 1, min(whole, _WINDOWS)).astype(int))
    norms = []
    for at in chosen:
        window = accel[at * length : (at + 1) * length]
        mean = window.mean(axis=0)
        norm = float(np.sqrt((mean**2).sum()))
        # Relative to its own length, so that stillness is seen whatever the unit is.
        if norm > 0 and float(window.std(axis=0).max()) < _STILL_SD_G * norm:
            norms.append(norm)
    return {
        "rest_g": float(np.median(norms)) if norms else None,
        "still_windows": len(norms),
        "windows": len(chosen),
    }
