"""Scanning Axivity .cwa: headers, checksums, sequence and clock of every 512-byte block, not its samples.

Layout: https://github.com/digitalinteraction/openmovement/blob/master/Docs/ax3/ax3-technical.md
Reading the samples is SKDH's work; mending what SKDH cannot survive is in `biolake.studies.processing.mend`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biolake.studies.devices.clock import Blocks, clock_problems
from biolake.studies.devices.models import Problem, ProblemCode, RecordingFormat, Scan

HEADER_BYTES = 1024
BLOCK_BYTES = 512
_AX6 = 0x64

BLOCK = np.dtype(
    {
        "names": [
            "magic",
            "length",
            "fraction",
            "session",
            "sequence",
            "stamp",
            "rate",
            "packing",
            "shift",
            "samples",
        ],
        "formats": ["<u2", "<u2", "<u2", "<u4", "<u4", "<u4", "u1", "u1", "<i2", "<u2"],
        "offsets": [0, 2, 4, 6, 10, 14, 24, 25, 26, 28],
        "itemsize": BLOCK_BYTES,
    }
)
"""The fields of a data block that the scan looks at."""
_AX = 0x5841


@dataclass(frozen=True)
class BlockTable:
    """One entry per 512-byte block after the header.

    Attributes:
        fields: The blocks' headers, dtype `BLOCK`; shape (blocks,).
        good: Whether magic, length, checksum and time stamp are as they should be; shape (blocks,).
        starts: First sample of each block in seconds since 1970, only meaningful where good; shape (blocks,).
        hertz: Nominal sampling rate of each block; shape (blocks,).
    """

    fields: NDArray[np.void]
    good: NDArray[np.bool_]
    starts: NDArray[np.float64]
    hertz: NDArray[np.float64]


def scan_cwa(path: Path) -> Scan:
    """Scan an Axivity file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES).ljust(HEADER_BYTES, b"\xff")
    device_kind = "ax6" if header[4] == _AX6 else "ax3"
    device_id = str(_device_id(header))
    n_blocks = (size - HEADER_BYTES) // BLOCK_BYTES
    if n_blocks < 1:
        problem = Problem(ProblemCode.NO_DATA, size, 1.0, f"{size} bytes: a header without a block of samples")
        return Scan(RecordingFormat.CWA, device_kind, device_id, problems=(problem,), size_bytes=size)

    table = read_blocks(path, n_blocks)
    problems = _file_problems(table, size, n_blocks, _planned_end(header))
    good = np.flatnonzero(table.good)
    fields = table.fields[good]
    blocks = Blocks(
        starts=table.starts[good],
        seconds=fields["samples"] / table.hertz[good],
        offsets=HEADER_BYTES + good * BLOCK_BYTES,
        consecutive=np.diff(fields["sequence"].astype(np.int64)) == 1,
    )
    missing = _sequence_problems(fields, good, blocks, problems)
    problems.extend(clock_problems(blocks))
    bad = int(n_blocks - len(good))
    rates, counts = np.unique(table.hertz[good], return_counts=True)
    return Scan(
        format=RecordingFormat.CWA,
        device_kind=device_kind,
        device_id=device_id,
        start=blocks.first,
        end=blocks.end,
        sampling_hz=float(rates[np.argmax(counts)]) if len(rates) else None,
        n_samples_expected=int(fields["samples"].astype(np.int64).sum()),
        bad_block_fraction=(bad + missing) / (n_blocks + missing),
        problems=tuple(problems),
        size_bytes=size,
    )


def read_blocks(path: Path, n_blocks: int) -> BlockTable:
    """Read the headers and checksums of `n_blocks` blocks."""
    words = np.memmap(path, dtype="<u2", mode="r", offset=HEADER_BYTES, shape=(n_blocks, BLOCK_BYTES // 2))
    fields = np.memmap(path, dtype=BLOCK, mode="r", offset=HEADER_BYTES, shape=(n_blocks,))
    # The last word is chosen so that all 256 sum to zero; an erased block of zeros does so too, hence the magic.
    good = words.sum(axis=1, dtype=np.uint16) == 0
    good &= (fields["magic"] == _AX) & (fields["length"] == BLOCK_BYTES - 4)
    hertz = 3200.0 / (1 << (15 - (fields["rate"] & 0x0F).astype(np.int64)))
    seconds, valid = unpack_stamps(fields["stamp"])
    fractional = (fields["fraction"] & 0x8000) != 0
    fraction = np.where(fractional, (fields["fraction"] & 0x7FFF).astype(np.float64) / 0x8000, 0.0)
    # With a fraction, the device has shifted the stamp's sample by the fraction's share of the rate.
    shift = fields["shift"] + np.where(fractional, np.floor(fraction * hertz), 0.0)
    good &= valid & (fields["samples"] > 0)
    return BlockTable(fields, good, seconds + fraction - shift / hertz, hertz)


def unpack_stamps(stamps: NDArray[np.uint32]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return packed time stamps as seconds since 1970, and which of them are times at all."""
    stamp = stamps.astype(np.int64)
    year, month, day = (stamp >> 26) & 0x3F, (stamp >> 22) & 0x0F, (stamp >> 17) & 0x1F
    hour, minute, second = (stamp >> 12) & 0x1F, (stamp >> 6) & 0x3F, stamp & 0x3F
    valid = (month >= 1) & (month <= 12) & (day >= 1) & (hour < 24) & (minute < 60) & (second < 60)
    months = ((year + 30) * 12 + np.clip(month, 1, 12) - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int64) + day - 1
    return (days * 86400 + hour * 3600 + minute * 60 + second).astype(np.float64), valid


def _device_id(header: bytes) -> int:
    upper = int.from_bytes(header[11:13], "little")
    return int.from_bytes(header[5:7], "little") | ((0 if upper == 0xFFFF else upper) << 16)


def _planned_end(header: bytes) -> float | None:
    """Return when the device was told to stop, None where it was not told."""
    stamp = int.from_bytes(header[17:21], "little")
    if stamp in (0, 0xFFFFFFFF):
        return None
    seconds, valid = unpack_stamps(np.array([stamp], dtype=np.uint32))
    return float(seconds[0]) if valid[0] else None


def _file_problems(table: BlockTable, size: int, n_blocks: int, planned_end: float | None) -> list[Problem]:
    problems: list[Problem] = []
    tail = (size - HEADER_BYTES) % BLOCK_BYTES
    if tail:
        # How much is lost only the planned end can tell; without one it is the cut block at least.
        times = table.starts[table.good]
        lost = 1 / (n_blocks + 1)
        if planned_end is not None and len(times) and planned_end > times[-1] > times[0]:
            lost = max(lost, float((planned_end - times[-1]) / (planned_end - times[0])))
        text = f"the file ends {tail} bytes into a block of {BLOCK_BYTES}: the upload or the download broke off"
        problems.append(Problem(ProblemCode.TRUNCATED, size - tail, lost, text))
    bad = np.flatnonzero(~table.good)
    if len(bad):
        offset = HEADER_BYTES + int(bad[0]) * BLOCK_BYTES
        text = f"{len(bad)} of {n_blocks} blocks are damaged (checksum, mark or time stamp), the first at byte {offset}"
        problems.append(Problem(ProblemCode.BAD_CHECKSUM, offset, len(bad) / n_blocks, text))
    return problems


def _sequence_problems(
    fields: NDArray[np.void], places: NDArray[np.int64], blocks: Blocks, problems: list[Problem]
) -> int:
    """Append what the sequence numbers say; return how many blocks are neither in the file nor damaged."""
    if not len(fields):
        problems.append(Problem(ProblemCode.NO_DATA, HEADER_BYTES, 1.0, "not one block is undamaged"))
        return 0
    sequence = fields["sequence"].astype(np.int64)
    step = np.diff(sequence)
    restarts = np.flatnonzero(step <= 0) + 1
    first_of_session = np.concatenate(([0], restarts))
    if len(restarts):
        lengths = np.diff(np.concatenate((first_of_session, [len(sequence)])))
        offset = int(blocks.offsets[restarts[0]])
        text = (
            f"the sequence numbers start again {len(restarts)} times, first at byte {offset}: "
            f"{len(lengths)} recordings in one file, of {', '.join(str(int(n)) for n in lengths[:5])} blocks"
        )
        fraction = 1 - float(lengths.max()) / len(sequence)
        problems.append(Problem(ProblemCode.SESSION_RESTART, offset, fraction, text))
    # A damaged block between two others takes the place of a number, so that number is not missing.
    damaged_before = np.diff(places, prepend=-1) - 1
    lost = np.zeros(len(sequence), dtype=np.int64)
    lost[1:] = np.where(step > 1, step - 1, 0)
    lost[first_of_session] = sequence[first_of_session]
    lost = np.maximum(lost - damaged_before, 0)
    missing = int(lost.sum())
    if missing:
        at = int(np.argmax(lost > 0))
        offset = int(blocks.offsets[at])
        text = f"{missing} blocks are missing from the sequence, the first before byte {offset}"
        problems.append(Problem(ProblemCode.MISSING_BLOCKS, offset, missing / (missing + len(sequence)), text))
    return missing
