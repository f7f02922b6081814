"""A study is locked wherever its document says its status, and nowhere else."""

import json
from pathlib import Path

import pytest

from biolake.studies.configuration.load import load_study
from biolake.studies.folder import lock_study
from tests.studies.small_study import study_document, write_study


def written(folder: Path, heading: str) -> Path:
    """A study whose heading is written as `heading`, with a metadata column that is called `status` too."""
    document = study_document(folder)
    file = document["metadata"]["files"][0]
    values = {"A": "active", "S": "stopped"}
    file["columns"]["status"] = {"from": "STATUS", "type": "enum", "values": values, "required": False}
    write_study(folder, document)
    rest = {name: value for name, value in document.items() if name != "study"}
    lines = [f"{name}: {json.dumps(value)}" for name, value in rest.items()]
    (folder / "study.yaml").write_text("\n".join(["# kept", *lines[1:], heading, lines[0], ""]))
    return folder / "study.yaml"


HEADINGS = {
    "block": "study:\n  # the heading\n  id: TEST-001\n  title: A\n  timezone_default: UTC",
    "block with status": "study:\n  id: TEST-001\n  title: A\n  status: active # yet\n  timezone_default: UTC",
    "flow": "study: {id: TEST-001, title: A, timezone_default: UTC}",
    "flow with status": "study: {id: TEST-001, title: status, status: 'active', timezone_default: UTC}",
    "json": '"study": {"id": "TEST-001", "title": "A", "timezone_default": "UTC"}',
    "json of many lines": '"study": {\n "title": "A",\n "id": "TEST-001",\n "timezone_default": "UTC"}',
}


@pytest.mark.parametrize("heading", HEADINGS.values(), ids=HEADINGS)
def test_lock(tmp_path: Path, heading: str) -> None:
    path = written(tmp_path, heading)
    before = load_study(path)
    assert not before.locked
    lock_study(before)
    after = load_study(path)
    assert after.locked
    assert after.document.metadata == before.document.metadata
    assert path.read_text().startswith("# kept")
    lock_study(after)
    assert load_study(path).locked
