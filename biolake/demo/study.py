"""The made-up study of the demonstration: a wrist and two lumbar recordings, one of them without the height it needs.

The signals are simple on purpose (a swinging arm, a resting one, a trunk that walks) and nobody's. Bringing the study
into a deployment and showing it is `biolake.cli.demo_study`.
"""

from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

STUDY = "DEMO-001"
WAITS = "lumbar/0002_V1.npz"
"""The recording that waits for its participant's height, on purpose."""
_FIRST_SECOND = 1_709_542_800.0  # Monday 2024-03-04 09:00 UTC
_WRIST_HOURS = 39.0


def write_study(folder: Path) -> Path:
    """Write the study's document, pipelines, recordings and participants below `folder`; return the document's path."""
    raw = folder / "raw"
    for name in ("lumbar", "wrist", "meta"):
        (raw / name).mkdir(parents=True, exist_ok=True)
    _write(raw / "lumbar" / "0001_V1.npz", 50.0, _walks(50.0, 1.75, seed=1))
    _write(raw / WAITS, 50.0, _walks(50.0, 1.95, seed=2))
    _write(raw / "wrist" / "0001_V1.npz", 20.0, _two_days(20.0, seed=3))
    (raw / "meta" / "participants.csv").write_text("SUBJID,HEIGHT_CM\n0001,172\n0002,\n")
    given = files("biolake.demo") / "study_files"
    (folder / "pipelines").mkdir(exist_ok=True)
    for name in ("gait", "activity"):
        (folder / "pipelines" / f"{name}.skdh").write_bytes((given / f"{name}.skdh").read_bytes())
    text = (given / "study.yaml").read_text()
    for name in ("raw", "results"):
        text = text.replace(f"file:///{name}", (folder / name).resolve().as_uri())
    (folder / "study.yaml").write_text(text)
    return folder / "study.yaml"


def _write(path: Path, hertz: float, acceleration: NDArray[np.float64]) -> None:
    """Write acceleration [g], shape (samples, 3), as SKDH's reader of NumPy files takes it, unless it is there."""
    if path.exists():
        return
    time = _FIRST_SECOND + np.arange(len(acceleration)) / hertz
    # As a sensor of 8 g and 12 bits gives it.
    np.savez_compressed(path, time=time, accel=np.round(acceleration * 256) / 256, fs=hertz)


def _walks(hertz: float, steps_per_second: float, seed: int) -> NDArray[np.float64]:
    """Six minutes of a trunk: a minute of walking, a minute of standing; x points up."""
    second = np.arange(int(360 * hertz)) / hertz
    step = 2 * np.pi * steps_per_second * second
    walking = second % 120 >= 60
    up = 0.25 * np.sin(step) + 0.12 * np.sin(2 * step + 0.6) + 0.05 * np.sin(3 * step)
    forward = 0.18 * np.sin(step + 1.2) + 0.08 * np.sin(2 * step)
    moved = np.stack([up, 0.12 * np.sin(step / 2), forward], axis=1) * walking[:, None]
    standing = np.array([1.0, 0.0, 0.0])
    return moved + standing + np.random.default_rng(seed).normal(0, 0.01, moved.shape)


def _two_days(hertz: float, seed: int) -> NDArray[np.float64]:
    """A wrist from Monday morning to midnight of Tuesday: busy by day, still at night, off for two hours once."""
    second = np.arange(int(_WRIST_HOURS * 3600 * hertz)) / hertz
    hour = (9 + second / 3600) % 24
    asleep = (hour >= 23) | (hour < 7)
    off = (hour >= 19) & (hour < 21) & (second < 14 * 3600)
    # A posture lasts a minute by day and half an hour at night.
    posture = np.where(off, 0.0, np.floor(second / np.where(asleep, 1800, 60)))
    swing = np.where(asleep | off, 0.0, 0.5 * np.sin(0.9 * second) * (np.sin(second / 900) > -0.3))
    angle, tilt = 3 * np.sin(posture * 12.9898), 1.2 * np.sin(posture * 78.233) + swing
    at_rest = np.stack([np.cos(angle) * np.cos(tilt), np.sin(angle) * np.cos(tilt), np.sin(tilt)], axis=1)
    busy = np.where(asleep | off, 0.003, 0.03 + 0.12 * (np.sin(second / 1500) > 0.2))
    walking = (np.abs(hour - 12.5) < 0.3) | (np.abs(hour - 17.5) < 0.25)
    at_rest[:, 0] += 0.5 * walking * np.sin(2 * np.pi * 1.8 * second)
    return at_rest + np.random.default_rng(seed).normal(size=at_rest.shape) * busy[:, None]
