"""`biolake runtimes build`: what an image does while it is made."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from biolake.cli.main import app
from tests.studies.locked_runtimes import RUNTIMES
from tests.study_platform.conftest import CURRENT, FAST, runtime, runtime_cache

__all__ = ["runtime", "runtime_cache"]


def test_named_runtimes_are_there_afterwards(
    runtime, runtime_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    digests = [runtime(name).digest for name in (CURRENT, FAST)]
    monkeypatch.setenv("BIOLAKE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BIOLAKE_RUNTIMES", str(RUNTIMES))
    monkeypatch.setenv("BIOLAKE_RUNTIME_CACHE", str(runtime_cache))
    done = CliRunner().invoke(app, ["runtimes", "build", CURRENT, FAST, "--json"])
    assert done.exit_code == 0, done.output
    assert [(one["runtime"], one["digest"]) for one in json.loads(done.output)] == [
        (CURRENT, digests[0]),
        (FAST, digests[1]),
    ]
    assert not (tmp_path / "home").exists()


def test_an_unknown_one_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BIOLAKE_HOME", str(tmp_path))
    done = CliRunner().invoke(app, ["runtimes", "build", "skdh-1.0"])
    assert done.exit_code != 0
    assert "Known: skdh-0.17.18-py311-a" in str(done.exception)
