"""One server as a child process: started with a log, waited for, stopped or killed, and gone with the tests."""

import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of <linux/prctl.h>
UNPRIVILEGED = 65534


class DidNotStart(Exception):
    """A server ended, or did not answer in time; the end of its log is in the message."""


class ServerProcess:
    """A command that is a server while it runs."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        ready: Callable[[], bool],
        *,
        environment: Mapping[str, str] | None = None,
        unprivileged: bool = False,
        seconds: float = 120.0,
    ) -> None:
        """Remember the command; `start` runs it.

        Args:
            command: The program and its arguments.
            log: Where its output goes.
            ready: Whether it answers.
            environment: Variables beside the tests' own.
            unprivileged: Give up root before it starts, where the tests have it.
            seconds: How long its start may take.
        """
        self._command, self._log, self._ready, self._seconds = list(command), log, ready, seconds
        self._environment = {**os.environ, **(environment or {})}
        self._give_up_root = unprivileged and os.getuid() == 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            DidNotStart: It ended, or never answered.
        """
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=self._before,
            )
        deadline = time.monotonic() + self._seconds
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(OSError):
                if self._ready():
                    return
            time.sleep(0.1)
        self.kill()
        raise DidNotStart(f"{self._command[0]}: {self._log.read_text(errors='replace')[-3000:]}")

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Ask it to end, and see to it."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def kill(self) -> None:
        """End it with SIGKILL, as a lost machine would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def restart(self) -> None:
        """Start it again after it was killed, or kill it first; what it has stored is still there."""
        self.kill()
        self.start()

    def _before(self) -> None:
        if self._give_up_root:
            os.setgroups([])
            os.setgid(UNPRIVILEGED)
            os.setuid(UNPRIVILEGED)
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def free_port() -> int:
    """Return a port on the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
