"""Processes that do not know of one another never hold more memory than the machine has."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from biolake.studies.processing.reservation import MemoryNotFree, Reservations

HOLD = """
import sys, time
from pathlib import Path
from biolake.studies.processing.reservation import Reservations
with Reservations(Path(sys.argv[1]), 100).reserve(80):
    print("held", flush=True)
    time.sleep(60)
"""


def test_second_waits_for_the_first(tmp_path: Path) -> None:
    reservations = Reservations(tmp_path, 100)
    most: list[int] = []

    def hold() -> None:
        with reservations.reserve(60):
            most.append(reservations.held_bytes)

    threads = [threading.Thread(target=hold) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == [60, 60, 60, 60]
    assert reservations.held_bytes == 0


def test_those_that_fit_hold_at_once(tmp_path: Path) -> None:
    reservations = Reservations(tmp_path, 100)
    with reservations.reserve(60), reservations.reserve(40):
        assert reservations.held_bytes == 100


def test_more_than_the_machine_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MemoryNotFree, match="larger machine"), Reservations(tmp_path, 100).reserve(101):
        pass


def test_gives_up_in_the_end(tmp_path: Path) -> None:
    reservations = Reservations(tmp_path, 100, wait_seconds=0.3)
    with reservations.reserve(100), pytest.raises(MemoryNotFree, match="not free"), reservations.reserve(1):
        pass
    assert list(tmp_path.glob("*.asking")) == []


def test_what_a_killed_process_held_is_free(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    reservations = Reservations(tmp_path, 100, wait_seconds=20)
    assert reservations.held_bytes == 80

    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()

    with reservations.reserve(100):
        assert reservations.held_bytes == 100
