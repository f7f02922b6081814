"""How the engine and its sandboxed process talk: length-prefixed JSON, with Arrow beside it. Never pickle.

The messages' meaning is in `worker` (which answers) and `process` (which asks).
"""

import base64
import json
import socket
import struct
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

_PREFIX = struct.Struct("<QQ")


@dataclass(frozen=True)
class TableReference:
    """A table that a statement names: the parts of its name, and where."""

    path: tuple[str, ...]
    position: int


@dataclass(frozen=True)
class SearchCall:
    """A use of `search()` in a statement: the text (or the parameter that gives it), its options, and where."""

    text: str | None
    parameter: str | None
    options: dict[str, str | int]
    position: int


@dataclass(frozen=True)
class TableSnapshot:
    """One version of a Delta table: the local files that hold it and its Arrow schema (IPC bytes, base64)."""

    name: str
    token: str
    files: tuple[str, ...]
    schema: str


@dataclass(frozen=True)
class RepositorySnapshot:
    """Tables of a repository that belong together: `datasets` was opened first."""

    repository: str
    tables: tuple[TableSnapshot, ...]


@dataclass(frozen=True)
class MatrixReference:
    """A dataset's matrix that a statement names: `data_matrices.<name>`."""

    name: str
    repository: str
    dataset_id: str
    position: int


@dataclass(frozen=True)
class Inspect:
    """Ask what a statement names, without running it."""

    sql: str


@dataclass(frozen=True)
class Inspected:
    """What a statement names."""

    tables: tuple[TableReference, ...]
    searches: tuple[SearchCall, ...]


@dataclass(frozen=True)
class Execute:
    """Ask for the rows of a statement, over these snapshots. The payload holds the searches' Arrow streams in order."""

    sql: str
    parameters: Any
    seconds: float
    max_rows: int
    max_bytes: int
    snapshots: tuple[RepositorySnapshot, ...]
    matrices: tuple[MatrixReference, ...]
    search_lengths: tuple[int, ...] = ()


@dataclass(frozen=True)
class MatrixColumns:
    """A dataset's matrix that a statement names, and the samples that are its columns."""

    name: str
    samples: tuple[str, ...]


@dataclass(frozen=True)
class Bind:
    """Ask what a statement gives over tables with these columns, and for its text with `mark` where engines differ."""

    sql: str
    parameters: Any
    seconds: float
    snapshots: tuple[RepositorySnapshot, ...]
    matrices: tuple[MatrixColumns, ...]
    mark: str


@dataclass(frozen=True)
class Bound:
    """A statement's columns and its marked text.

    Attributes:
        names: The columns' names.
        types: Their SQL types.
        schema: Their Arrow types: IPC bytes in base64.
        marked: The text; DuckDB's own where `translated`, else the user's.
        mark: What marked names begin with.
    """

    names: tuple[str, ...]
    types: tuple[str, ...]
    schema: str
    marked: str
    mark: str
    translated: bool


@dataclass(frozen=True)
class Executed:
    """A statement's answer; the payload is its Arrow stream."""

    types: tuple[str, ...]
    truncated: bool
    scanned_bytes: int | None


@dataclass(frozen=True)
class Failed:
    """Why there is no answer: the name of a class in `errors`, or `MISSING_FILE` when a snapshot's file is gone."""

    error: str
    message: str
    position: int | None = None


@dataclass(frozen=True)
class Ready:
    """The process's first word: which walls stand around it."""

    network_namespace: bool


Message = Inspect | Inspected | Execute | Executed | Bind | Bound | Failed | Ready
_KINDS: dict[str, type] = {
    kind.__name__: kind for kind in (Inspect, Inspected, Execute, Executed, Bind, Bound, Failed, Ready)
}
MISSING_FILE = "MISSING_FILE"


@dataclass
class ConnectionClosed(Exception):
    """The other side is gone."""

    detail: str = field(default="the connection was closed")


def encoded_schema(schema: "pa.Schema") -> str:
    """Return an Arrow schema as text."""
    return base64.b64encode(schema.serialize().to_pybytes()).decode()


def decoded_schema(text: str) -> "pa.Schema":
    """Return the Arrow schema that `encoded_schema` wrote."""
    import pyarrow as pa

    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))


def _tables(document: list[dict[str, Any]]) -> tuple[TableSnapshot, ...]:
    return tuple(TableSnapshot(d["name"], d["token"], tuple(d["files"]), d["schema"]) for d in document)


def _decode(kind: str, document: dict[str, Any]) -> Message:
    if kind == "Inspected":
        return Inspected(
            tuple(TableReference(tuple(d["path"]), d["position"]) for d in document["tables"]),
            tuple(SearchCall(**d) for d in document["searches"]),
        )
    if kind in ("Execute", "Bind"):
        document["snapshots"] = tuple(
            RepositorySnapshot(d["repository"], _tables(d["tables"])) for d in document["snapshots"]
        )
    if kind == "Bound":
        document["names"], document["types"] = tuple(document["names"]), tuple(document["types"])
    if kind == "Bind":
        document["matrices"] = tuple(MatrixColumns(d["name"], tuple(d["samples"])) for d in document["matrices"])
    elif kind == "Execute":
        document["matrices"] = tuple(MatrixReference(**d) for d in document["matrices"])
        document["search_lengths"] = tuple(document["search_lengths"])
    if kind == "Executed":
        document["types"] = tuple(document["types"])
    return _KINDS[kind](**document)


def send(connection: socket.socket, message: Message, payload: bytes | memoryview = b"") -> None:
    """Write one message and its payload."""
    header = json.dumps({"kind": type(message).__name__, "message": asdict(message)}).encode()
    connection.sendall(_PREFIX.pack(len(header), len(payload)) + header)
    if len(payload):
        connection.sendall(payload)


def _read(connection: socket.socket, size: int, deadline: float | None) -> bytearray:
    buffer = bytearray(size)
    view, filled = memoryview(buffer), 0
    while filled < size:
        if deadline is not None:
            connection.settimeout(max(0.001, deadline - time.monotonic()))
        received = connection.recv_into(view[filled:], min(size - filled, 1 << 22))
        if received == 0:
            raise ConnectionClosed
        filled += received
    return buffer


def receive(
    connection: socket.socket, deadline: float | None = None, largest: int = 1 << 34
) -> tuple[Message, memoryview]:
    """Read one message and its payload.

    Args:
        connection: The socket.
        deadline: `time.monotonic()` until which to wait.
        largest: Bytes above which the other side is taken for broken.

    Raises:
        ConnectionClosed: The other side is gone or does not keep to the format.
        TimeoutError: The deadline passed.
    """
    header_size, payload_size = _PREFIX.unpack(bytes(_read(connection, _PREFIX.size, deadline)))
    if header_size + payload_size > largest:
        raise ConnectionClosed(f"a message of {header_size + payload_size} bytes was announced")
    document = json.loads(bytes(_read(connection, header_size, deadline)))
    payload = _read(connection, payload_size, deadline)
    return _decode(document["kind"], document["message"]), memoryview(payload)
