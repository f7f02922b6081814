"""Starts, asks and ends the sandboxed processes that run statements (`sandbox`, `worker`); lends them one at a time.

A process stays alive between statements. One that dies, hangs or runs out of memory is replaced.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from biolake.sql import errors
from biolake.sql.models import Limits
from biolake.sql.sandbox import Walls
from biolake.sql.wire import (
    MISSING_FILE,
    ConnectionClosed,
    Failed,
    Inspect,
    Inspected,
    Message,
    Ready,
    receive,
    send,
)

_START_SECONDS = 60.0


class Worker:
    """One sandboxed process and the socket to it. Used by one thread at a time."""

    def __init__(self, limits: Limits, folders: Sequence[Path]) -> None:
        self._walls = Walls(
            [str(folder) for folder in folders],
            limits.memory_bytes,
            limits.threads,
            limits.characters,
            limits.nesting,
            limits.matrix_columns,
        )
        self._start()

    def _start(self) -> None:
        self._ready: Ready | None = None
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._connection, theirs = socket.socketpair()
        # Only what Python needs: no credentials of the parent's reach the statements' process.
        environment = {
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "HOME": "/nonexistent",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            # The address space is capped: allocators must not reserve it ahead.
            "MALLOC_ARENA_MAX": "2",
            "OPENBLAS_NUM_THREADS": "1",
            "ARROW_DEFAULT_MEMORY_POOL": "system",
        }
        walls = json.dumps(asdict(self._walls))
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-m", "biolake.sql.sandbox", str(theirs.fileno()), walls],
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._complaints,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def restart(self) -> None:
        """End the process and start another one."""
        self.end()
        self._start()

    @property
    def process_id(self) -> int:
        """The operating system's number of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def ready(self) -> Ready:
        """Wait for the process to have started and return which walls stand around it."""
        if self._ready is None:
            message, _ = self._receive(time.monotonic() + _START_SECONDS)
            assert isinstance(message, Ready), message
            self._ready = message
        return self._ready

    def ask(self, message: Message, deadline: float, payload: bytes = b"") -> tuple[Message, memoryview]:
        """Send a request and return the reply.

        Raises:
            QueryTimedOut: There was none before `deadline` (`time.monotonic()`); the process is ended.
            QueryProcessDied: The process ended.
        """
        self.ready()
        try:
            self._connection.settimeout(max(0.001, deadline - time.monotonic()))
            send(self._connection, message, payload)
        except TimeoutError as error:
            self.end()
            raise errors.QueryTimedOut("the statement's process did not listen in time. Try again.") from error
        except OSError as error:
            raise self._died() from error
        return self._receive(deadline)

    def _receive(self, deadline: float) -> tuple[Message, memoryview]:
        try:
            return receive(self._connection, deadline)
        except TimeoutError as error:
            self.end()
            raise errors.QueryTimedOut(
                "no answer in time. Select less, filter by feature_id or dataset_id, or ask for more time."
            ) from error
        except (ConnectionClosed, OSError, ValueError, KeyError, TypeError) as error:
            raise self._died() from error

    def _died(self) -> errors.QueryProcessDied:
        self._process.kill()
        code = self._process.wait()
        self._complaints.seek(0)
        last = self._complaints.read().decode(errors="replace").strip().splitlines()[-1:]
        self.end()
        why = f" ({last[0][:200]})" if last else ""
        return errors.QueryProcessDied(
            f"the statement's process ended with code {code}{why}. The statement asks for more "
            "memory or processor time than it may have; select less."
        )

    def end(self) -> None:
        """End the process now."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._connection.close()
        self._complaints.close()


def inspect(worker: Worker, sql: str, deadline: float) -> Inspected:
    """Return what a statement names.

    Raises:
        SqlError: The subclass that says why it may not run.
    """
    try:
        reply, _ = worker.ask(Inspect(sql), deadline)
    except errors.QueryProcessDied:
        # It died between statements, which is nobody's fault here: one new process may try.
        worker.restart()
        reply, _ = worker.ask(Inspect(sql), deadline)
    inspected = accepted(reply)
    assert isinstance(inspected, Inspected), inspected
    return inspected


def accepted(reply: Message) -> Message:
    """Return a reply that is none of failure.

    Raises:
        SqlError: The subclass that the reply names.
    """
    if not isinstance(reply, Failed):
        return reply
    if reply.error == MISSING_FILE:
        raise errors.LakeFileMissing(f"a file of the lake could not be read: {reply.message}. Verify the lake.")
    kind = getattr(errors, reply.error, errors.InvalidStatement)
    raise kind(reply.message, reply.position)


class WorkerPool:
    """At most `limits.processes` processes, lent out one at a time; one is started ahead of the first statement."""

    def __init__(self, limits: Limits, folders: Sequence[Path]) -> None:
        self._limits = limits
        self._folders = tuple(folders)
        self._free = threading.Semaphore(limits.processes)
        self._lock = threading.Lock()
        self._closed = False
        self._idle = [self._start()]

    @contextmanager
    def lend(self, deadline: float) -> Iterator[Worker]:
        """Lend a process until the block ends.

        Raises:
            EngineBusy: None was free before `deadline`.
        """
        if not self._free.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise errors.EngineBusy(
                f"all {self._limits.processes} processes were at work. Try again, or give the engine more."
            )
        try:
            with self._lock:
                if self._closed:
                    raise errors.EngineClosed("the engine was closed. Open a new one.")
                worker = self._idle.pop() if self._idle else None
            if worker is not None and not worker.alive:
                worker.end()
                worker = None
            worker = worker or self._start()
            try:
                yield worker
            except errors.QueryTooLarge:
                worker.end()
                raise
            finally:
                self._take_back(worker)
        finally:
            self._free.release()

    def _take_back(self, worker: Worker) -> None:
        with self._lock:
            if self._closed:
                worker.end()
            else:
                self._idle.append(worker if worker.alive else self._start())

    def _start(self) -> Worker:
        return Worker(self._limits, self._folders)

    def process_ids(self) -> list[int]:
        """Return the numbers of the processes that wait for statements."""
        with self._lock:
            return [worker.process_id for worker in self._idle]

    def close(self) -> None:
        """End all processes; those lent out end when they come back."""
        with self._lock:
            self._closed = True
            while self._idle:
                self._idle.pop().end()
