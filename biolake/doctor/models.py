"""What the doctor finds: one finding per question asked of one engine."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a finding is to be taken."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """The answer to one question.

    Attributes:
        engine: Whom it was asked: `landing`, `ledger`, `index`, …
        check: What was asked.
        found: What was found, for people; never a secret.
        remedy: What to do; empty where nothing is to be done.
    """

    engine: str
    check: str
    verdict: Verdict
    found: str
    remedy: str = ""


@dataclass(frozen=True)
class Examination:
    """Questions to one engine.

    Attributes:
        look: Asks them one by one. What it has yielded stands, even when the next answer never comes.
        seconds: How long all of them may take.
    """

    engine: str
    look: Callable[[], Iterator[Finding]]
    seconds: float = 20.0


def ok(engine: str, check: str, found: str) -> Finding:
    """Nothing is to be done."""
    return Finding(engine, check, Verdict.OK, found)


def warning(engine: str, check: str, found: str, remedy: str) -> Finding:
    """The platform works, but something is worth doing."""
    return Finding(engine, check, Verdict.WARNING, found, remedy)


def problem(engine: str, check: str, found: str, remedy: str) -> Finding:
    """The platform does not work, or not safely."""
    return Finding(engine, check, Verdict.PROBLEM, found, remedy)


def skipped(engine: str, check: str, found: str) -> Finding:
    """The question does not arise, or could not be asked."""
    return Finding(engine, check, Verdict.SKIPPED, found)
