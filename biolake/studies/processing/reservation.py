"""Memory that processes on one machine have promised each other: runs that do not know of one another never swap.

A reservation is a file that its holder keeps locked; the kernel unlocks it when the holder dies, however it dies, so
nothing is ever left over. Who asked first gets first.
"""

import fcntl
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from biolake.studies.errors import StudyError

_POLL_SECONDS = 0.25


class MemoryNotFree(StudyError):
    """Others have held the machine's memory for longer than the caller would wait."""

    transient = True


@dataclass(frozen=True)
class Reservations:
    """A machine's budget of memory.

    Attributes:
        folder: Where reservations are, on this machine's own disk; the same for all who share the budget.
        memory_budget: Bytes that all reservations together may hold.
        wait_seconds: How long one waits for memory before it gives up.
    """

    folder: Path
    memory_budget: int
    wait_seconds: float = 24 * 3600.0

    @contextmanager
    def reserve(self, memory_bytes: int) -> Iterator[None]:
        """Hold `memory_bytes`, waiting until they are free.

        Raises:
            MemoryNotFree: They are more than the budget, or were not free in time.
        """
        if memory_bytes > self.memory_budget:
            raise MemoryNotFree(
                f"{memory_bytes / 2**30:.1f} GiB are asked for, the machine's budget is "
                f"{self.memory_budget / 2**30:.1f} GiB. Run on a larger machine."
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + self.wait_seconds
        with ExitStack() as stack:
            # Nobody may look between the making of the file and its lock: it would be taken for a dead one's.
            with self._alone():
                # Names sort by the time of asking.
                path = self.folder / f"{time.time_ns():020d}-{os.getpid()}-{uuid.uuid4().hex[:6]}.asking"
                file = stack.enter_context(path.open("x+"))
                fcntl.flock(file, fcntl.LOCK_EX)
                file.write(str(memory_bytes))
                file.flush()
            held = path.with_suffix(".held")
            try:
                while not self._granted(path, held, memory_bytes):
                    if time.monotonic() > deadline:
                        raise MemoryNotFree(
                            f"{memory_bytes / 2**30:.1f} GiB were not free within {self.wait_seconds:.0f} s. "
                            f"Look at who holds reservations in {self.folder}."
                        )
                    time.sleep(_POLL_SECONDS)
                yield
            finally:
                path.unlink(missing_ok=True)
                held.unlink(missing_ok=True)

    @property
    def held_bytes(self) -> int:
        """What is held now."""
        with self._alone():
            return sum(self._bytes(path) for path in self._alive() if path.suffix == ".held")

    def _granted(self, path: Path, held: Path, memory_bytes: int) -> bool:
        with self._alone():
            alive = self._alive()
            if any(other.suffix == ".asking" and other.name < path.name for other in alive):
                return False
            used = sum(self._bytes(other) for other in alive if other.suffix == ".held")
            if used + memory_bytes > self.memory_budget:
                return False
            path.rename(held)
            return True

    @contextmanager
    def _alone(self) -> Iterator[IO[str]]:
        with (self.folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file

    def _alive(self) -> list[Path]:
        """Return the reservations whose holders live, and remove the others."""
        alive = []
        for path in sorted((*self.folder.glob("*.asking"), *self.folder.glob("*.held"))):
            try:
                with path.open() as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink(missing_ok=True)
            except BlockingIOError:
                alive.append(path)
            except FileNotFoundError:
                continue
        return alive

    @staticmethod
    def _bytes(path: Path) -> int:
        text = path.read_text()
        return int(text) if text else 0
