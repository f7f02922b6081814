"""The studies of a deployment: one folder each under `studies/`, with the document and the pipelines it names."""

import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from biolake.documents.errors import Mistake
from biolake.documents.read import read_document
from biolake.studies.configuration.load import load_study
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.errors import StudyConfigurationInvalid, StudyExists, StudyNotLocked, StudyUnknown
from biolake.studies.results.lake_tables import repository

DOCUMENT = "study.yaml"


@dataclass(frozen=True)
class StudyFolder:
    """All studies of one folder, read at one moment.

    Attributes:
        folder: Where the studies' folders are.
        studies: The usable ones by id.
        refused: The others' errors by the name of their folder; they harm no neighbour.
    """

    folder: Path
    studies: dict[str, StudyConfiguration]
    refused: dict[str, StudyConfigurationInvalid]

    @classmethod
    def read(cls, folder: Path, runtimes: Path | None) -> "StudyFolder":
        """Read every study of `folder`; a folder that does not exist holds none."""
        studies: dict[str, StudyConfiguration] = {}
        refused: dict[str, StudyConfigurationInvalid] = {}
        for path in sorted(folder.glob(f"*/{DOCUMENT}")):
            try:
                study = load_study(path, runtimes)
                twin = _twin(study.id, studies)
                if twin:
                    remedy = "Remove one of the two, or give it another id."
                    mistake = Mistake(DOCUMENT, 0, "study.id", _same_places(study.id, twin), remedy)
                    raise StudyConfigurationInvalid(str(path), (mistake,))
            except StudyConfigurationInvalid as error:
                refused[path.parent.name] = error
            else:
                studies[study.id] = study
        return cls(folder, studies, refused)

    def get(self, study: str) -> StudyConfiguration:
        """Return the study `study`.

        Raises:
            StudyConfigurationInvalid: Its document is refused; with every mistake.
            StudyUnknown: There is no such study.
        """
        if study in self.refused:
            raise self.refused[study]
        if study not in self.studies:
            known = ", ".join(sorted(self.studies)) or "none yet"
            raise StudyUnknown(f"{study}: no such study (known: {known}). Add one with `biolake study add FILE`.")
        return self.studies[study]

    @property
    def fingerprint(self) -> dict[str, str]:
        """By study, a hash of all that its assets depend on; of a refused one, its mistakes."""
        refused = {name: str(error) for name, error in self.refused.items()}
        return {**{study.id: study.rules_sha256 for study in self.studies.values()}, **refused}


def add_study(document: Path, folder: Path, runtimes: Path | None, *, replace: bool = False) -> StudyConfiguration:
    """Check a study's document and put it, with the pipelines it names, into `folder`.

    Raises:
        StudyConfigurationInvalid: With every mistake.
        StudyExists: A study of that id is there and `replace` is False, or one whose id differs in signs only.
    """
    study = load_study(document, runtimes)
    target = folder / study.id
    twin = _twin(study.id, (path.parent.name for path in folder.glob(f"[!.]*/{DOCUMENT}") if path.parent != target))
    if twin:
        raise StudyExists(f"{study.id}: {_same_places(study.id, twin)} Choose another id.")
    if target.exists() and not replace:
        raise StudyExists(f"{study.id}: there is a study of that id. Use --replace to take the new document.")
    beside = folder / f".{study.id}.new"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    shutil.copyfile(document, beside / DOCUMENT)
    for pipeline in study.document.pipelines.values():
        copy = beside / pipeline.file
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(document.parent / pipeline.file, copy)
    load_study(beside / DOCUMENT, runtimes)
    shutil.rmtree(target, ignore_errors=True)
    beside.rename(target)
    return load_study(target / DOCUMENT, runtimes)


def _twin(study: str, others: Iterable[str]) -> str | None:
    """The study that would share its tables and assets, whose names have small letters and `_` only."""
    return next((other for other in others if repository(other) == repository(study)), None)


def _same_places(study: str, twin: str) -> str:
    return f"its tables, {repository(study)}, are those of the study {twin}."


def lock_study(study: StudyConfiguration) -> None:
    """Set a study's status to locked: it is cataloged, nothing new is processed. The rest of the text stays as it is.

    Raises:
        StudyNotLocked: The document is written in a way that this does not find its way in; it is left as it was.
    """
    beside = study.location.with_name(".study.locked.yaml")
    beside.write_text(_locked(study.text))
    try:
        locked = load_study(beside).locked
    except StudyConfigurationInvalid:
        locked = False
    if not locked:
        beside.unlink()
        raise StudyNotLocked(
            f"{study.id}: the place for its status was not found. Write `status: locked` below `study:` in "
            f"{study.location}."
        )
    beside.replace(study.location)


def _locked(text: str) -> str:
    found = read_document(text.encode(), DOCUMENT)[0].lines
    lines = text.splitlines(keepends=True)
    if ("study", "status") in found:
        number = found["study", "status"] - 1
        lines[number] = re.sub(r"(status[\"']?\s*:\s*[\"']?)active", r"\1locked", lines[number], count=1)
        return "".join(lines)
    number = found["study", "id"] - 1
    before, key, after = re.split(r"([\"']?\bid[\"']?\s*:)", lines[number], maxsplit=1)
    if key[0] in "\"'":
        status = f"{key[0]}status{key[0]}: {key[0]}locked{key[0]}, "
    else:
        status = "status: locked, " if before.strip() else f"status: locked\n{before}"
    lines[number] = f"{before}{status}{key}{after}"
    return "".join(lines)
