"""Writing made-up recordings as an Axivity AX3 would, blocks of 120 packed samples."""

from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biolake.studies.devices.axivity import BLOCK_BYTES
from tests.studies.generate.motion import Person

_SAMPLES = 120
_EPOCH = datetime(1970, 1, 1)
_RATE_CODES = {50.0: 0x49, 100.0: 0x4A, 200.0: 0x4B}

_BLOCK = np.dtype(
    [
        ("magic", "<u2"),
        ("length", "<u2"),
        ("fraction", "<u2"),
        ("session", "<u4"),
        ("sequence", "<u4"),
        ("stamp", "<u4"),
        ("light", "<u2"),
        ("temperature", "<u2"),
        ("events", "u1"),
        ("battery", "u1"),
        ("rate", "u1"),
        ("packing", "u1"),
        ("shift", "<i2"),
        ("samples", "<u2"),
        ("data", "<u4", (_SAMPLES,)),
        ("checksum", "<u2"),
    ]
)
assert _BLOCK.itemsize == BLOCK_BYTES


def write_cwa(path: Path, person: Person, hertz: float = 100.0, device_id: int = 41234, session: int = 77) -> None:
    """Write a person's recording to `path`."""
    with path.open("wb") as file:
        end = int((person.start - _EPOCH).total_seconds() + person.hours * 3600)
        file.write(header(hertz, device_id, session, end))
        sequence = 0
        for chunk in person.chunks(hertz, _SAMPLES):
            blocks = make_blocks(chunk, sequence, person.start, hertz, session)
            file.write(blocks.tobytes())
            sequence += len(blocks)


def header(hertz: float, device_id: int, session: int, end: int) -> bytes:
    head = bytearray(b"\xff" * 1024)
    head[0:4] = b"MD\xfc\x03"
    head[4] = 0x17
    head[5:7] = (device_id & 0xFFFF).to_bytes(2, "little")
    head[7:11] = session.to_bytes(4, "little")
    head[11:13] = (device_id >> 16).to_bytes(2, "little")
    head[17:21] = int(pack_stamps(np.array([end]))[0]).to_bytes(4, "little")
    head[35] = 0
    head[36] = _RATE_CODES[hertz]
    head[64:1024] = b" " * 960
    return bytes(head)


def make_blocks(
    acceleration: NDArray[np.float32], sequence: int, start: datetime, hertz: float, session: int
) -> NDArray[np.void]:
    """Return the blocks of whole multiples of 120 samples that follow `sequence` blocks after `start`."""
    count = len(acceleration) // _SAMPLES
    blocks = np.zeros(count, dtype=_BLOCK)
    number = sequence + np.arange(count)
    seconds = (start - _EPOCH).total_seconds() + number * _SAMPLES / hertz
    # Guards against 0.9999999 where the sum should be whole.
    whole = np.floor(seconds + 1e-7)
    part = np.clip(np.round((seconds - whole) * 0x8000), 0, 0x7FFF).astype(np.int64)
    blocks["magic"], blocks["length"] = 0x5841, BLOCK_BYTES - 4
    blocks["fraction"] = 0x8000 | part
    blocks["session"], blocks["sequence"] = session, number
    blocks["stamp"] = pack_stamps(whole.astype(np.int64))
    blocks["light"], blocks["temperature"], blocks["battery"] = 300, 171 + 94, 180
    blocks["rate"], blocks["packing"], blocks["samples"] = _RATE_CODES[hertz], 0x30, _SAMPLES
    blocks["shift"] = -np.floor(part / 0x8000 * hertz).astype(np.int64)
    blocks["data"] = _pack(acceleration[: count * _SAMPLES]).reshape(count, _SAMPLES)
    return sealed(blocks)


def sealed(blocks: NDArray[np.void]) -> NDArray[np.void]:
    """Set every block's checksum so that its words sum to zero."""
    blocks["checksum"] = 0
    words = blocks.view("<u2").reshape(len(blocks), -1)
    blocks["checksum"] = -words.sum(axis=1, dtype=np.uint16)
    return blocks


def pack_stamps(seconds: NDArray[np.int64]) -> NDArray[np.uint32]:
    moments = seconds.astype("datetime64[s]")
    years = moments.astype("datetime64[Y]").astype(np.int64) - 30
    months = moments.astype("datetime64[M]").astype(np.int64) % 12 + 1
    days = (moments.astype("datetime64[D]") - moments.astype("datetime64[M]").astype("datetime64[D]")).astype(
        np.int64
    ) + 1
    rest = seconds % 86400
    packed = (years << 26) | (months << 22) | (days << 17) | (rest // 3600 << 12) | (rest // 60 % 60 << 6) | rest % 60
    return packed.astype(np.uint32)


def _pack(acceleration: NDArray[np.float32]) -> NDArray[np.uint32]:
    raw = np.clip(np.round(acceleration * 256), -4096, 4095).astype(np.int32)
    largest = np.maximum(np.abs(raw), np.abs(raw + 1)).max(axis=1)
    exponent = (largest > 511).astype(np.int32) + (largest > 1023) + (largest > 2047)
    packed = exponent << 30
    for axis in range(3):
        packed = packed | (((raw[:, axis] >> exponent) & 0x3FF) << (10 * axis))
    return packed.astype(np.uint32)
