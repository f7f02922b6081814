"""Plans never exceed the memory or the cores, start everything once, and leave no core idle that could work."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolake.studies.devices.models import RecordingFormat, Scan
from biolake.studies.processing.models import Limits, ProcessingTask
from biolake.studies.processing.plan import plan

GIB = 1024**3


def task(key: str, samples: int) -> ProcessingTask:
    scans = (Scan(RecordingFormat.CWA, n_samples_expected=samples),)
    return ProcessingTask(key, (Path(key),), Path("p.skdh"), Path("out"), scans=scans)


def test_weeks_at_100_hz_run_in_twos_on_20_gib() -> None:
    weeks = [task(f"week{n}", 60_480_000) for n in range(8)]
    planned = plan(weeks, Limits(), 20 * GIB, cores=4)

    started = planned.start()

    assert len(started) == 2
    assert planned.running_bytes <= 20 * GIB
    planned.finished(started[0].key)
    assert len(planned.start()) == 1


def test_small_one_fills_the_room_beside_a_large_one() -> None:
    planned = plan(
        [task("week", 60_480_000), task("fortnight", 120_960_000), task("hour", 360_000)], Limits(), 18 * GIB, 2
    )

    assert [demand.key for demand in planned.start()] == ["fortnight", "hour"]


def test_too_large_is_told_and_never_started() -> None:
    planned = plan([task("month", 260_000_000), task("hour", 360_000)], Limits(), 20 * GIB, 2)

    assert [demand.key for demand in planned.too_large] == ["month"]
    assert [demand.key for demand in planned.start()] == ["hour"]


def test_two_tasks_of_one_key_are_refused() -> None:
    with pytest.raises(ValueError, match="one key"):
        plan([task("a", 1), task("a", 2)], Limits(), GIB, 1)


@given(
    sizes=st.lists(st.integers(0, 200_000_000), max_size=30),
    budget=st.integers(1, 40),
    cores=st.integers(1, 8),
    choices=st.randoms(use_true_random=False),
)
def test_any_plan_keeps_its_budget(sizes: list[int], budget: int, cores: int, choices: object) -> None:
    limits = Limits()
    tasks = [task(str(n), size) for n, size in enumerate(sizes)]
    planned = plan(tasks, limits, budget * GIB, cores)
    running: list[str] = []
    waiting = {each.key: limits.memory_bytes(each.samples) for each in tasks}
    for demand in planned.too_large:
        del waiting[demand.key]
    seen: list[str] = []
    while not planned.done:
        for demand in planned.start():
            running.append(demand.key)
            seen.append(demand.key)
            del waiting[demand.key]
        free = budget * GIB - planned.running_bytes
        assert free >= 0
        assert 1 <= len(running) <= cores
        assert len(running) == cores or all(need > free for need in waiting.values())
        done = running.pop(choices.randrange(len(running)))  # type: ignore[attr-defined]
        planned.finished(done)
    assert sorted(seen) == sorted({each.key for each in tasks} - {demand.key for demand in planned.too_large})
