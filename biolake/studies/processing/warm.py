"""A runtime's warm parent process, seen from the platform: start it, hand it work, hear how each process ended.

The parent itself is `worker/serve.py`. What an ending means is decided in `runner.py`.
"""

import json
import subprocess
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from biolake.studies.errors import StudyError
from biolake.studies.runtimes import PATCHES, Runtime

_START_SECONDS = 300.0
_START = "import sys; sys.path.append(sys.argv[1]); from worker.serve import main; main(sys.argv[3:], sys.argv[2])"


class RuntimeBroken(StudyError):
    """A runtime's process did not start, is not what its lock says, or died."""

    transient = True


@dataclass(frozen=True)
class Ending:
    """How a recording's process ended.

    Attributes:
        exit: Its exit code, None where a signal ended it.
        signal: The signal, None where it ended itself.
        timed_out: Whether the parent ended it because its time was over.
        wall_seconds: From fork to end.
        cpu_seconds: User and system.
        peak_bytes: Largest resident memory.
    """

    exit: int | None
    signal: int | None
    timed_out: bool
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


class WarmRuntime:
    """A context in which a runtime has imported SKDH and forks a process for every job.

    Raises:
        RuntimeBroken: On entering: the process does not start, or its versions, BLAS kernels or patches are not those
            of the runtime.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.described: Mapping[str, Any] = {}
        self._process: subprocess.Popen[str] | None = None
        self._jobs: dict[str, Future[Ending]] = {}
        self._lock = threading.Lock()
        self._gone = False
        self._ready: Future[dict[str, Any]] = Future()

    def __enter__(self) -> Self:
        here = str(Path(__file__).parent)
        self._process = subprocess.Popen(  # noqa: S603 - the runtime's own interpreter, a fixed script
            [str(self.runtime.python), "-I", "-c", _START, here, str(PATCHES), *self.runtime.patches],
            env=self.runtime.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            # A key pressed in the terminal must not end recordings before their outcomes are written.
            start_new_session=True,
        )
        threading.Thread(target=self._listen, daemon=True, name=f"listen-{self.runtime.name}").start()
        try:
            self.described = self._ready.result(timeout=_START_SECONDS)
            self._compare()
        except BaseException as error:
            self.close()
            if isinstance(error, TimeoutError):
                text = (
                    f"runtime {self.runtime.name}: not ready within {_START_SECONDS:g} s. Look at the machine's load."
                )
                raise RuntimeBroken(text) from error
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """Whether the parent runs."""
        # A killed process is known by its closed pipe before the kernel lets it be waited for.
        return not self._gone and self._process is not None and self._process.poll() is None

    def submit(self, job: str, command: Mapping[str, Any]) -> Future[Ending]:
        """Start a process for `command`; the future is its ending, or `RuntimeBroken` where the parent died."""
        future: Future[Ending] = Future()
        with self._lock:
            if not self.alive or self._process is None or self._process.stdin is None:
                future.set_exception(self._broken("its process is not running"))
                return future
            self._jobs[job] = future
            try:
                self._process.stdin.write(json.dumps({**command, "job": job}) + "\n")
                self._process.stdin.flush()
            except OSError:
                self._gone = True
                del self._jobs[job]
                future.set_exception(self._broken("its process died"))
        return future

    def close(self) -> None:
        """End the parent and whatever it still runs."""
        process = self._process
        if process is None:
            return
        with self._lock:
            if process.stdin is not None and not process.stdin.closed:
                try:
                    process.stdin.close()
                except BrokenPipeError:
                    process.kill()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _listen(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            event = json.loads(line)
            if event["event"] == "ready":
                self._ready.set_result(event)
            elif event["event"] == "broken":
                self._ready.set_exception(self._broken(event["reason"]))
            elif event["event"] == "ended":
                with self._lock:
                    future = self._jobs.pop(event["job"])
                fields = {name: event[name] for name in Ending.__dataclass_fields__}
                future.set_result(Ending(**fields))
        if not self._ready.done():
            self._ready.set_exception(self._broken("its process ended before it was ready"))
        with self._lock:
            self._gone = True
            left, self._jobs = self._jobs, {}
        for future in left.values():
            future.set_exception(self._broken("its process died"))

    def _compare(self) -> None:
        wanted, found = self.runtime, self.described
        if found["skdh"] != wanted.skdh_version or found["python"] != wanted.specification.python:
            raise self._broken(f"it has SKDH {found['skdh']} on Python {found['python']}")
        kernels = [kind for kind in found["blas_core_types"] if kind]
        if any(kind.lower() != wanted.blas_core_type.lower() for kind in kernels):
            raise self._broken(
                f"its BLAS uses kernels for {', '.join(kernels)} instead of {wanted.blas_core_type}: "
                "this machine's CPU cannot run those"
            )
        applied = tuple(patch["name"] for patch in found["patches"])
        if applied != wanted.patches:
            raise self._broken(f"its patches are {applied}")

    def _broken(self, what: str) -> RuntimeBroken:
        return RuntimeBroken(
            f"runtime {self.runtime.name}: {what}. Delete its folder in the cache so that it is built anew, or run on "
            "another machine."
        )
