"""Reading what is wanted from an Avro document and skipping the rest, arrays without decoding their items.

Only what a pre-scan needs: one record, no writing, no schema resolution. SKDH reads the samples with the `avro`
package, at seconds per file. Specification: https://avro.apache.org/docs/1.11.1/specification/
"""

import json
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from biolake.errors import BiolakeError

_MOST_BYTES = 512 * 1024**2
_FIXED = {"float": 4, "double": 8, "boolean": 1}


class UnreadableAvro(BiolakeError):
    """The bytes break Avro's rules, or end too early."""


@dataclass(frozen=True)
class SkippedArray:
    """An array whose items were not decoded.

    Attributes:
        items: How many there are.
    """

    items: int


@dataclass
class _Cursor:
    data: bytes
    at: int = 0

    def take(self, count: int) -> bytes:
        if count < 0 or self.at + count > len(self.data):
            raise UnreadableAvro(f"the document ends early, {self.at} bytes in")
        self.at += count
        return self.data[self.at - count : self.at]

    def long(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return (value >> 1) ^ -(value & 1)
            shift += 7
            if shift > 63:
                raise UnreadableAvro(f"a number of more than 64 bits, {self.at} bytes in")

    def skip_longs(self, count: int) -> None:
        """Pass `count` variable-length numbers: each ends with the first byte that has no high bit."""
        while count > 0:
            # Two bytes per number is usual for samples; more are asked for where that was too few.
            window = np.frombuffer(self.data, np.uint8, min(4 * count + 16, len(self.data) - self.at), self.at)
            ends = np.flatnonzero(window < 0x80)[:count]
            if not len(ends):
                raise UnreadableAvro(f"the document ends early, {self.at} bytes in")
            count -= len(ends)
            self.at += int(ends[-1]) + 1


def first_record(content: bytes) -> tuple[str, Any]:
    """Return the full name of a document's schema and its first record; arrays come as :class:`SkippedArray`.

    Raises:
        UnreadableAvro: The document is cut off or breaks a rule.
    """
    cursor = _Cursor(content, 4)
    metadata: dict[str, bytes] = {}
    while count := cursor.long():
        if count < 0:
            count = -count
            cursor.long()
        if count > 1000:
            raise UnreadableAvro("more metadata than a recording has")
        for _ in range(count):
            name = cursor.take(cursor.long()).decode("utf-8", "replace")
            metadata[name] = cursor.take(cursor.long())
    sync = cursor.take(16)
    try:
        schema = json.loads(metadata.get("avro.schema", b"null"))
    except ValueError as error:
        raise UnreadableAvro("the schema is no JSON") from error
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise UnreadableAvro("the schema is no record")
    space = schema.get("namespace")
    name = f"{space}.{schema.get('name')}" if space else str(schema.get("name"))
    if cursor.long() < 1:
        raise UnreadableAvro("the document has no record")
    block = cursor.take(cursor.long())
    if cursor.take(16) != sync:
        raise UnreadableAvro(f"the mark after the first block, at byte {cursor.at - 16}, is not the document's")
    return name, _value(_Cursor(_inflated(block, metadata.get("avro.codec", b"null"))), schema, {}, 0)


def _inflated(block: bytes, codec: bytes) -> bytes:
    if codec == b"null":
        return block
    if codec != b"deflate":
        raise UnreadableAvro(f"compressed with {codec.decode('ascii', 'replace')}, which is not supported")
    inflater = zlib.decompressobj(-15)
    try:
        data = inflater.decompress(block, _MOST_BYTES)
    except zlib.error as error:
        raise UnreadableAvro(f"a block cannot be inflated ({error})") from error
    if inflater.unconsumed_tail:
        raise UnreadableAvro(f"a block inflates to more than {_MOST_BYTES >> 20} MiB")
    return data


def _value(cursor: _Cursor, schema: Any, named: dict[str, Any], depth: int) -> Any:
    if depth > 40:
        raise UnreadableAvro("the schema is nested more than 40 deep")
    if isinstance(schema, list):
        choice = cursor.long()
        if not 0 <= choice < len(schema):
            raise UnreadableAvro(f"a union without choice {choice}")
        return _value(cursor, schema[choice], named, depth + 1)
    kind = schema["type"] if isinstance(schema, dict) and "type" in schema else schema
    if isinstance(kind, dict | list):
        return _value(cursor, kind, named, depth + 1)
    if isinstance(schema, dict) and "name" in schema and kind in {"record", "enum", "fixed"}:
        named[schema["name"].rsplit(".", 1)[-1]] = schema
    if kind == "record":
        return {field["name"]: _value(cursor, field["type"], named, depth + 1) for field in schema["fields"]}
    if kind == "array":
        return SkippedArray(_skip_array(cursor, schema["items"], named, depth))
    if kind in {"int", "long"}:
        return cursor.long()
    if kind in {"string", "bytes"}:
        text = cursor.take(cursor.long())
        return text.decode("utf-8", "replace") if kind == "string" else text
    if kind in {"float", "double"}:
        return struct.unpack("<f" if kind == "float" else "<d", cursor.take(_FIXED[kind]))[0]
    if kind == "boolean":
        return cursor.take(1) != b"\x00"
    if kind == "null":
        return None
    if kind == "enum":
        symbols = schema["symbols"]
        position = cursor.long()
        return symbols[position] if 0 <= position < len(symbols) else None
    if kind == "fixed":
        return cursor.take(int(schema["size"]))
    if kind == "map":
        return _skip_map(cursor, schema["values"], named, depth)
    known = named.get(str(kind).rsplit(".", 1)[-1])
    if known is None:
        raise UnreadableAvro(f"a type that the schema does not define: {str(kind)[:80]}")
    return _value(cursor, known, named, depth + 1)


def _skip_array(cursor: _Cursor, items: Any, named: dict[str, Any], depth: int) -> int:
    total = 0
    while count := cursor.long():
        if count < 0:
            count = -count
            cursor.take(cursor.long())
        elif items in ("int", "long"):
            cursor.skip_longs(count)
        elif isinstance(items, str) and items in _FIXED:
            cursor.take(count * _FIXED[items])
        else:
            for _ in range(count):
                _value(cursor, items, named, depth + 1)
        total += count
    return total


def _skip_map(cursor: _Cursor, values: Any, named: dict[str, Any], depth: int) -> None:
    while count := cursor.long():
        if count < 0:
            count = -count
            cursor.take(cursor.long())
            continue
        for _ in range(count):
            cursor.take(cursor.long())
            _value(cursor, values, named, depth + 1)
