"""A warm parent: it imports SKDH once and forks a fresh process for every recording that it is told to run.

It reads one JSON object per line from its input and writes one per line to its output; it ends, and ends its children,
when its input closes. What a child does is in `run.py`.
"""

import ctypes
import gc
import json
import os
import resource
import select
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from typing import Any

from .run import run

_PDEATHSIG = 1
_GRACE_SECONDS = 2.0


@dataclass
class _Child:
    job: str
    started: float
    deadline: float
    timed_out: bool = False


def main(patches: list[str], patch_folder: str) -> None:
    """Serve until the input closes."""
    # Libraries may print: what they print must not get between the lines that the platform reads.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def answer(**event: Any) -> None:
        answers.write(json.dumps(event) + "\n")

    try:
        described = _warm(patches, patch_folder)
    except BaseException as error:
        answer(event="broken", reason=f"{type(error).__name__}: {error}", traceback=traceback.format_exc()[-4000:])
        raise
    answer(event="ready", **described)

    awake, wake = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(awake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    # What is alive now is never collected, so that a collection in a child does not copy the parent's memory.
    gc.collect()
    gc.freeze()

    children: dict[int, _Child] = {}
    pending = b""
    try:
        while True:
            now = time.monotonic()
            nearest = min((child.deadline for child in children.values()), default=now + 3600)
            readable, _, _ = select.select([0, awake], [], [], max(0.0, nearest - now))
            if awake in readable:
                os.read(awake, 4096)
            _reap(children, answer)
            _end_late(children)
            if 0 in readable:
                piece = os.read(0, 65_536)
                if not piece:
                    return
                pending += piece
                *lines, pending = pending.split(b"\n")
                for line in lines:
                    _obey(json.loads(line), children, answer)
    finally:
        for pid in children:
            _kill(pid)
            os.waitpid(pid, 0)


def _warm(patches: list[str], patch_folder: str) -> dict[str, Any]:
    import numpy
    import skdh
    import threadpoolctl

    applied = []
    if patches:
        sys.path.append(patch_folder)
        for name in patches:
            applied.append({"name": name, **__import__(name).apply()})
    blas = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
    return {
        "python": sys.version.split()[0],
        "skdh": skdh.__version__,
        "numpy": numpy.__version__,
        "blas": [f"{pool['internal_api']} {pool['version']}" for pool in blas],
        "blas_core_types": sorted({str(pool.get("architecture", "")) for pool in blas}),
        "threads": max((int(pool["num_threads"]) for pool in blas), default=1),
        "patches": applied,
        "pid": os.getpid(),
        "memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def _obey(command: dict[str, Any], children: dict[int, _Child], answer: Any) -> None:
    pid = os.fork()
    if pid == 0:
        _become_child(command)
    now = time.monotonic()
    children[pid] = _Child(command["job"], now, now + float(command["limits"]["wall_seconds"]))
    answer(event="started", job=command["job"], pid=pid)


def _become_child(command: dict[str, Any]) -> None:
    """Turn this fork into the process of one recording; never returns."""
    status = 70
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
        log = os.open(os.path.join(command["folder"], "log.txt"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.closerange(3, 256)
        _limit(command["limits"])
        run(command)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _limit(limits: dict[str, Any]) -> None:
    with open("/proc/self/statm") as file:
        mapped = int(file.read().split()[0]) * resource.getpagesize()
    for kind, value in (
        (resource.RLIMIT_AS, mapped + int(limits["memory_bytes"])),
        (resource.RLIMIT_FSIZE, int(limits["written_bytes"])),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))
    cpu = int(limits["cpu_seconds"]) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 2))


def _reap(children: dict[int, _Child], answer: Any) -> None:
    for pid in list(children):
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            child = children.pop(pid)
            answer(
                event="ended",
                job=child.job,
                exit=os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
                signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
                timed_out=child.timed_out,
                wall_seconds=time.monotonic() - child.started,
                cpu_seconds=usage.ru_utime + usage.ru_stime,
                peak_bytes=usage.ru_maxrss * 1024,
            )


def _end_late(children: dict[int, _Child]) -> None:
    now = time.monotonic()
    for pid, child in children.items():
        if now >= child.deadline:
            child.timed_out = True
            child.deadline = now + _GRACE_SECONDS
            _kill(pid)


def _kill(pid: int) -> None:
    try:
        # The child leads a session of its own, so whatever it has started goes with it.
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
