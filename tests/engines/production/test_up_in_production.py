"""`biolake up` on production engines: what is wrong is told before anything starts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engines.servers.process import free_port

BIOLAKE = [sys.executable, "-c", "from biolake.cli.main import main; main()"]


@pytest.fixture
def home(production: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder of a production deployment with one repository."""
    home = tmp_path / "home"
    (home / "repositories").mkdir(parents=True)
    (home / "repositories" / "lab.yaml").write_text("name: lab\ntitle: Made up\n")
    monkeypatch.setenv("BIOLAKE_HOME", str(home))
    return home


def biolake(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*BIOLAKE, *arguments], env={**os.environ, **more}, capture_output=True, text=True, timeout=180
    )


def test_nothing_starts_on_engines_that_do_not_work(home: Path):
    done = biolake("up", "--port", str(free_port()), BIOLAKE_INDEX="http://127.0.0.1:9", BIOLAKE_LANDING="s3://nobodys")
    assert done.returncode == 1
    assert "ENGINES_NOT_READY nothing was started." in done.stderr
    assert "landing: reachable: " in done.stderr
    assert "or correct BIOLAKE_INDEX" in done.stderr
    assert not (home / "logs").exists()
