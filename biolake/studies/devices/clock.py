"""What the starts of a recording's blocks say of the device's clock: unset, leaping, running backwards, pausing.

Every format's scanner brings its blocks here, so that a gap is a gap whatever wrote the file.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from biolake.studies.devices.models import Problem, ProblemCode

EARLIEST = datetime(2008, 1, 1)
"""No device of the formats read here is older; a clock before it was never set."""
SHORTEST_GAP_SECONDS = 1.0
"""Shorter pauses between blocks are drift of the sampling clock."""
SHORTEST_JUMP_SECONDS = 24 * 3600.0
"""A longer pause without a missing block is a leap of the clock: the device went on counting blocks."""
_EPOCH = datetime(1970, 1, 1)
_FIRST_SECOND = (datetime.min - _EPOCH).total_seconds()
_LAST_SECOND = (datetime(9999, 12, 31) - _EPOCH).total_seconds()


@dataclass(frozen=True)
class Blocks:
    """The readable blocks of a recording in the order of the file.

    Attributes:
        starts: First sample of each block, seconds since 1970 by the device's clock; shape (blocks,).
        seconds: Nominal duration of each block; shape (blocks,).
        offsets: Byte of the file where each block starts; shape (blocks,).
        consecutive: Whether nothing is known to be missing between a block and the next; shape (blocks - 1,).
    """

    starts: NDArray[np.float64]
    seconds: NDArray[np.float64]
    offsets: NDArray[np.int64]
    consecutive: NDArray[np.bool_]

    @property
    def first(self) -> datetime | None:
        """First sample by the device's clock."""
        return moment(float(self.starts[0])) if len(self.starts) else None

    @property
    def end(self) -> datetime | None:
        """End of the latest block, or of the last one where the clock ran backwards."""
        return moment(float(self.starts[-1] + self.seconds[-1])) if len(self.starts) else None


def moment(seconds: float) -> datetime:
    """Return seconds since 1970 as a naive time to the microsecond; what no calendar holds is the nearest it does."""
    if math.isnan(seconds):
        return datetime.min
    return _EPOCH + timedelta(seconds=min(max(seconds, _FIRST_SECOND), _LAST_SECOND))


def seconds_since_epoch(value: datetime) -> float:
    """Return a naive time, or an aware one in UTC, as seconds since 1970."""
    naive = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    return (naive - _EPOCH).total_seconds()


def clock_problems(blocks: Blocks) -> list[Problem]:
    """Return what is wrong with the clock, at most one problem of each kind: the worst, with the sum in `fraction`."""
    if not len(blocks.starts):
        return []
    problems: list[Problem] = []
    first = blocks.first
    if first is not None and first < EARLIEST:
        text = f"the recording starts at {first:%Y-%m-%d %H:%M:%S}: the clock was not set before the recording"
        problems.append(Problem(ProblemCode.CLOCK_BEFORE_MIN, int(blocks.offsets[0]), 1.0, text))
    if len(blocks.starts) < 2:
        return problems
    advance = np.diff(blocks.starts)
    pause = advance - blocks.seconds[:-1]
    backwards = advance < 0
    jumps = (pause > SHORTEST_JUMP_SECONDS) & blocks.consecutive
    gaps = (pause > SHORTEST_GAP_SECONDS) & ~jumps
    if backwards.any():
        at = int(np.argmin(advance))
        text = (
            f"the clock runs backwards {int(backwards.sum())} times, by {-advance[at]:.1f} s at {_text(blocks, at + 1)}"
        )
        problems.append(_problem(ProblemCode.CLOCK_BACKWARDS, blocks, at, backwards.mean(), text, -advance[at]))
    if jumps.any():
        at = int(np.argmax(np.where(jumps, pause, -np.inf)))
        text = f"the clock leaps ahead {int(jumps.sum())} times, by {pause[at] / 86400:.1f} days at {_text(blocks, at)}"
        problems.append(_problem(ProblemCode.CLOCK_JUMP, blocks, at, 1 - at / len(blocks.starts), text, pause[at]))
    if gaps.any():
        at = int(np.argmax(np.where(gaps, pause, -np.inf)))
        lost = float(pause[gaps].sum())
        span = float(blocks.seconds.sum() + lost)
        text = f"{int(gaps.sum())} gaps, the longest {pause[at]:.1f} s after {_text(blocks, at)}"
        problems.append(_problem(ProblemCode.GAP, blocks, at, lost / span, text, pause[at]))
    return problems


def _problem(code: ProblemCode, blocks: Blocks, at: int, fraction: float, text: str, seconds: float) -> Problem:
    return Problem(code, int(blocks.offsets[at + 1]), float(np.clip(fraction, 0, 1)), text, float(seconds))


def _text(blocks: Blocks, at: int) -> str:
    return f"{moment(float(blocks.starts[at])):%Y-%m-%d %H:%M:%S}"
