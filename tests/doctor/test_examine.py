"""Each engine is asked within its time; one that hangs or breaks is told, and the others are asked all the same."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from biolake.doctor.clock import clock
from biolake.doctor.examine import examine
from biolake.doctor.models import Examination, Finding, Verdict, ok
from biolake.errors import BiolakeError


class OutOfOrder(BiolakeError):
    """Something of ours."""


def hangs() -> Iterator[Finding]:
    yield ok("silent", "reachable", "it took the connection")
    threading.Event().wait()


def breaks() -> Iterator[Finding]:
    yield ok("broken", "reachable", "yes")
    raise RuntimeError("unheard of\nsecond line")


def refuses() -> Iterator[Finding]:
    raise OutOfOrder("no, and this is why")
    yield


def test_one_that_hangs_and_one_that_breaks():
    found = list(
        examine(
            [
                Examination("silent", hangs, seconds=0.2),
                Examination("broken", breaks),
                Examination("ours", refuses),
                Examination("fine", lambda: iter([ok("fine", "reachable", "yes")])),
            ]
        )
    )
    assert [(one.engine, one.check, one.verdict) for one in found] == [
        ("silent", "reachable", Verdict.OK),
        ("silent", "answers in time", Verdict.PROBLEM),
        ("broken", "reachable", Verdict.OK),
        ("broken", "works", Verdict.PROBLEM),
        ("ours", "works", Verdict.PROBLEM),
        ("fine", "reachable", Verdict.OK),
    ]
    assert found[3].found == "RuntimeError: unheard of"
    assert all(one.remedy for one in found if one.verdict == Verdict.PROBLEM)


@pytest.mark.parametrize(
    ("seconds", "verdict", "said"),
    [
        (0, Verdict.OK, "agrees"),
        (4, Verdict.OK, "agrees"),
        (9, Verdict.WARNING, "9 s ahead of"),
        (-9, Verdict.WARNING, "9 s behind"),
        (120, Verdict.PROBLEM, "120 s ahead of"),
        (-3600, Verdict.PROBLEM, "3600 s behind"),
    ],
)
def test_clocks(seconds: float, verdict: Verdict, said: str):
    now = datetime.now(UTC)
    found = clock("any", now + timedelta(seconds=seconds), now, now)
    assert found.verdict == verdict
    assert found.found.startswith(said)


def test_a_slow_answer_is_no_wrong_clock():
    now = datetime.now(UTC)
    assert clock("any", now + timedelta(seconds=30), now, now + timedelta(seconds=60)).verdict == Verdict.OK
