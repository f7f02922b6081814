"""What the documentation shows is what the platform takes: its pipelines are saved, its study is valid."""

import re
from pathlib import Path

import pytest

from biolake.studies.configuration.load import load_study, validate
from biolake.studies.states import State

DOCS = Path(__file__).resolve().parents[3] / "docs"


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", (DOCS / "studies.md").read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found.group(1)


def test_the_study_of_the_documentation_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "pipelines").mkdir()
    monkeypatch.chdir(tmp_path)
    exec(compile(block("python"), "docs/studies.md", "exec"), {})
    path = tmp_path / "study.yaml"
    path.write_text(block("yaml"), encoding="utf-8")
    assert validate(path) == []
    assert load_study(path).pipeline_files["gait"].has("GaitLumbar")


def test_every_state_is_explained():
    text = (DOCS / "study-states.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE)
    assert sorted(explained) == sorted(state.value for state in State)
