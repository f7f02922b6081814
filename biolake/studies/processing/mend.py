"""Making a copy of a slightly broken recording that SKDH can read, of its undamaged blocks and nothing else.

SKDH places a block by its sequence number without looking whether that is inside its arrays: a missing block makes it
write beyond them, a second session over the first, and a damaged block shifts all that follow. Whether a recording is
only slightly broken is decided by the study's limits, before.
"""

import mmap
from pathlib import Path

import numpy as np

from biolake.studies.devices.axivity import BLOCK_BYTES, HEADER_BYTES, read_blocks
from biolake.studies.devices.geneactiv import PAGE_MARK, read_pages
from biolake.studies.devices.models import ProblemCode, RecordingFormat, Scan

_DEADLY = {
    RecordingFormat.CWA: {
        ProblemCode.MISSING_BLOCKS,
        ProblemCode.BAD_CHECKSUM,
        ProblemCode.SESSION_RESTART,
    },
    RecordingFormat.GENEACTIV: {
        ProblemCode.TRUNCATED,
        ProblemCode.MISSING_BLOCKS,
        ProblemCode.BAD_CHECKSUM,
        ProblemCode.SESSION_RESTART,
        ProblemCode.BAD_SEQUENCE,
        ProblemCode.BAD_PAGE_COUNT,
    },
}


def needs_mending(scan: Scan) -> bool:
    """Say whether SKDH would crash on the file, or read it wrongly."""
    deadly = _DEADLY.get(scan.format, set())
    return any(problem.code in deadly for problem in scan.problems)


def mend(scan: Scan, source: Path, target: Path) -> str:
    """Write the undamaged blocks of `source`, renumbered, to `target`; return what was done, for the record.

    Samples and times are copied as they are: where blocks are missing, the times have a gap.
    """
    if scan.format is RecordingFormat.CWA:
        return _mend_cwa(source, target)
    return _mend_geneactiv(source, target)


def _mend_cwa(source: Path, target: Path) -> str:
    n_blocks = (source.stat().st_size - HEADER_BYTES) // BLOCK_BYTES
    table = read_blocks(source, n_blocks)
    good = np.flatnonzero(table.good)
    blocks = np.memmap(source, dtype="<u2", mode="r", offset=HEADER_BYTES, shape=(n_blocks, BLOCK_BYTES // 2))
    with source.open("rb") as file:
        header = file.read(HEADER_BYTES)
    with target.open("wb") as file:
        file.write(header)
        for start in range(0, len(good), 65_536):
            chosen = good[start : start + 65_536]
            words = np.array(blocks[chosen])
            number = np.arange(start, start + len(chosen), dtype=np.uint32)
            # Words 5 and 6 are the sequence number; the last word makes all of them sum to zero.
            words[:, 5], words[:, 6] = number & 0xFFFF, number >> 16
            words[:, -1] = 0
            words[:, -1] = -words.sum(axis=1, dtype=np.uint16)
            file.write(words.tobytes())
    return f"{len(good)} of {n_blocks} blocks kept and renumbered"


def _mend_geneactiv(source: Path, target: Path) -> str:
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        pages = read_pages(content)
        good = np.flatnonzero(pages.good)
        header = content[: content.find(PAGE_MARK)]
        newline = b"\r\n" if b"\r\n" in header else b"\n"
        lines = header.split(newline)
        count = f"Number of Pages:{len(good)}".encode()
        with target.open("wb") as out:
            out.write(newline.join(count if line.startswith(b"Number of Pages:") else line for line in lines))
            for number, page in enumerate(good):
                text = content[int(pages.offsets[page]) : int(pages.ends[page])]
                parts = text.split(b"\n", 3)
                ending = b"\r\n" if parts[2].endswith(b"\r") else b"\n"
                parts[2] = f"Sequence Number:{number}".encode() + ending[:-1]
                out.write(b"\n".join(parts) + ending)
    return f"{len(good)} of {len(pages.offsets)} pages kept and renumbered"
