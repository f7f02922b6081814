"""Opening text files as whole lines: plain or gzip, UTF-8 only, with limits on what they decompress to.

What the lines mean is in the modules of the formats; tables of numbers are in `biolake.formats.tabular`. gzip is
RFC 1952.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from isal import isal_zlib

from biolake.formats.errors import EmptyFile, MalformedFile, NotText, TooLarge, Truncated

HEAD_BYTES = 65_536
"""How much of a file's (decompressed) beginning is looked at to tell its format."""

UTF8_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_GZIP_SIGNATURE = b"\x1f\x8b"
_GZIP_WINDOW = 31  # of zlib's interface: a gzip header and a check of the content
# isal's stubs declare the class as one of its instances.
_DAMAGED: type[Exception] = isal_zlib.error  # type: ignore[assignment]
_READ_BYTES = 1024 * 1024
_LONGEST_LINE_BYTES = 64 * 1024**2


def is_gzip(path: Path) -> bool:
    """Whether the file's content is gzip, whatever its name."""
    with path.open("rb") as file:
        return file.read(2) == _GZIP_SIGNATURE


def read_head(path: Path, name: str, count: int = HEAD_BYTES) -> bytes:
    """Return at most the first `count` bytes of a file's content, decompressed where it is gzip.

    Raises:
        EmptyFile: There is no content.
        Truncated: A gzip file that ends before its first byte of content.
        MalformedFile: Damaged gzip data.
    """
    with path.open("rb") as file:
        raw = file.read(max(count, HEAD_BYTES))
        if raw[:2] == _GZIP_SIGNATURE:
            inflate = isal_zlib.decompressobj(wbits=_GZIP_WINDOW)
            try:
                head = inflate.decompress(raw, count)
            except _DAMAGED as error:
                raise MalformedFile(damaged_gzip(name, error)) from error
            if not head and not inflate.eof:
                raise Truncated(f"{name}: the gzip data ends before any content. Upload the file again.")
        else:
            head = raw[:count]
    if not head:
        raise EmptyFile(f"{name}: the file is empty. Upload a file with content.")
    return head


@dataclass(frozen=True)
class Block:
    """Whole lines of a text: valid UTF-8, the last line ending where the file's last does.

    Attributes:
        data: The bytes.
        first_line: Number of the first line, from 1.
    """

    data: bytes
    first_line: int


class TextReader:
    """Reads a text file once from start to end, by line where lines differ and by block where they are a table.

    Attributes:
        name: The file's name for messages.
        line_number: Number of the line read last, from 1; 0 before the first.
    """

    def __init__(self, path: Path, name: str, *, limit_bytes: int, block_bytes: int = 8 * 1024**2) -> None:
        """Open `path`; at most `limit_bytes` of decompressed text are read, in blocks of about `block_bytes`."""
        self.name = name
        self.line_number = 0
        self._limit = limit_bytes
        self._block_bytes = block_bytes
        self._file = path.open("rb")
        self._compressed = self._file.read(2) == _GZIP_SIGNATURE
        self._file.seek(0)
        self._inflate = isal_zlib.decompressobj(wbits=_GZIP_WINDOW)
        self._raw = b""
        self._buffer = b""
        self._position = 0
        self._offset = 0
        self._total = 0
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def line(self) -> str | None:
        """Return the next line without its end, None after the last.

        Raises:
            NotText: The text is not UTF-8.
            Truncated: The file ends within its gzip data.
            MalformedFile: Damaged gzip data.
            TooLarge: The text, or the line, is longer than the limit.
        """
        end = self._line_end()
        if end is None:
            return None
        self.line_number += 1
        text = self._decode(self._buffer[self._position : end])
        self._position = min(end + 1, len(self._buffer))
        return text.removesuffix("\r")

    def peek(self) -> str | None:
        """Return the next line as `line` does, and leave it to be read."""
        end = self._line_end()
        return None if end is None else self._decode(self._buffer[self._position : end]).removesuffix("\r")

    def blocks(self, end: str | None = None) -> Iterator[Block]:
        """Yield what follows as blocks of whole lines.

        With `end`, stop before the line that begins with it; that line is passed over, what follows can be read next.

        Raises:
            Truncated: The file ends within its gzip data, or before the line `end`.
            NotText: The text is not UTF-8.
            MalformedFile: Damaged gzip data.
            TooLarge: The text, or a line, is longer than the limit.
        """
        marker = None if end is None else end.encode()
        while True:
            # A file of many small tables has the end of one within what is read already.
            near = None if marker is None else self._find_line(marker, len(self._buffer))
            cut = self._whole_lines() if near is None else near
            stop = None if marker is None else self._find_line(marker, cut)
            if stop is not None:
                if stop > self._position:
                    yield self._take(stop)
                self.line()
                return
            if cut == self._position:
                if end is not None:
                    raise Truncated(f"{self.name}: the line {end} is missing: the file ends early. Upload it again.")
                return
            yield self._take(cut)

    def _line_end(self) -> int | None:
        """Return where the next line ends in the buffer, None after the last line."""
        while (end := self._buffer.find(b"\n", self._position)) < 0:
            if not self._fill(max(_READ_BYTES, len(self._buffer))):
                end = len(self._buffer)
                return None if self._position == end else end
        return end

    def _whole_lines(self) -> int:
        """Fill the buffer to a block and return where its last whole line ends."""
        while True:
            missing = self._block_bytes - (len(self._buffer) - self._position)
            if missing > 0 and self._fill(missing):
                continue
            cut = self._buffer.rfind(b"\n", self._position) + 1
            if cut > self._position:
                # A last line without an end is a line too.
                return len(self._buffer) if self._ended else cut
            if not self._fill(max(self._block_bytes, len(self._buffer))):
                return len(self._buffer)

    def _find_line(self, marker: bytes, stop: int) -> int | None:
        """Return where the first line that begins with `marker` starts, None where there is none before `stop`."""
        if self._buffer.startswith(marker, self._position):
            return self._position
        found = self._buffer.find(b"\n" + marker, self._position, stop)
        return None if found < 0 else found + 1

    def _take(self, stop: int) -> Block:
        data = self._buffer[self._position : stop]
        block = Block(data, self.line_number + 1)
        if not data.isascii():
            self._decode(data)
        self._position = stop
        self.line_number += data.count(b"\n") + (not data.endswith(b"\n"))
        return block

    def _decode(self, raw: bytes) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            offset = self._offset + self._position + error.start
            raise NotText(
                f"{self.name}: byte 0x{raw[error.start]:02x} at offset {offset:,} is not UTF-8. "
                "Save the file as UTF-8 (not Latin-1 or Windows-1252) and upload it again."
            ) from error

    def _fill(self, wanted: int) -> bool:
        """Append about `wanted` bytes of text to the buffer; False where the file has ended."""
        if self._ended:
            return False
        pieces = [self._buffer[self._position :]]
        self._offset += self._position
        self._position = 0
        size = 0
        while size < wanted:
            piece = self._read(min(wanted, _READ_BYTES))
            if not piece:
                self._ended = True
                break
            pieces.append(piece)
            size += len(piece)
        self._buffer = b"".join(pieces)
        if self._total == 0 and self._buffer.startswith(UTF8_BYTE_ORDER_MARK):
            self._position = len(UTF8_BYTE_ORDER_MARK)
        self._total += size
        if self._total > self._limit:
            raise TooLarge(f"{self.name}: the text is longer than {self._limit:,} bytes. Upload it in parts.")
        if len(self._buffer) > _LONGEST_LINE_BYTES and b"\n" not in self._buffer:
            raise TooLarge(f"{self.name}: line {self.line_number + 1} is longer than {_LONGEST_LINE_BYTES:,} bytes.")
        return size > 0

    def _read(self, count: int) -> bytes:
        """Return the next piece of decompressed text, at most `count` bytes; empty at the end."""
        if not self._compressed:
            return self._file.read(count)
        while True:
            if not self._raw:
                self._raw = self._file.read(_READ_BYTES)
                if not self._raw:
                    if self._inflate.eof:
                        return b""
                    raise Truncated(f"{self.name}: the gzip data ends before its end mark. Upload the file again.")
            if self._inflate.eof:
                # A gzip file may be several members in a row (bgzip), with zeros as padding after the last.
                self._raw = self._raw.lstrip(b"\0")
                if not self._raw:
                    continue
                self._inflate = isal_zlib.decompressobj(wbits=_GZIP_WINDOW)
            try:
                piece = self._inflate.decompress(self._raw, count)
            except _DAMAGED as error:
                raise MalformedFile(damaged_gzip(self.name, error)) from error
            self._raw = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
            if piece:
                return piece


def damaged_gzip(name: str, error: Exception) -> str:
    """Return the message for gzip data that cannot be decompressed."""
    return f"{name}: the gzip data is damaged ({error}). Upload the file again."


def identifier(text: str) -> str:
    """Return an identifier as it is stored: without surrounding blanks and in Unicode's composed form (NFC)."""
    text = text.strip()
    return text if text.isascii() else unicodedata.normalize("NFC", text)
