"""Keep a few child processes running together: restart one that dies, stop all with the parent."""

import ctypes
import logging
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from biolake.errors import BiolakeError

_LOG = logging.getLogger(__name__)

_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of <linux/prctl.h>
_STOP_SECONDS = 20.0
_FAST_DEATH_SECONDS = 10.0
_MOST_FAST_DEATHS = 5


class ProcessKeepsDying(BiolakeError):
    """A process of the deployment dies as soon as it is started."""


@dataclass
class Child:
    """A command, where its output goes, and its present process.

    Attributes:
        works_through_child: The process only passes requests on to a child of its own and does not start that anew when
            it dies, as `dagster code-server` does: it is then started again as a whole.
        had_child: Whether the present process has had such a child.
    """

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    log: Path
    works_through_child: bool = False
    had_child: bool = False
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    fast_deaths: int = 0


@dataclass
class Supervisor:
    """Children that live and end together."""

    children: list[Child]
    _stop: bool = field(default=False, init=False)

    def run(self, ready: Callable[[], None]) -> None:
        """Start all children and keep them alive until SIGINT or SIGTERM.

        Args:
            ready: Called once after the start; waits until the deployment answers, and says so.

        Raises:
            ProcessKeepsDying: A child died too often right after its start; the others are stopped.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask_to_stop)
        try:
            for child in self.children:
                self._start(child)
            ready()
            while not self._stop:
                self.check()
                time.sleep(0.5)
        finally:
            self._stop_all()

    @property
    def stopping(self) -> bool:
        """Whether the end was asked for."""
        return self._stop

    def check(self) -> None:
        """Revive what died; for use while waiting."""
        for child in self.children:
            self._end_if_hollow(child)
            self._revive(child)

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop = True

    def _start(self, child: Child) -> None:
        child.log.parent.mkdir(parents=True, exist_ok=True)
        with child.log.open("ab") as log:
            child.process = subprocess.Popen(  # noqa: S603 - our own commands
                child.command,
                env=child.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_end_with_parent,
            )
        child.started = time.monotonic()
        child.had_child = False

    def _end_if_hollow(self, child: Child) -> None:
        if not child.works_through_child or child.process is None or child.process.poll() is not None:
            return
        if _has_living_child(child.process.pid):
            child.had_child = True
        elif child.had_child and not self._stop:
            _LOG.warning("%s lost the process that does its work", child.name)
            child.process.kill()
            child.process.wait()

    def _revive(self, child: Child) -> None:
        if self._stop or child.process is None or child.process.poll() is None:
            return
        code = child.process.returncode
        child.fast_deaths = child.fast_deaths + 1 if time.monotonic() - child.started < _FAST_DEATH_SECONDS else 0
        if child.fast_deaths >= _MOST_FAST_DEATHS:
            raise ProcessKeepsDying(
                f"{child.name} ended {_MOST_FAST_DEATHS} times right after its start (exit code {code}). See "
                f"{child.log}."
            )
        _LOG.warning("%s ended with exit code %s and is started again", child.name, code)
        self._start(child)

    def _stop_all(self) -> None:
        alive = [child for child in self.children if child.process is not None and child.process.poll() is None]
        for child in alive:
            assert child.process is not None
            child.process.terminate()
        deadline = time.monotonic() + _STOP_SECONDS
        for child in alive:
            assert child.process is not None
            try:
                child.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()


def children_of(pid: int) -> list[int]:
    """Return the process ids of a process's children; of one that ended, none."""
    found: list[int] = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # a thread may end between the two looks
            found += map(int, listing.read_text().split())
    return found


def _has_living_child(pid: int) -> bool:
    return any(map(_is_alive, children_of(pid)))


def _is_alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def _end_with_parent() -> None:
    """Have the kernel end this process when its parent dies, also by SIGKILL."""
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM)
