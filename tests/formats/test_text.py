"""Opening text files."""

import gzip
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolake.formats.errors import EmptyFile, MalformedFile, NotText, TooLarge, Truncated
from biolake.formats.text import TextReader, identifier, read_head

LIMIT = 10**9


def _lines(path: Path) -> list[str]:
    with TextReader(path, path.name, limit_bytes=LIMIT) as text:
        lines = []
        while (line := text.line()) is not None:
            lines.append(line)
        assert text.line_number == len(lines)
        return lines


def _blocks(path: Path, block_bytes: int = 16, end: str | None = None) -> list[tuple[int, bytes]]:
    with TextReader(path, path.name, limit_bytes=LIMIT, block_bytes=block_bytes) as text:
        return [(block.first_line, block.data) for block in text.blocks(end)]


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a\nb\n", ["a", "b"]),
        (b"a\nb", ["a", "b"]),
        (b"a\r\n\r\nb\r\n", ["a", "", "b"]),
        (b"\xef\xbb\xbfa\n", ["a"]),
        ("α\nβ".encode(), ["α", "β"]),
    ],
)
def test_lines_of_plain_and_gzip_text(tmp_path, compress, content, expected):
    path = tmp_path / "text"
    path.write_bytes(compress(content))
    assert _lines(path) == expected


def test_gzip_members_in_a_row_and_padding_are_one_text(tmp_path):
    path = tmp_path / "text.gz"
    path.write_bytes(gzip.compress(b"a\n") + gzip.compress(b"b\n") + b"\0" * 512)
    assert _lines(path) == ["a", "b"]


@pytest.mark.parametrize("cut", [1, 8, 12, 20])
def test_truncated_gzip_is_named(tmp_path, cut):
    path = tmp_path / "text.gz"
    path.write_bytes(gzip.compress(bytes(range(32, 127)) * 50)[:-cut])
    with pytest.raises(Truncated, match="Upload the file again"):
        _lines(path)
    assert Truncated.transient


def test_damaged_gzip_is_named(tmp_path):
    path = tmp_path / "text.gz"
    data = bytearray(gzip.compress(b"abc\n" * 1000))
    data[-6] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(MalformedFile, match="damaged"):
        _lines(path)


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_latin_1_is_refused_with_its_byte_offset(tmp_path, compress):
    path = tmp_path / "latin.csv"
    path.write_bytes(compress("id,S1\nMüller,1\n".encode("latin-1")))
    with pytest.raises(NotText, match=r"byte 0xfc at offset 7 "):
        _lines(path)
    with pytest.raises(NotText, match=r"offset 7 "):
        _blocks(path)


def test_offset_counts_from_the_start_of_a_long_text(tmp_path):
    path = tmp_path / "long.txt"
    path.write_bytes(b"0123456789\n" * 300_000 + b"\xe9\n")
    with pytest.raises(NotText, match=r"offset 3,300,000 "):
        _blocks(path, 1000)
    with pytest.raises(NotText, match=r"offset 3,300,000 "):
        _lines(path)


def test_a_gzip_bomb_is_stopped_at_the_limit(tmp_path):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b"0\n" * 5_000_000))
    with TextReader(path, "bomb.gz", limit_bytes=1_000_000) as text, pytest.raises(TooLarge, match="1,000,000 bytes"):
        list(text.blocks())


def test_blocks_stop_at_the_end_line_and_the_rest_can_be_read(tmp_path):
    path = tmp_path / "text"
    path.write_text("head\n1\n2\n!end\nafter\n")
    with TextReader(path, "text", limit_bytes=LIMIT) as text:
        assert text.line() == "head"
        assert [(b.first_line, b.data) for b in text.blocks("!end")] == [(2, b"1\n2\n")]
        assert text.line_number == 4
        assert text.peek() == "after"
        assert text.line() == "after"
        assert text.line() is None
        assert text.peek() is None


def test_a_missing_end_line_means_truncated(tmp_path):
    path = tmp_path / "text"
    path.write_text("1\n2\n")
    with pytest.raises(Truncated, match="!end is missing"):
        _blocks(path, end="!end")


@given(
    lines=st.lists(st.text(st.characters(exclude_characters="\n\r", exclude_categories=("Cs",)), max_size=12)),
    block_bytes=st.integers(1, 40),
    final_newline=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_blocks_are_whole_lines_and_lose_nothing(tmp_path_factory, lines, block_bytes, final_newline):
    content = "\n".join(lines).encode() + (b"\n" if final_newline else b"")
    path = tmp_path_factory.mktemp("blocks") / "text"
    path.write_bytes(content)
    blocks = _blocks(path, block_bytes)
    joined = b"".join(data for _, data in blocks)
    assert joined == content.removeprefix(b"\xef\xbb\xbf")
    seen = 0
    for first_line, data in blocks:
        assert first_line == seen + 1
        assert data.endswith(b"\n") or first_line == blocks[-1][0]
        seen += data.count(b"\n")


def test_head_of_an_empty_file_and_of_truncated_gzip(tmp_path):
    path = tmp_path / "empty"
    path.write_bytes(b"")
    with pytest.raises(EmptyFile):
        read_head(path, "empty")
    path.write_bytes(gzip.compress(b""))
    with pytest.raises(EmptyFile):
        read_head(path, "empty")
    path.write_bytes(gzip.compress(b"abc")[:10])
    with pytest.raises(Truncated):
        read_head(path, "empty")
    path.write_bytes(b"\x1f\x8bnot gzip at all")
    with pytest.raises(MalformedFile):
        read_head(path, "empty")


def test_head_is_decompressed_and_limited(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(zlib.compress(b"x" * 100_000, wbits=31))
    assert read_head(path, "a.gz", 10) == b"x" * 10


def test_identifiers_are_trimmed_and_composed():
    assert identifier(" Mu\u0308ller ") == "M\u00fcller"
