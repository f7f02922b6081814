"""Processes of a deployment are started again when they die, also one that only its own child kept working."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from biolake.cli.processes import Child, ProcessKeepsDying, Supervisor

PROXY = (
    "import subprocess, sys, time\n"
    "worker = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    "open(sys.argv[1], 'a').write(f'{worker.pid}\\n')\n"
    "time.sleep(60)\n"
)


@pytest.fixture(autouse=True)
def signals_as_they_were() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
def test_a_process_whose_worker_died_is_started_again(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    pids.touch()
    command = [sys.executable, "-c", PROXY, str(pids)]
    child = Child("proxy", command, dict(os.environ), tmp_path / "log", works_through_child=True)
    supervisor = Supervisor([child])

    def workers() -> list[int]:
        return [int(line) for line in pids.read_text().splitlines()]

    def story() -> None:
        wait_for(lambda: len(workers()) == 1)
        supervisor.check()
        assert child.process is not None
        first = child.process.pid
        os.kill(workers()[0], signal.SIGKILL)
        while len(workers()) < 2:
            supervisor.check()
            time.sleep(0.02)
        assert child.process.pid != first
        os.kill(os.getpid(), signal.SIGTERM)

    supervisor.run(story)
    assert child.process is not None
    assert child.process.returncode is not None
    os.kill(workers()[1], signal.SIGKILL)


def test_a_process_that_dies_at_once_again_and_again_ends_the_deployment(tmp_path: Path) -> None:
    child = Child("broken", [sys.executable, "-c", "raise SystemExit(3)"], dict(os.environ), tmp_path / "log")
    other = Child("other", [sys.executable, "-c", "import time; time.sleep(60)"], dict(os.environ), tmp_path / "log")
    with pytest.raises(ProcessKeepsDying, match="broken ended 5 times"):
        Supervisor([other, child]).run(lambda: None)
    assert other.process is not None
    assert other.process.returncode == -signal.SIGTERM
