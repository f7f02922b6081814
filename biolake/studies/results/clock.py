"""When a sample was: SKDH's results name samples by index, and the times themselves are not kept.

Written beside the results by `processing/worker/overview.py`: knots between which the clock runs evenly, two at every
gap. Times are UTC seconds since 1970.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_GAP_SECONDS = 2.0


@dataclass(frozen=True)
class Span:
    """A stretch of time, UTC seconds."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Its length, never negative."""
        return max(0.0, self.end - self.start)

    def overlap(self, other: "Span") -> float:
        """Return the seconds that both share."""
        return max(0.0, min(self.end, other.end) - max(self.start, other.start))


@dataclass(frozen=True)
class Clock:
    """The recording's time at every sample.

    Attributes:
        index: Samples, ascending.
        time: Their times.
        movement: Standard deviation of the acceleration's length [g] per minute, from `movement_start` times.
        minute_samples: Samples in a minute.
    """

    index: NDArray[np.int64]
    time: NDArray[np.float64]
    movement: NDArray[np.float32]
    minute_samples: int

    def at(self, samples: NDArray[Any]) -> NDArray[np.float64]:
        """Return the times of samples."""
        return np.interp(np.asarray(samples, dtype=np.float64), self.index, self.time)

    def spans(self, intervals: NDArray[Any]) -> list[Span]:
        """Return intervals of samples, shape (N, 2), as spans, without the time between samples that are missing."""
        found: list[Span] = []
        for start, end in np.asarray(intervals).reshape(-1, 2):
            whole = Span(*self.at(np.array([start, end])))
            found += _cut(whole, self.gaps)
        return found

    @property
    def gaps(self) -> list[Span]:
        """Time within the recording of which there are no samples."""
        near = np.flatnonzero((np.diff(self.index) == 1) & (np.diff(self.time) > _GAP_SECONDS))
        return [Span(float(self.time[i]), float(self.time[i + 1])) for i in near]

    @property
    def recorded(self) -> list[Span]:
        """Time of which there are samples."""
        if not len(self.time):
            return []
        return _cut(Span(float(self.time[0]), float(self.time[-1])), self.gaps)

    @property
    def minutes(self) -> NDArray[np.float64]:
        """The time at which each minute of `movement` begins."""
        return self.at(np.arange(len(self.movement)) * self.minute_samples)


def seconds_within(spans: list[Span], window: Span) -> float:
    """Return the seconds of spans that lie in a window; the spans do not overlap."""
    return sum(span.overlap(window) for span in spans)


def read_clock(folder: Path | None, read: Mapping[str, Any]) -> Clock | None:
    """Read a recording's clock; without its file, from its first and last time; None where nothing was read.

    Args:
        folder: The outcome's folder.
        read: What the outcome says of the arrays that were read.
    """
    path = folder / "overview.npz" if folder is not None else None
    if path is not None and path.is_file():
        with np.load(path, allow_pickle=False) as kept:
            return Clock(
                kept["clock_index"].astype(np.int64),
                kept["clock_time"].astype(np.float64),
                kept["minute_sd"].astype(np.float32),
                int(kept["minute_samples"]),
            )
    if not read.get("samples"):
        return None
    ends = np.array([0, max(1, int(read["samples"]) - 1)], dtype=np.int64)
    times = np.array([float(read["first"]), float(read["last"])])
    return Clock(ends, times, np.array([], dtype=np.float32), 1)


def _cut(whole: Span, gaps: list[Span]) -> list[Span]:
    found: list[Span] = []
    start = whole.start
    for gap in gaps:
        if gap.end <= start or gap.start >= whole.end:
            continue
        if gap.start > start:
            found.append(Span(start, gap.start))
        start = max(start, gap.end)
    if start < whole.end:
        found.append(Span(start, whole.end))
    return found
