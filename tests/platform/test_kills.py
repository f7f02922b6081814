"""SIGKILL to any process of a running deployment loses nothing, repeats nothing and leaves nothing behind.

A few kills here; `BIOLAKE_TEST_KILLS=20` for the long run, or `python -m tests.platform.kill_loop`.
"""

import os
import random
from pathlib import Path

import pytest

from biolake.ledger.models import JobState
from tests.platform.kill_loop import REPOSITORIES, run

KILLS = int(os.environ.get("BIOLAKE_TEST_KILLS", "2"))
DATASETS = 300 if KILLS >= 20 else 10 * KILLS


@pytest.mark.faults
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc to find the processes to kill")
def test_killed_processes_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    random.seed(seed)
    result = run(tmp_path / "home", kills=KILLS, datasets=DATASETS, pause=(0.0, 4.0), timeout=300 + 60 * KILLS)
    story = f"seed {seed}, {dict(result.kills)}, {result.seconds:.0f} s"
    share = DATASETS // len(REPOSITORIES)
    assert result.states == {name: {JobState.SUCCESS: share} for name in REPOSITORIES}, story
    assert [one.differences for one in result.reconciled] == [()] * len(REPOSITORIES), story
    assert [one.datasets for one in result.reconciled] == [share] * len(REPOSITORIES), story
    assert result.orphans == {}, story
    assert result.kills.total() == KILLS, story
