"""A made-up person's acceleration: nights of sleep, a device on the table, walks, and a day's fidgeting in between."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

_NOISE_SAMPLES = 1 << 18
_SENSOR_NOISE_G = 0.003
_STEPS_PER_SECOND = 1.9


@dataclass(frozen=True)
class Truth:
    """What was planted: intervals by the device's clock."""

    start: datetime
    end: datetime
    sleep: tuple[tuple[datetime, datetime], ...]
    non_wear: tuple[tuple[datetime, datetime], ...]
    walking: tuple[tuple[datetime, datetime], ...]

    def hours(self, intervals: tuple[tuple[datetime, datetime], ...]) -> float:
        return sum((end - start).total_seconds() for start, end in intervals) / 3600


@dataclass(frozen=True)
class Person:
    """Who wears the device, and how."""

    start: datetime
    hours: float
    sleeps_at: float = 23.0
    wakes_at: float = 7.0
    walks: tuple[tuple[float, float], ...] = ((8.5, 20.0), (12.5, 15.0), (17.5, 30.0))
    """Hour of the day and minutes."""
    non_wear: tuple[tuple[int, float, float], ...] = ()
    """Day counted from 0, hour of the day and hours."""
    seed: int = 7

    @property
    def truth(self) -> Truth:
        end = self.start + timedelta(hours=self.hours)
        midnight = datetime(self.start.year, self.start.month, self.start.day)
        days = [midnight + timedelta(days=day) for day in range(-1, int(self.hours // 24) + 2)]

        def within(spans: list[tuple[datetime, datetime]]) -> tuple[tuple[datetime, datetime], ...]:
            cut = [(max(a, self.start), min(b, end)) for a, b in spans]
            return tuple((a, b) for a, b in cut if a < b)

        night = timedelta(hours=(self.wakes_at - self.sleeps_at) % 24)
        return Truth(
            self.start,
            end,
            within(
                [(day + timedelta(hours=self.sleeps_at), day + timedelta(hours=self.sleeps_at) + night) for day in days]
            ),
            within(
                [
                    (midnight + timedelta(days=day, hours=hour), midnight + timedelta(days=day, hours=hour + length))
                    for day, hour, length in self.non_wear
                ]
            ),
            within(
                [
                    (day + timedelta(hours=hour), day + timedelta(hours=hour, minutes=minutes))
                    for day in days
                    for hour, minutes in self.walks
                ]
            ),
        )

    def chunks(self, hertz: float, block: int, blocks: int = 3000) -> Iterator[NDArray[np.float32]]:
        """Yield the acceleration [g], whole blocks of samples at a time; shape (samples, 3)."""
        total = int(self.hours * 3600 * hertz) // block
        rng = np.random.default_rng(self.seed)
        noise = rng.standard_normal((_NOISE_SAMPLES, 3), dtype=np.float32)
        masks = _Masks(self.truth, self.start)
        for first in range(0, total, blocks):
            count = min(blocks, total - first) * block
            seconds = (first * block + np.arange(count)) / hertz
            yield _acceleration(seconds, masks, noise, rng)


@dataclass(frozen=True)
class _Masks:
    truth: Truth
    start: datetime

    def of(self, seconds: NDArray[np.float64], spans: tuple[tuple[datetime, datetime], ...]) -> NDArray[np.bool_]:
        inside = np.zeros(len(seconds), dtype=bool)
        for begin, end in spans:
            first, last = (begin - self.start).total_seconds(), (end - self.start).total_seconds()
            inside[np.searchsorted(seconds, first) : np.searchsorted(seconds, last)] = True
        return inside


def _acceleration(
    seconds: NDArray[np.float64], masks: _Masks, noise: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float32]:
    truth = masks.truth
    asleep, off, walks = (masks.of(seconds, spans) for spans in (truth.sleep, truth.non_wear, truth.walking))
    # A posture lasts minutes by day and half an hour by night; on the table there is one.
    lasts = np.where(asleep, 1800.0, 45.0)
    posture = np.where(off, 0.0, np.floor(seconds / lasts) + np.where(asleep, 10_000.0, 0.0))
    angle, tilt = np.sin(posture * 12.9898) * 3.0, np.sin(posture * 78.233) * 1.2
    # An arm that is awake is never quite still.
    swing = 0.35 * np.sin(0.8 * seconds) + 0.25 * np.sin(0.3 * seconds)
    tilt = tilt + np.where(asleep | off, 0.0, swing)
    still = np.stack([np.cos(angle) * np.cos(tilt), np.sin(angle) * np.cos(tilt), np.sin(tilt)], axis=1)
    size = np.full(len(seconds), 0.12)
    # By day a minute of stirring follows minutes of rest; at night a few seconds every half hour.
    size[np.floor(seconds / 60) % 4 == 0] = 0.02
    size[asleep] = np.where(seconds[asleep] % 1800 < 8, 0.1, _SENSOR_NOISE_G)
    size[off] = _SENSOR_NOISE_G / 3
    offset = int(rng.integers(_NOISE_SAMPLES))
    taken = np.take(noise, np.arange(offset, offset + len(seconds)), axis=0, mode="wrap")
    signal = still + taken * size[:, None]
    if walks.any():
        phase = 2 * np.pi * _STEPS_PER_SECOND * seconds[walks]
        signal[walks, 0] += 0.45 * np.sin(phase) + 0.15 * np.sin(2 * phase)
        signal[walks, 2] += 0.2 * np.sin(phase / 2)
    return signal.astype(np.float32)
