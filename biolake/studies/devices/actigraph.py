"""Scanning ActiGraph .gt3x: `info.txt` and the headings of the log's records, inflated piece by piece, never whole.

Layout: https://github.com/actigraph/GT3X-File-Format
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

import numpy as np

from biolake.studies.devices.clock import Blocks, clock_problems
from biolake.studies.devices.models import Problem, ProblemCode, RecordingFormat, Scan

_MARK = 0x1E
_HEADING = struct.Struct("<BBIH")
_PACKED_12_BIT = 0x00
_SIGNED_16_BIT = 0x1A
_EVENT = 0x03
_FALLS_ASLEEP = 0x08
_MOST_LOG_BYTES = 4 * 1024**3
_PIECE = 4 * 1024**2
_TICKS_PER_SECOND = 10_000_000
_YEAR_ONE = datetime(1, 1, 1)


@dataclass
class _Log:
    """The records of raw acceleration; `asleep_after` are the positions of those after which the device slept."""

    starts: list[int] = field(default_factory=list)
    samples: list[int] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    asleep_after: set[int] = field(default_factory=set)
    records: int = 0
    problem: Problem | None = None


def scan_gt3x(path: Path) -> Scan:
    """Scan an ActiGraph file."""
    size = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if not {"info.txt", "log.bin"} <= names:
                text = "the archive has no log.bin: a format from before 2013, which no reader here supports"
                return _refused(ProblemCode.WRONG_FORMAT, text, size)
            with archive.open("info.txt") as file:
                info = _info(file.read(65_536))
            with archive.open("log.bin") as file:
                log = _walk(file)
    except zipfile.BadZipFile as error:
        return _refused(ProblemCode.TRUNCATED, f"the archive is cut off or damaged ({error})", size)
    hertz = _number(info.get("Sample Rate"))
    problems = [log.problem] if log.problem else []
    if hertz is None or hertz <= 0:
        problems.append(Problem(ProblemCode.BAD_HEADER, None, 1.0, "info.txt has no sample rate"))
        hertz = None
    if not log.starts:
        text = "the log has no record of raw acceleration"
        problems.append(Problem(ProblemCode.NO_DATA, None, 1.0, text))
    starts = np.array(log.starts, dtype=np.float64)
    samples = np.array(log.samples, dtype=np.int64)
    if hertz and len(samples):
        # While it lies still, a device in sleep mode records nothing; the maker's software repeats the last sample,
        # and so does the reader. That is no gap.
        asleep = np.zeros(len(samples), dtype=np.bool_)
        asleep[[at for at in log.asleep_after if at < len(samples) - 1]] = True
        until_next = np.append(np.diff(starts), 0.0)
        samples = np.where(asleep & (until_next > 0), np.round(until_next * hertz).astype(np.int64), samples)
    blocks = Blocks(
        starts=starts,
        seconds=samples / hertz if hertz else np.zeros(len(samples)),
        offsets=np.array(log.offsets, dtype=np.int64),
        consecutive=np.ones(max(0, len(samples) - 1), dtype=np.bool_),
    )
    problems.extend(clock_problems(blocks))
    height = _number(info.get("Height"))
    return Scan(
        format=RecordingFormat.GT3X,
        device_kind="actigraph",
        device_id=info.get("Serial Number"),
        subject=info.get("Subject Name"),
        location=info.get("Limb"),
        sex=info.get("Sex"),
        height_m=height / 100 if height else None,
        timezone=info.get("TimeZone"),
        start=blocks.first or _ticks(info.get("Start Date")),
        end=blocks.end,
        sampling_hz=hertz,
        n_samples_expected=int(samples.sum()),
        bad_block_fraction=log.problem.fraction if log.problem else 0.0,
        problems=tuple(problems),
        size_bytes=size,
        handedness=info.get("Side") or info.get("Dominance"),
        age_years=_number(info.get("Age")),
    )


def _refused(code: ProblemCode, text: str, size: int) -> Scan:
    return Scan(
        RecordingFormat.GT3X,
        "actigraph",
        problems=(Problem(code, None, 1.0, text),),
        bad_block_fraction=1.0,
        size_bytes=size,
    )


def _info(content: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in content.decode("utf-8-sig", "replace").splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs if value.strip()}


def _walk(file: IO[bytes]) -> _Log:
    """Follow the records' lengths through the log; stop with a problem where one leads nowhere."""
    log = _Log()
    base, buffer = 0, b""
    at = 0
    for piece in _pieces(file, log):
        buffer = buffer[at:] + piece
        base, at = base + at, 0
        while at + _HEADING.size <= len(buffer):
            mark, kind, stamp, length = _HEADING.unpack_from(buffer, at)
            if mark != _MARK:
                text = f"a record of the log has no mark, {log.records} records in"
                log.problem = Problem(ProblemCode.BAD_CHECKSUM, base + at, 1.0 if not log.records else 0.5, text)
                return log
            if at + _HEADING.size + length + 1 > len(buffer):
                break
            samples = length * 8 // 36 if kind == _PACKED_12_BIT else length // 6 if kind == _SIGNED_16_BIT else 0
            if kind == _EVENT and length == 1 and buffer[at + _HEADING.size] == _FALLS_ASLEEP and log.starts:
                log.asleep_after.add(len(log.starts) - 1)
            # Shorter records of these kinds hold no samples: they mark that a cable was put in.
            if samples:
                log.starts.append(stamp)
                log.samples.append(samples)
                log.offsets.append(base + at)
            log.records += 1
            at += _HEADING.size + length + 1
    if log.problem is None and at < len(buffer):
        text = f"the log ends within a record, {log.records} records in"
        log.problem = Problem(ProblemCode.TRUNCATED, base + at, 1 / (log.records + 1), text)
    return log


def _pieces(file: IO[bytes], log: _Log) -> Iterator[bytes]:
    total = 0
    while True:
        try:
            piece = file.read(_PIECE)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            text = f"the log cannot be inflated ({error}), {log.records} records in"
            log.problem = Problem(ProblemCode.BAD_CHECKSUM, total, 1.0, text)
            return
        total += len(piece)
        if total > _MOST_LOG_BYTES:
            text = f"the log inflates to more than {_MOST_LOG_BYTES >> 30} GiB"
            log.problem = Problem(ProblemCode.WRONG_FORMAT, total, 1.0, text)
            return
        if not piece:
            return
        yield piece


def _ticks(text: str | None) -> datetime | None:
    ticks = int(text) if text and text.isdigit() else 0
    return _YEAR_ONE + timedelta(seconds=ticks / _TICKS_PER_SECOND) if 0 < ticks < 3 * 10**18 else None


def _number(text: str | None) -> float | None:
    try:
        return float(text.replace(",", ".")) if text else None
    except ValueError:
        return None
