"""A warm process with the readers imported, which forks one process per file and tells how each ended.

Run as `python -P -m biolake.formats.reader_server DESCRIPTOR` by `biolake.formats.isolation`, never by hand. It is no
`multiprocessing` forkserver as that one is shared by all code of a process and imports its `__main__` anew; this one
knows neither `__main__` nor the environment, where secrets are.
"""

import gc
import os
import selectors
import shutil
import signal
import socket
import struct
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from types import FrameType

from pydantic import BaseModel

from biolake.formats.reader_process import Request, run

LENGTH = struct.Struct("!I")
"""How a request begins: its length in bytes; the descriptor that gets the answer comes with it."""

BEGUN = b"\n"
"""What an answer begins with once the process is forked; blank before the JSON of its `Ending`."""


class Ending(BaseModel):
    """How a reader's process ended.

    Attributes:
        exit_code: What it returned, None where a signal ended it.
        signal: Number of the signal that ended it.
        out_of_time: Whether the signal was the server's, at the limit of wall time.
        peak_bytes: Most memory it held.
    """

    exit_code: int | None
    signal: int | None
    out_of_time: bool
    peak_bytes: int


@dataclass
class _Child:
    request: Request
    asker: socket.socket
    deadline: float
    out_of_time: bool = False


class _Server:
    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._children: dict[int, _Child] = {}
        self._selector = selectors.DefaultSelector()
        self._wake, wakes = socket.socketpair()
        self._wake.setblocking(False)
        wakes.setblocking(False)
        self._wakes = wakes
        signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _only_wake)
        signal.signal(signal.SIGTERM, _end)
        self._selector.register(control, selectors.EVENT_READ)
        self._selector.register(self._wake, selectors.EVENT_READ)

    def serve(self) -> None:
        """Serve until the asking process closes its end, by will or by its own death."""
        try:
            while True:
                for key, _ in self._selector.select(self._seconds_to_deadline()):
                    if key.fileobj is self._control:
                        if not self._accept():
                            return
                    elif key.fileobj is self._wake:
                        with suppress(BlockingIOError):
                            self._wake.recv(4096)
                    elif isinstance(key.data, int):
                        # The asker says nothing after its request: its end of the socket was closed.
                        _kill(key.data)
                        self._selector.unregister(key.fileobj)
                self._end_overdue()
                self._reap()
        finally:
            for pid, child in self._children.items():
                _kill(pid)
                os.waitpid(pid, 0)
                shutil.rmtree(child.request.folder, ignore_errors=True)

    def _accept(self) -> bool:
        header, descriptors, _, _ = socket.recv_fds(self._control, LENGTH.size, 1)
        if not header:
            return False
        asker = socket.socket(fileno=descriptors[0])
        header += self._receive(LENGTH.size - len(header))
        request = Request.model_validate_json(self._receive(LENGTH.unpack(header)[0]))
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            run(request)
        with suppress(PermissionError, ProcessLookupError):  # the child does the same, whoever is first
            os.setpgid(pid, pid)
        self._children[pid] = _Child(request, asker, time.monotonic() + request.limits.seconds)
        self._selector.register(asker, selectors.EVENT_READ, pid)
        with suppress(BrokenPipeError, ConnectionResetError):  # the asker may have gone away
            asker.sendall(BEGUN)
        return True

    def _receive(self, count: int) -> bytes:
        pieces = bytearray()
        while len(pieces) < count:
            piece = self._control.recv(count - len(pieces))
            if not piece:
                raise EOFError("the asking process ended in the middle of a request")
            pieces += piece
        return bytes(pieces)

    def _seconds_to_deadline(self) -> float | None:
        deadlines = [child.deadline for child in self._children.values() if not child.out_of_time]
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _end_overdue(self) -> None:
        now = time.monotonic()
        for pid, child in self._children.items():
            if now >= child.deadline and not child.out_of_time:
                child.out_of_time = True
                _kill(pid)

    def _reap(self) -> None:
        for pid in list(self._children):
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            _kill(pid)  # what it may have started itself; it keeps its group's number until it is waited for
            _, status, usage = os.wait4(pid, 0)
            child = self._children.pop(pid)
            code = os.waitstatus_to_exitcode(status)
            ending = Ending(
                exit_code=code if code >= 0 else None,
                signal=-code if code < 0 else None,
                out_of_time=child.out_of_time,
                peak_bytes=usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
            )
            with suppress(KeyError):
                self._selector.unregister(child.asker)
            with suppress(BrokenPipeError, ConnectionResetError):  # the asker may have gone away
                child.asker.sendall(ending.model_dump_json().encode())
            child.asker.close()


def _kill(pid: int) -> None:
    for kill in (os.killpg, os.kill):
        with suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def _only_wake(_signal: int, _frame: FrameType | None) -> None:
    """Leave the work to the loop: a signal without a handler would not wake it."""


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def main() -> None:
    """Import the readers, then serve on the socket whose descriptor is the first argument."""
    from biolake.formats.registry import formats

    for module in ("biolake.formats.handover", "biolake.formats.hdf5", *(f.read.__module__ for f in formats())):
        import_module(module)
    # Objects that are never freed again stay in pages that forked processes share.
    gc.collect()
    gc.freeze()
    _Server(socket.socket(fileno=int(sys.argv[1]))).serve()


if __name__ == "__main__":
    main()
