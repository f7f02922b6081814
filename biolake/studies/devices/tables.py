"""Scanning recordings that are no device's own format: delimited text and NumPy archives.

What the columns of a text mean, and which clock they follow, is in the study's pipeline; here only lines are counted.
"""

import ast
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from biolake.studies.devices.clock import EARLIEST, moment
from biolake.studies.devices.models import Problem, ProblemCode, RecordingFormat, Scan

_PIECE = 8 * 1024**2
_MOST_HEADER_BYTES = 65_536
_MOST_TIMES = 400_000_000


def scan_csv(path: Path) -> Scan:
    """Count the lines of a text; its first line is taken for the names of its columns."""
    size = path.stat().st_size
    lines, last = 0, b""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            lines += piece.count(b"\n")
            last = piece[-1:]
    complete = last == b"\n"
    samples = lines - 1 + (not complete)
    problems: list[Problem] = []
    if samples < 1:
        problems.append(Problem(ProblemCode.NO_DATA, size, 1.0, "a line of names without a line of samples"))
    return Scan(
        RecordingFormat.CSV,
        n_samples_expected=max(0, samples),
        problems=tuple(problems),
        size_bytes=size,
    )


def scan_npz(path: Path) -> Scan:
    """Read the shapes in an archive of arrays, its times and its rate."""
    size = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if not {"time.npy", "accel.npy"} <= names:
                text = "the archive lacks the arrays `time` and `accel`"
                return _refused(ProblemCode.WRONG_FORMAT, text, size)
            with archive.open("accel.npy") as file:
                accel, _ = _heading(file)
            with archive.open("time.npy") as file:
                time = _times(file)
            hertz = None
            if "fs.npy" in names:
                with archive.open("fs.npy") as file:
                    _, kind = _heading(file)
                    hertz = float(np.frombuffer(file.read(kind.itemsize), kind)[0]) if kind.kind in "fiu" else None
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        return _refused(ProblemCode.TRUNCATED, f"the archive is cut off or damaged ({error})", size)
    except ValueError as error:
        return _refused(ProblemCode.BAD_HEADER, f"an array cannot be used ({error})", size)
    problems: list[Problem] = []
    if not len(time) or not accel or accel[0] != len(time):
        text = f"`time` has {len(time)} values and `accel` the shape {accel}"
        code = ProblemCode.BAD_HEADER if len(time) else ProblemCode.NO_DATA
        problems.append(Problem(code, None, 1.0, text))
    elif moment(float(time[0])) < EARLIEST:
        problems.append(Problem(ProblemCode.CLOCK_BEFORE_MIN, None, 1.0, f"the recording starts {moment(time[0])}"))
    backwards = int((np.diff(time) < 0).sum())
    if backwards:
        text = f"the times run backwards {backwards} times"
        problems.append(Problem(ProblemCode.CLOCK_BACKWARDS, None, backwards / len(time), text))
    if hertz is None and len(time) > 1:
        step = float(np.median(np.diff(time[:5000])))
        hertz = 1 / step if step > 0 else None
    return Scan(
        RecordingFormat.NPZ,
        start=moment(float(time[0])) if len(time) else None,
        end=moment(float(time[-1]) + (1 / hertz if hertz else 0.0)) if len(time) else None,
        sampling_hz=hertz,
        n_samples_expected=len(time),
        problems=tuple(problems),
        size_bytes=size,
    )


def _refused(code: ProblemCode, text: str, size: int) -> Scan:
    problem = Problem(code, None, 1.0, text)
    return Scan(RecordingFormat.NPZ, problems=(problem,), bad_block_fraction=1.0, size_bytes=size)


def _heading(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Return the shape and the type that an array's first bytes declare."""
    magic = file.read(8)
    if magic[:6] != b"\x93NUMPY":
        raise ValueError("no NumPy array")
    length = int.from_bytes(file.read(2 if magic[6] == 1 else 4), "little")
    if length > _MOST_HEADER_BYTES:
        raise ValueError("a heading of more than 64 KiB")
    try:
        fields = ast.literal_eval(file.read(length).decode("latin-1").strip())
        kind = np.dtype(fields["descr"])
        shape = tuple(int(n) for n in fields["shape"])
    except (SyntaxError, TypeError, KeyError) as error:
        raise ValueError(f"an unreadable heading: {error}") from error
    if kind.hasobject:
        raise ValueError("an array of Python objects")
    return shape, kind


def _times(file: IO[bytes]) -> np.ndarray:
    shape, kind = _heading(file)
    if len(shape) != 1 or kind.kind not in "fiu":
        raise ValueError(f"`time` has the shape {shape} and the type {kind}")
    if shape[0] > _MOST_TIMES:
        raise ValueError(f"`time` has {shape[0]} values")
    content = file.read(shape[0] * kind.itemsize)
    if len(content) != shape[0] * kind.itemsize:
        raise ValueError("`time` ends early")
    times = np.frombuffer(content, kind).astype(np.float64)
    if len(times) and not (np.isfinite(times[[0, -1]]).all() and np.abs(times[[0, -1]]).max() < 1e11):
        raise ValueError("`time` is not in seconds since 1970")
    return times
