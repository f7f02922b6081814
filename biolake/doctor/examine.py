"""Ask all engines, one after another, each within its time; a silent or broken one does not keep the others waiting."""

import queue
import threading
import time
from collections.abc import Iterable, Iterator

from biolake.doctor.models import Examination, Finding, problem
from biolake.errors import BiolakeError


def examine(examinations: Iterable[Examination]) -> Iterator[Finding]:
    """Yield what is found, as it is found."""
    for examination in examinations:
        yield from _within_its_time(examination)


def _within_its_time(examination: Examination) -> Iterator[Finding]:
    found: queue.SimpleQueue[Finding | None] = queue.SimpleQueue()
    # A thread cannot be stopped: one that waits for a dead server is left behind and ends with the process.
    threading.Thread(target=_look, args=(examination, found), name=examination.engine, daemon=True).start()
    deadline = time.monotonic() + examination.seconds
    while True:
        try:
            finding = found.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            yield problem(
                examination.engine,
                "answers in time",
                f"nothing more came within {examination.seconds:g} s",
                "See that it runs, that no firewall swallows what is sent to it, and that it is not overloaded.",
            )
            return
        if finding is None:
            return
        yield finding


def _look(examination: Examination, found: "queue.SimpleQueue[Finding | None]") -> None:
    try:
        for finding in examination.look():
            found.put(finding)
    except BiolakeError as error:
        found.put(problem(examination.engine, "works", first_line(error), "Do what the message says."))
    except Exception as error:
        # Any failure of an engine's own client is a finding about that engine, and the others are still asked.
        found.put(
            problem(
                examination.engine,
                "works",
                f"{type(error).__name__}: {first_line(error)}",
                "See the engine's own log, and docs/operations.md.",
            )
        )
    finally:
        found.put(None)


def first_line(error: BaseException, most: int = 300) -> str:
    """The first line of an error's text, cut."""
    text = str(error).strip().partition("\n")[0]
    return text if len(text) <= most else f"{text[:most]}…"
