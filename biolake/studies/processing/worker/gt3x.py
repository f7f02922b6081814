"""Reading ActiGraph .gt3x, which SKDH cannot: samples by actfast, and what actfast leaves out by this module.

actfast 1.3.0 returns no samples, and no error, for devices that log signed 16-bit samples (record 0x1A); those are
decoded here. While it lies still, a device in sleep mode logs nothing and the maker's software repeats the last sample;
so does this. Layout: https://github.com/actigraph/GT3X-File-Format
"""

import struct
import zipfile
from typing import Any

_HEADING = struct.Struct("<BBIH")
_PACKED, _SIGNED, _EVENT = 0x00, 0x1A, 0x03
_ASLEEP = 0x08
_MOST_LOG_BYTES = 4 * 1024**3


class NoSamples(Exception):
    """The file has no sample of acceleration, or none that can be read."""


def read_gt3x(path: str) -> tuple[dict[str, Any], str]:
    """Return `time` [s, by the device's clock], `accel` [g] and `fs` [Hz] of a file, and what has read it.

    Raises:
        NoSamples: Neither reader finds a sample.
    """
    import importlib.metadata

    import actfast  # pyright: ignore[reportMissingImports]
    import numpy as np

    info, stamps, pieces, asleep = _walk(path)
    hertz = float(info["Sample Rate"].replace(",", "."))
    by = f"actfast {importlib.metadata.version('actfast')}"
    accel = np.asarray(actfast.read(path)["timeseries"]["acceleration"]["acceleration"], dtype=np.float64)
    counts = np.array([len(piece) // 6 if kind == _SIGNED else len(piece) * 8 // 36 for kind, piece in pieces])
    if not len(accel) and pieces and all(kind == _SIGNED for kind, _ in pieces):
        joined = np.frombuffer(b"".join(piece[: len(piece) // 6 * 6] for _, piece in pieces), dtype="<i2")
        accel = joined.reshape(-1, 3) / float(info.get("Acceleration Scale", "256").replace(",", "."))
        by = "biolake, signed 16-bit records"
    if not len(accel):
        raise NoSamples(f"{by} found no sample of acceleration in {len(pieces)} records")
    if len(accel) != counts.sum():
        raise NoSamples(f"{by} found {len(accel)} samples where the records hold {int(counts.sum())}")
    starts = np.array(stamps, dtype=np.float64)
    return {**_filled(np, starts, counts, asleep, accel, hertz), "fs": np.float64(hertz)}, by


def _filled(np: Any, starts: Any, counts: Any, asleep: set[int], accel: Any, hertz: float) -> dict[str, Any]:
    """Give every sample its time, and repeat the last sample before a sleep until the device wakes."""
    until_next = np.append(np.diff(starts), 0.0)
    slept = np.zeros(len(counts), dtype=bool)
    slept[[at for at in asleep if at < len(counts) - 1]] = True
    lengths = np.where(slept & (until_next > 0), np.round(until_next * hertz).astype(np.int64), counts)
    block = np.repeat(np.arange(len(counts)), lengths)
    within = np.arange(len(block)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    first = np.cumsum(counts) - counts
    taken = first[block] + np.minimum(within, counts[block] - 1)
    return {"time": starts[block] + within / hertz, "accel": np.ascontiguousarray(accel[taken])}


def _walk(path: str) -> tuple[dict[str, str], list[int], list[tuple[int, bytes]], set[int]]:
    with zipfile.ZipFile(path) as archive:
        pairs = (line.partition(":") for line in archive.read("info.txt").decode("utf-8-sig", "replace").splitlines())
        info = {name.strip(): value.strip() for name, _, value in pairs}
        if archive.getinfo("log.bin").file_size > _MOST_LOG_BYTES:
            raise NoSamples("the log is larger than any recording")
        log = archive.read("log.bin")
    stamps: list[int] = []
    pieces: list[tuple[int, bytes]] = []
    asleep: set[int] = set()
    at = 0
    while at + _HEADING.size < len(log):
        mark, kind, stamp, length = _HEADING.unpack_from(log, at)
        if mark != 0x1E:
            raise NoSamples(f"a record without a mark at byte {at} of the log")
        payload = log[at + _HEADING.size : at + _HEADING.size + length]
        if kind == _EVENT and length == 1 and payload[0] == _ASLEEP and stamps:
            asleep.add(len(stamps) - 1)
        elif kind in (_PACKED, _SIGNED) and length >= 6:
            stamps.append(stamp)
            pieces.append((kind, payload))
        at += _HEADING.size + length + 1
    return info, stamps, pieces, asleep
