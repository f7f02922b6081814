"""One recording from its files to its outcome: checks, mending, a process of its own, retries, checks again.

Many recordings, planned so that memory is never over budget, are in `batch.py`.
"""

import hashlib
import json
import shutil
import signal
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from biolake.studies.devices import scan
from biolake.studies.devices.models import RecordingFormat
from biolake.studies.processing.checks import Verdict, check_before, codes_after, state_after_reading
from biolake.studies.processing.mend import mend, needs_mending
from biolake.studies.processing.models import (
    Cost,
    Crash,
    Limits,
    Outcome,
    ProcessingTask,
    StepRun,
    Warned,
)
from biolake.studies.processing.reservation import Reservations
from biolake.studies.processing.results import read_results
from biolake.studies.processing.warm import Ending, RuntimeBroken, WarmRuntime
from biolake.studies.runtimes import Runtime
from biolake.studies.states import State

# actfast reserves room for a month at 100 Hz, whatever the file's length, and touches little of it.
_ADDRESS_SPACE_GT3X = 6 * 1024**3
# The parent ends late processes itself; when it does not even say so, it is gone in some way of its own.
_PARENT_SECONDS = 300.0
_SAMPLES_TOLERANCE = 0.001
_SAMPLES_TOLERANCE_LEAST = 300
_SIGXCPU, _SIGKILL = int(signal.SIGXCPU), int(signal.SIGKILL)


def scanned(task: ProcessingTask) -> ProcessingTask:
    """Return the task with its files looked at."""
    return task if task.scans else replace(task, scans=tuple(scan(path) for path in task.files))


def process(
    task: ProcessingTask,
    runtime: Runtime,
    limits: Limits,
    warm: WarmRuntime | None = None,
    reservations: Reservations | None = None,
) -> Outcome:
    """Process one recording; whatever is in its files ends in an outcome.

    Args:
        task: The recording and the pipeline.
        runtime: Where SKDH runs.
        limits: What the recording may cost, and what the study accepts.
        warm: A parent that is already running; one is started and ended where None.
        reservations: The machine's memory, where other processes use it too; waited for before the recording starts.

    Raises:
        RuntimeBroken: The runtime cannot be started at all.
        MemoryNotFree: The machine's memory was not free in time.
        OSError: A file or the output folder cannot be used.
    """
    task = scanned(task)
    started = datetime.now(UTC)
    verdict = check_before(task.scans, limits.recording)
    blank = Outcome(task.key, verdict.state, verdict.reason, verdict.qc_codes, scans=task.scans, started=started)
    if verdict.state is not State.READY or verdict.too_short:
        state = State.PROCESSED if verdict.too_short else verdict.state
        reason = "shorter than the study wants; nothing was computed" if verdict.too_short else verdict.reason
        return replace(blank, state=state, reason=reason, ended=datetime.now(UTC))
    blank = replace(blank, pipeline_sha256=hashlib.sha256(task.pipeline.read_bytes()).hexdigest())
    shutil.rmtree(task.output, ignore_errors=True)
    task.output.mkdir(parents=True)
    with ExitStack() as stack:
        files, mended = _mended(task)
        stack.callback(shutil.rmtree, task.output / "mended", ignore_errors=True)
        blank = replace(blank, mended=mended, output=task.output)
        if reservations is not None:
            stack.enter_context(reservations.reserve(limits.memory_bytes(task.samples)))
        outcome = blank
        for attempt in range(1, limits.retries + 2):
            if warm is None or not warm.alive:
                warm = stack.enter_context(WarmRuntime(runtime))
            outcome = _attempt(replace(blank, attempts=attempt), task, files, limits, warm, verdict)
            if outcome.state is not State.CRASHED:
                break
    return replace(outcome, ended=datetime.now(UTC))


def _mended(task: ProcessingTask) -> tuple[list[Path], str]:
    files, done = [], []
    for number, (path, found) in enumerate(zip(task.files, task.scans, strict=True)):
        if not needs_mending(found):
            files.append(path.resolve())
            continue
        target = task.output.resolve() / "mended" / str(number) / path.name
        target.parent.mkdir(parents=True)
        done.append(mend(found, path, target))
        files.append(target)
    return files, "; ".join(done)


def _attempt(
    blank: Outcome, task: ProcessingTask, files: list[Path], limits: Limits, warm: WarmRuntime, verdict: Verdict
) -> Outcome:
    wall = limits.wall_seconds(task.size_bytes)
    address_space = limits.address_space_bytes(task.samples)
    if task.format is RecordingFormat.GT3X:
        address_space += _ADDRESS_SPACE_GT3X
    command = {
        "files": [str(path) for path in files],
        "format": task.format.value,
        "pipeline": str(task.pipeline.resolve()),
        "arguments": dict(task.arguments),
        "clock": task.clock,
        "folder": str(task.output.resolve()),
        "keep_raw": task.keep_raw,
        "samples_expected": task.samples,
        "samples_tolerance": max(_SAMPLES_TOLERANCE_LEAST, int(_SAMPLES_TOLERANCE * task.samples)),
        "limits": {
            "memory_bytes": address_space,
            "cpu_seconds": wall * max(1, warm.runtime.threads),
            "wall_seconds": wall,
            "written_bytes": limits.written_bytes,
        },
    }
    (task.output / "result.json").unlink(missing_ok=True)
    blank = replace(blank, runtime=dict(warm.described))
    try:
        ending = warm.submit(uuid.uuid4().hex, command).result(timeout=wall + _PARENT_SECONDS)
    except TimeoutError:
        warm.close()
        reason = "the runtime's parent process did not answer and was ended"
        return replace(blank, state=State.CRASHED, crash=Crash.RUNTIME, reason=reason)
    except RuntimeBroken as error:
        return replace(blank, state=State.CRASHED, crash=Crash.RUNTIME, reason=str(error))
    cost = Cost(ending.wall_seconds, ending.cpu_seconds, ending.peak_bytes)
    path = task.output / "result.json"
    if ending.exit == 0 and path.is_file():
        return _ended(replace(blank, cost=cost), json.loads(path.read_text()), task.output, verdict)
    crash = _crash(ending, wall)
    return replace(blank, state=State.CRASHED, crash=crash.kind, signal=ending.signal, reason=crash.reason, cost=cost)


def _ended(outcome: Outcome, result: dict[str, Any], folder: Path, verdict: Verdict) -> Outcome:
    outcome = replace(
        outcome,
        host=result["host"],
        read=result.get("read") or {},
        read_by=result.get("read_by", ""),
        steps=tuple(StepRun(**step) for step in result["steps"]),
        warnings=tuple(Warned(warned["category"], warned["message"]) for warned in result["warnings"]),
    )
    status = result["status"]
    if status == "oom":
        reason = f"{result['stage']} asked for more memory than the recording has. {result['reason']}"
        return replace(outcome, state=State.CRASHED, crash=Crash.OOM, reason=reason)
    if status == "unsound":
        return replace(outcome, state=state_after_reading(result["code"]), reason=result["reason"])
    if status == "error":
        reason = f"{result['stage']}: {result['error']}: {result['reason']}"
        return replace(outcome, state=State.FAILED, reason=reason)
    codes = (*verdict.qc_codes, *(("mended",) if outcome.mended else ()))
    codes += codes_after(outcome.read, outcome.steps, read_results(folder))
    return replace(outcome, state=State.PROCESSED, qc_codes=tuple(dict.fromkeys(codes)))


@dataclass(frozen=True)
class _Crashed:
    kind: Crash
    reason: str


def _crash(ending: Ending, wall: float) -> _Crashed:
    if ending.timed_out:
        return _Crashed(Crash.TIMEOUT, f"ended after {wall:.0f} s, the time that its size has")
    if ending.signal == _SIGXCPU:
        return _Crashed(Crash.TIMEOUT, f"ended after {ending.cpu_seconds:.0f} s of CPU")
    if ending.signal == _SIGKILL:
        text = "killed from outside, as the kernel does when the machine has no memory left"
        return _Crashed(Crash.OOM, text)
    if ending.signal is not None:
        name = signal.Signals(ending.signal).name
        return _Crashed(Crash.SIGNAL, f"SKDH's compiled code ended by {name}")
    return _Crashed(Crash.EXIT, f"SKDH's compiled code ended the process with exit code {ending.exit}")
