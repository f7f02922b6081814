"""The asking process's side of the warm process that forks readers: starts it, asks it, replaces it, ends it.

The other side is `biolake.formats.reader_server`; what is asked for and what becomes of the answer is in
`biolake.formats.isolation`.
"""

import atexit
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

from biolake.formats.reader_process import Request
from biolake.formats.reader_server import BEGUN, LENGTH, Ending

_SECONDS_TO_START = 120.0
_SECONDS_TO_KILL = 30.0
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONHOME")


class _ReaderServer:
    """The warm process, as the asking process sees it: one socket, and one more for each request under way."""

    def __init__(self) -> None:
        self._sending = threading.Lock()
        self._control, theirs = socket.socketpair()
        package = Path(__file__).resolve().parents[2]
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-P", "-m", "biolake.formats.reader_server", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                env={
                    **{name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
                    "PYTHONPATH": str(package),
                    # One thread each: processes are what runs side by side, and a thread reserves address space.
                    "OMP_NUM_THREADS": "1",
                    "OPENBLAS_NUM_THREADS": "1",
                    "POLARS_MAX_THREADS": "1",
                    "MALLOC_ARENA_MAX": "2",
                    "ARROW_DEFAULT_MEMORY_POOL": "system",
                    # A file may name a filter; no library is loaded on its word.
                    "HDF5_PLUGIN_PRELOAD": "::",
                },
            )

    def serve(self, request: Request) -> Ending | None:
        """Have a request served and wait for its end; None where the server was ended meanwhile.

        Raises:
            ConnectionError: The server was ended before, so that nothing has begun.
        """
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                self._send(request, theirs)
            ours.settimeout(_SECONDS_TO_START + request.limits.seconds + _SECONDS_TO_KILL)
            try:
                answer = _until_closed(ours)
            except TimeoutError:
                return None
            except BaseException:
                # Interrupted: end the reader before its folder is taken away.
                ours.shutdown(socket.SHUT_WR)
                ours.settimeout(_SECONDS_TO_KILL)
                _until_closed(ours)
                raise
        if not answer:
            raise ConnectionError("the server was ended before it began")
        return Ending.model_validate_json(answer) if answer != BEGUN else None

    def _send(self, request: Request, answer_to: socket.socket) -> None:
        body = request.model_dump_json().encode()
        with self._sending:
            socket.send_fds(self._control, [LENGTH.pack(len(body))], [answer_to.fileno()])
            self._control.sendall(body)

    @property
    def process(self) -> int:
        """The process's number."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def close(self, *, kill: bool = False) -> None:
        """End the process and what it started; with `kill`, one that may no longer listen."""
        self._control.close()
        if kill:
            self._process.kill()
        try:
            self._process.wait(_SECONDS_TO_KILL)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def forget(self) -> None:
        """Let go of a server that belongs to the process this one was forked from."""
        self._control.close()
        self._process.returncode = 0  # it is the other process's to wait for


_server: _ReaderServer | None = None
_starting = threading.Lock()


def serve(request: Request) -> Ending | None:
    """Have a request served by the warm process, started where it does not run yet, and wait for its end.

    Returns:
        How the reader's process ended; None where the warm process itself was ended meanwhile.
    """
    server = _the_server()
    try:
        ending = server.serve(request)
    except ConnectionError:
        _discard(server)
        server = _the_server()
        ending = server.serve(request)
    if ending is None:
        _discard(server)
    return ending


def _discard(server: _ReaderServer) -> None:
    global _server
    with _starting:
        if _server is server:
            _server = None
        server.close(kill=True)


def _the_server() -> _ReaderServer:
    global _server
    with _starting:
        if _server is not None and not _server.alive():
            _server.close()
            _server = None
        if _server is None:
            _server = _ReaderServer()
        return _server


def server_process() -> int:
    """Return the number of the warm process, started where it does not run yet."""
    return _the_server().process


def _until_closed(connection: socket.socket) -> bytes:
    pieces = bytearray()
    while piece := connection.recv(4096):
        pieces += piece
    return bytes(pieces)


def _forget_server() -> None:
    global _server, _starting
    _starting = threading.Lock()
    if _server is not None:
        _server.forget()
        _server = None


def close() -> None:
    """End the warm process; the next reading starts another one."""
    global _server
    with _starting:
        if _server is not None:
            _server.close()
            _server = None


os.register_at_fork(after_in_child=_forget_server)
atexit.register(close)
