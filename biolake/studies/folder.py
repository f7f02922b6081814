"""The studies of a deployment: one folder each under `studies/`, with the document and the pipelines it names."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from biolake.studies.configuration import StudyConfiguration
from biolake.studies.errors import StudyConfigurationInvalid, StudyExists, StudyUnknown
from biolake.studies.loading import load_study

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
        StudyExists: A study of that id is there and `replace` is False.
    """
    study = load_study(document, runtimes)
    target = folder / study.id
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


def lock_study(study: StudyConfiguration) -> None:
    """Set a study's status to locked: it is cataloged, nothing new is processed.

    Raises:
        StudyConfigurationInvalid: The document would not be valid any more; it is left as it was.
    """
    text = study.location.read_text()
    lines = text.splitlines(keepends=True)
    place = next((n for n, line in enumerate(lines) if line.strip().startswith("status:")), None)
    if place is None:
        place = next(n for n, line in enumerate(lines) if line.startswith("study:")) + 1
        indent = lines[place][: len(lines[place]) - len(lines[place].lstrip())]
        lines.insert(place, f"{indent}status: locked\n")
    else:
        indent = lines[place][: len(lines[place]) - len(lines[place].lstrip())]
        lines[place] = f"{indent}status: locked\n"
    beside = study.location.with_name(".study.locked.yaml")
    beside.write_text("".join(lines))
    try:
        load_study(beside)
    except StudyConfigurationInvalid:
        beside.unlink()
        raise
    beside.replace(study.location)
