"""Scanning GENEActiv .bin: the text header, then the heading and the shape of every page, not its samples.

Mending what SKDH cannot survive is in `biolake.studies.processing.mend`.
"""

import mmap
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biolake.studies.devices.clock import Blocks, clock_problems
from biolake.studies.devices.models import Problem, ProblemCode, RecordingFormat, Scan

PAGE_MARK = b"Recorded Data"
SAMPLES_PER_PAGE = 300
HEX_BYTES = 12 * SAMPLES_PER_PAGE
HEADER_LINES = 59
_HEADING_BYTES = 400
_HEXADECIMAL = b"0123456789ABCDEFabcdef"
_TIME_BYTES = 23
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class PageTable:
    """One entry per page mark in the file.

    Attributes:
        offsets: Byte of the page's first line; shape (pages,).
        ends: Byte after the page's line of samples; shape (pages,).
        sequence: Sequence number, -1 where unreadable; shape (pages,).
        starts: Page time in seconds since 1970, NaN where unreadable; shape (pages,).
        hertz: Measurement frequency of the page, NaN where unreadable; shape (pages,).
        complete: Whether all 3600 hexadecimal digits are there; shape (pages,).
    """

    offsets: NDArray[np.int64]
    ends: NDArray[np.int64]
    sequence: NDArray[np.int64]
    starts: NDArray[np.float64]
    hertz: NDArray[np.float64]
    complete: NDArray[np.bool_]

    @property
    def good(self) -> NDArray[np.bool_]:
        """Which pages can be used."""
        return self.complete & (self.sequence >= 0) & np.isfinite(self.starts)


def scan_geneactiv(path: Path) -> Scan:
    """Scan a GENEActiv file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        header = read_header(file.read(65_536))
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            pages = read_pages(content)
    problems: list[Problem] = []
    declared = _integer(header.get("Number of Pages"))
    good = np.flatnonzero(pages.good)
    hertz = _number(header.get("Measurement Frequency"))
    if declared is None or hertz is None or "x gain" not in header:
        text = "the text header lacks the number of pages, the frequency or the calibration"
        problems.append(Problem(ProblemCode.BAD_HEADER, 0, 1.0, text))
    if not len(good):
        problems.append(Problem(ProblemCode.NO_DATA, size, 1.0, "a header without a complete page of samples"))
    else:
        _page_problems(pages, declared, problems)
    rate = float(np.median(pages.hertz[good])) if len(good) and np.isfinite(pages.hertz[good]).all() else hertz
    blocks = Blocks(
        starts=pages.starts[good],
        seconds=np.full(len(good), SAMPLES_PER_PAGE / rate if rate else 0.0),
        offsets=pages.offsets[good],
        consecutive=np.diff(pages.sequence[good]) == 1,
    )
    problems.extend(clock_problems(blocks))
    missing = int(_lost(pages).sum())
    expected = max(declared or 0, len(pages.offsets) + missing, 1)
    height = _number(header.get("Height"))
    return Scan(
        format=RecordingFormat.GENEACTIV,
        device_kind="geneactiv",
        device_id=header.get("Device Unique Serial Code"),
        subject=header.get("Subject Code"),
        location=header.get("Device Location Code"),
        sex=header.get("Sex"),
        height_m=height / 100 if height else None,
        timezone=header.get("Time Zone"),
        start=blocks.first,
        end=blocks.end,
        sampling_hz=rate,
        n_samples_expected=len(good) * SAMPLES_PER_PAGE,
        bad_block_fraction=max(0.0, 1 - len(good) / expected),
        problems=tuple(problems),
        size_bytes=size,
        handedness=header.get("Handedness Code"),
        visit=header.get("Study Code"),
        site=header.get("Study Centre"),
    )


def read_header(head: bytes) -> dict[str, str]:
    """Return the text header's fields that are not empty; a field of a page never gets in."""
    fields: dict[str, str] = {}
    for line in head.split(PAGE_MARK, 1)[0].decode("latin-1").splitlines()[:HEADER_LINES]:
        name, separator, value = line.partition(":")
        value = value.replace("\x00", "").strip()
        if separator and value:
            fields.setdefault(name.strip(), value)
    return fields


def read_pages(content: mmap.mmap) -> PageTable:
    """Find every page and read its heading."""
    offsets: list[int] = []
    ends: list[int] = []
    sequence: list[int] = []
    hertz: list[float] = []
    complete: list[bool] = []
    times: list[bytes] = []
    position = content.find(PAGE_MARK)
    while position >= 0:
        heading = content[position : position + _HEADING_BYTES].split(b"\n", 9)
        offsets.append(position)
        if len(heading) == 10:
            start = position + sum(len(line) + 1 for line in heading[:9])
            samples = content[start : start + HEX_BYTES]
            whole = len(samples) == HEX_BYTES and not samples.translate(None, _HEXADECIMAL)
            end = start + HEX_BYTES if whole else start
            sequence.append(_after_colon(heading[2]))
            times.append(heading[3][10 : 10 + _TIME_BYTES].ljust(_TIME_BYTES))
            hertz.append(_frequency(heading[8]))
        else:
            whole, end = False, position + len(PAGE_MARK)
            sequence.append(-1)
            times.append(b" " * _TIME_BYTES)
            hertz.append(np.nan)
        complete.append(whole)
        ends.append(end)
        position = content.find(PAGE_MARK, end)
    return PageTable(
        np.array(offsets, dtype=np.int64),
        np.array(ends, dtype=np.int64),
        np.array(sequence, dtype=np.int64),
        page_times(times),
        np.array(hertz, dtype=np.float64),
        np.array(complete, dtype=np.bool_),
    )


def page_times(times: list[bytes]) -> NDArray[np.float64]:
    """Return page times `2012-05-23 16:47:50:500` as seconds since 1970, NaN where one is no time."""
    if not times:
        return np.empty(0)
    text = np.frombuffer(b"".join(times), dtype=np.uint8).reshape(-1, _TIME_BYTES)
    digits = text.astype(np.int64) - ord("0")
    places = [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18, 20, 21, 22]
    valid = ((digits[:, places] >= 0) & (digits[:, places] <= 9)).all(axis=1)

    def number(*columns: int) -> NDArray[np.int64]:
        value = np.zeros(len(digits), dtype=np.int64)
        for column in columns:
            value = value * 10 + digits[:, column]
        return value

    year, month, day = number(0, 1, 2, 3), number(5, 6), number(8, 9)
    hour, minute, second, milli = number(11, 12), number(14, 15), number(17, 18), number(20, 21, 22)
    valid &= (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (hour < 24) & (minute < 60) & (second < 61)
    months = np.where(valid, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int64) + day - 1
    return np.where(valid, days * 86400.0 + hour * 3600 + minute * 60 + second + milli / 1000, np.nan)


def _page_problems(pages: PageTable, declared: int | None, problems: list[Problem]) -> None:
    n_pages = len(pages.offsets)
    bad = np.flatnonzero(~pages.good)
    if len(bad) and bad[-1] == n_pages - 1 and not pages.complete[-1]:
        offset = int(pages.offsets[-1])
        text = f"the last page, at byte {offset}, is cut off: the upload or the download broke off"
        lost = max(1, (declared or 0) - n_pages + 1)
        problems.append(Problem(ProblemCode.TRUNCATED, offset, lost / (n_pages - 1 + lost), text))
        bad = bad[:-1]
    elif declared is not None and declared != n_pages + int(_lost(pages).sum()):
        text = f"the header announces {declared} pages, the file has {n_pages}"
        fraction = abs(declared - n_pages) / max(declared, n_pages)
        problems.append(Problem(ProblemCode.BAD_PAGE_COUNT, None, fraction, text))
    if len(bad):
        offset = int(pages.offsets[bad[0]])
        text = f"{len(bad)} of {n_pages} pages are damaged, the first at byte {offset}"
        problems.append(Problem(ProblemCode.BAD_CHECKSUM, offset, len(bad) / n_pages, text))
    _sequence_problems(pages, problems)


def _sequence_problems(pages: PageTable, problems: list[Problem]) -> None:
    good = np.flatnonzero(pages.good)
    sequence, offsets = pages.sequence[good], pages.offsets[good]
    beyond = np.flatnonzero(sequence > 10 * len(pages.offsets) + 1000)
    if len(beyond):
        offset = int(offsets[beyond[0]])
        text = f"{len(beyond)} pages have a sequence number beyond the file's length, the first at byte {offset}"
        problems.append(Problem(ProblemCode.BAD_SEQUENCE, offset, len(beyond) / len(good), text))
        return
    restarts = np.flatnonzero(np.diff(sequence) <= 0) + 1
    if len(restarts):
        lengths = np.diff(np.concatenate(([0], restarts, [len(sequence)])))
        offset = int(offsets[restarts[0]])
        text = f"the sequence numbers start again {len(restarts)} times, first at byte {offset}"
        problems.append(Problem(ProblemCode.SESSION_RESTART, offset, 1 - float(lengths.max()) / len(sequence), text))
    lost = _lost(pages)
    missing = int(lost.sum())
    if missing:
        offset = int(offsets[int(np.argmax(lost > 0))])
        text = f"{missing} pages are missing from the sequence, the first before byte {offset}"
        fraction = missing / (missing + len(sequence))
        problems.append(Problem(ProblemCode.MISSING_BLOCKS, offset, fraction, text))


def _lost(pages: PageTable) -> NDArray[np.int64]:
    """Return how many pages are missing before each good one: neither in the file nor damaged.

    A number that no file of this length could hold counts for nothing.
    """
    good = np.flatnonzero(pages.good)
    if not len(good):
        return np.zeros(0, dtype=np.int64)
    sequence = pages.sequence[good]
    step = np.diff(sequence, prepend=-1)
    restarted = step <= 0
    lost = np.where(restarted, sequence, step - 1)
    lost -= np.diff(good, prepend=-1) - 1
    lost[(lost < 0) | (sequence > 10 * len(pages.offsets) + 1000)] = 0
    lost[1:][sequence[:-1] > 10 * len(pages.offsets) + 1000] = 0
    return lost


def _after_colon(line: bytes) -> int:
    value = line.partition(b":")[2].strip()
    return int(value) if value.isdigit() and len(value) < 18 else -1


def _frequency(line: bytes) -> float:
    # Some exports write a decimal comma.
    value = _number(line.partition(b":")[2].decode("latin-1").replace(",", "."))
    return np.nan if value is None else value


def _number(text: str | None) -> float | None:
    found = _NUMBER.search(text) if text else None
    return float(found.group()) if found else None


def _integer(text: str | None) -> int | None:
    value = _number(text)
    return None if value is None else int(value)
