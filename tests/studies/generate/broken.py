"""Every way in which recordings arrive broken, made from a whole one; each function takes and returns the bytes."""

import re
from collections.abc import Callable

import numpy as np

from biolake.studies.devices.axivity import BLOCK_BYTES, HEADER_BYTES
from tests.studies.generate.cwa import _BLOCK, pack_stamps, sealed

_PAGE = b"Recorded Data"
_FIVE_YEARS = 5 * 365 * 86400


def _blocks(content: bytes) -> np.ndarray:
    return np.frombuffer(content, dtype=_BLOCK, offset=HEADER_BYTES).copy()


def _joined(content: bytes, blocks: np.ndarray) -> bytes:
    return content[:HEADER_BYTES] + blocks.tobytes()


def header_only(content: bytes) -> bytes:
    return content[:HEADER_BYTES]


def missing_blocks(content: bytes, count: int = 10) -> bytes:
    blocks = _blocks(content)
    middle = len(blocks) // 2
    return _joined(content, np.concatenate([blocks[:middle], blocks[middle + count :]]))


def missing_first_blocks(content: bytes, count: int = 10) -> bytes:
    return _joined(content, _blocks(content)[count:])


def session_restart(content: bytes) -> bytes:
    blocks = _blocks(content)
    first = len(blocks) * 3 // 4
    blocks["sequence"][first:] -= np.uint32(first)
    blocks["session"][first:] += 1
    return _joined(content, sealed(blocks))


def cut_between_blocks(content: bytes) -> bytes:
    return content[: HEADER_BYTES + (len(content) - HEADER_BYTES) // BLOCK_BYTES // 2 * BLOCK_BYTES]


def cut_within_block(content: bytes) -> bytes:
    return content[: len(content) // 2 // BLOCK_BYTES * BLOCK_BYTES + 100]


def bad_checksum(content: bytes) -> bytes:
    blocks = _blocks(content)
    blocks["checksum"][len(blocks) // 3] ^= 1
    return _joined(content, blocks)


def erased_blocks(content: bytes, count: int = 5) -> bytes:
    blocks = _blocks(content)
    at = len(blocks) // 3
    blocks[at : at + count] = np.zeros(count, dtype=_BLOCK)
    return _joined(content, blocks)


def zero_tail(content: bytes) -> bytes:
    blocks = _blocks(content)
    blocks[len(blocks) // 2 :] = np.zeros(1, dtype=_BLOCK)
    return _joined(content, blocks)


def _moved(content: bytes, seconds: int, first: float) -> bytes:
    from biolake.studies.devices.axivity import unpack_stamps

    blocks = _blocks(content)
    part = slice(int(len(blocks) * first), None)
    stamps, _ = unpack_stamps(blocks["stamp"][part])
    blocks["stamp"][part] = pack_stamps(stamps.astype(np.int64) + seconds)
    return _joined(content, sealed(blocks))


def clock_jump(content: bytes) -> bytes:
    return _moved(content, _FIVE_YEARS, 0.5)


def clock_unset(content: bytes) -> bytes:
    return _moved(content, -(23 * 365 + 150) * 86400, 0.0)


def clock_backwards(content: bytes) -> bytes:
    return _moved(content, -3600, 0.5)


def gap(content: bytes) -> bytes:
    return _moved(content, 600, 0.5)


CWA: dict[str, Callable[[bytes], bytes]] = {
    function.__name__: function
    for function in (
        header_only,
        missing_blocks,
        missing_first_blocks,
        session_restart,
        cut_within_block,
        bad_checksum,
        erased_blocks,
        zero_tail,
        clock_jump,
        clock_unset,
        clock_backwards,
        gap,
    )
}


def _pages(content: bytes) -> tuple[bytes, list[bytes]]:
    head, *pages = content.split(_PAGE)
    return head, [_PAGE + page for page in pages]


def _number_of_pages(content: bytes, number: int) -> bytes:
    return re.sub(rb"Number of Pages:\d+", b"Number of Pages:%d" % number, content, count=1)


def bin_cut_within_page(content: bytes) -> bytes:
    head, pages = _pages(content)
    return head + b"".join(pages[: len(pages) // 2]) + pages[len(pages) // 2][:2000]


def bin_header_only(content: bytes) -> bytes:
    return _pages(content)[0]


def bin_page_count_high(content: bytes) -> bytes:
    return _number_of_pages(content, 2 * content.count(_PAGE))


def bin_page_count_low(content: bytes) -> bytes:
    return _number_of_pages(content, content.count(_PAGE) // 2)


def bin_sequence_beyond(content: bytes) -> bytes:
    head, pages = _pages(content)
    middle = len(pages) // 2
    pages[middle] = re.sub(rb"Sequence Number:\d+", b"Sequence Number:900000000", pages[middle])
    return head + b"".join(pages)


def bin_missing_pages(content: bytes) -> bytes:
    head, pages = _pages(content)
    middle = len(pages) // 2
    return head + b"".join(pages[:middle] + pages[middle + 3 :])


def bin_damaged_page(content: bytes) -> bytes:
    head, pages = _pages(content)
    middle = len(pages) // 2
    pages[middle] = pages[middle][:1000] + b"\x00" * 500 + pages[middle][1500:]
    return head + b"".join(pages)


def bin_restart(content: bytes) -> bytes:
    head, pages = _pages(content)
    first = len(pages) * 3 // 4
    for number, page in enumerate(pages[first:]):
        pages[first + number] = re.sub(rb"Sequence Number:\d+", b"Sequence Number:%d" % number, page)
    return head + b"".join(pages)


GENEACTIV: dict[str, Callable[[bytes], bytes]] = {
    function.__name__: function
    for function in (
        bin_cut_within_page,
        bin_header_only,
        bin_page_count_high,
        bin_page_count_low,
        bin_sequence_beyond,
        bin_missing_pages,
        bin_damaged_page,
        bin_restart,
    )
}

IMPOSTORS: dict[str, bytes] = {
    "zeros.bin": bytes(100_000),
    "random.bin": np.random.default_rng(3).integers(0, 256, 100_000, dtype=np.uint8).tobytes(),
    "genea.bin": b"Device Identity\r\nDevice Type:GENEA\r\n" + b"x" * 5000,
    "matrix.bin": b"\x00" * 512 + b"MDTC" + bytes(5000),
    "empty.cwa": b"",
    "tiny.cwa": b"MD\xfc\x03" + b"\xff" * 500,
    "compressed.cwa": b"\x1f\x8b\x08\x00" + bytes(5000),
    "wave.cwa": b"RIFF" + bytes(5000),
    "text.csv": b"nothing to see here\n",
}
"""Files whose names promise what their bytes are not."""
