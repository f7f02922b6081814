"""The studies of a deployment have places of their own, each."""

import shutil
from pathlib import Path

import pytest

from biolake.studies.errors import StudyConfigurationInvalid, StudyExists
from biolake.studies.folder import StudyFolder, add_study
from tests.studies.small_study import study_document, write_study


def written(folder: Path, study: str) -> Path:
    """A study's document."""
    folder.mkdir()
    document = study_document(folder)
    document["study"]["id"] = study
    write_study(folder, document)
    return folder / "study.yaml"


def test_two_ids_that_share_their_tables(tmp_path: Path) -> None:
    studies = tmp_path / "studies"
    first = written(tmp_path / "first", "ABC-1")
    second = written(tmp_path / "second", "ABC_1")
    add_study(first, studies, None)
    with pytest.raises(StudyExists, match="study_abc_1, are those of the study ABC-1"):
        add_study(second, studies, None)
    add_study(first, studies, None, replace=True)
    shutil.copytree(tmp_path / "second", studies / "ABC_1")
    found = StudyFolder.read(studies, None)
    assert list(found.studies) == ["ABC-1"]
    with pytest.raises(StudyConfigurationInvalid, match="are those of the study ABC-1"):
        found.get("ABC_1")
