"""Loading a study's configuration: the document, then its parts, then the pipelines it names; all mistakes at once.

What a configuration may say is in `study`; how a YAML document is read with its lines is `biolake.documents`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from biolake.documents.errors import Mistake
from biolake.documents.read import Document, KeyPath, read_document
from biolake.documents.validate import mistakes_of
from biolake.studies.configuration.consistency import Parts, check_parts, check_pipelines
from biolake.studies.configuration.file_types import FileType, Source
from biolake.studies.configuration.metadata import Metadata, MetadataColumn
from biolake.studies.configuration.pipelines import Days, Pipeline
from biolake.studies.configuration.study import StudyConfiguration, StudyDocument
from biolake.studies.errors import StudyConfigurationInvalid, StudyConfigurationMissing
from biolake.studies.pipeline_files.read import DayWindows, PipelineFile, read_pipeline
from biolake.studies.runtimes import InvalidRuntime, UnknownRuntime, read_specification

_Part = TypeVar("_Part")


def load_study(path: Path, runtimes: Path | None = None) -> StudyConfiguration:
    """Load a study's configuration and the saved pipelines it names.

    Args:
        path: The YAML document.
        runtimes: The folder of locked runtimes. Where it is not given, a runtime is taken to be what its name says.

    Raises:
        StudyConfigurationMissing: There is no file at `path`.
        StudyConfigurationInvalid: With every mistake of the document and of its pipelines.
    """
    configuration, mistakes = _load(path, runtimes)
    errors = [mistake for mistake in mistakes if mistake.severity == "error"]
    if configuration is None or errors:
        raise StudyConfigurationInvalid(path.name, errors)
    return configuration


def validate(path: Path, runtimes: Path | None = None) -> list[Mistake]:
    """Return every mistake and warning of a study's configuration, in the order of the documents.

    Raises:
        StudyConfigurationMissing: There is no file at `path`.
    """
    return _load(path, runtimes)[1]


def _load(path: Path, runtimes: Path | None) -> tuple[StudyConfiguration | None, list[Mistake]]:
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise StudyConfigurationMissing(f"{path}: {reason}. Give the path of the study's YAML document.") from error
    document, mistakes = read_document(content, path.name)
    if not document.lines:
        if not mistakes:
            mistakes = [document.mistake((), "the document is no mapping.", "Begin with `schema_version: 1`.")]
        return None, mistakes
    read: StudyDocument | None = None
    try:
        read = StudyDocument.model_validate(document.value)
    except ValidationError as error:
        mistakes += mistakes_of(error, document, StudyDocument)
    parts = _parts(document)
    mistakes += check_parts(document, parts)
    known = _runtimes(document, parts, runtimes, mistakes)
    pipeline_files, of_pipelines = _pipelines(document, parts, path.parent, known)
    mistakes += check_pipelines(document, parts, pipeline_files)
    mistakes.sort(key=lambda mistake: mistake.line)
    mistakes += of_pipelines
    if read is None or any(mistake.severity == "error" for mistake in mistakes):
        return None, mistakes
    digest = hashlib.sha256(content).hexdigest()
    text = content.decode("utf-8-sig")
    digests = {name: runtime.digest for name, runtime in known.items()}
    return StudyConfiguration(read, path.resolve(), digest, text, pipeline_files, digests), mistakes


@dataclass(frozen=True)
class _Runtime:
    skdh_version: str
    digest: str


def _runtimes(document: Document, parts: Parts, root: Path | None, mistakes: list[Mistake]) -> dict[str, _Runtime]:
    """Return the runtime of each pipeline whose runtime is known, and add a mistake for the others."""
    found: dict[str, _Runtime] = {}
    for name, pipeline in parts.pipelines.items():
        said = pipeline.runtime_name
        if root is None:
            found[name] = _Runtime(said.skdh_version, said.text)
            continue
        try:
            specification = read_specification(said.text, root)
        except (UnknownRuntime, InvalidRuntime) as error:
            mistakes.append(document.mistake(("pipelines", name, "runtime"), str(error), ""))
            continue
        found[name] = _Runtime(specification.skdh_version, specification.digest)
    return found


def _pipelines(
    document: Document, parts: Parts, folder: Path, runtimes: Mapping[str, _Runtime]
) -> tuple[dict[str, PipelineFile], list[Mistake]]:
    found: dict[str, PipelineFile] = {}
    mistakes: list[Mistake] = []
    days = _valid(Days, _at(document.value, "days", {})) or Days()  # type: ignore[call-arg]
    windows = DayWindows(days.activity_window, days.sleep_window)
    for name, pipeline in parts.pipelines.items():
        key: KeyPath = ("pipelines", name, "file")
        file = folder / pipeline.file
        try:
            inside = file.resolve().is_relative_to(folder.resolve())
            content = file.read_bytes() if inside else b""
        except OSError as error:
            message = f"{pipeline.file} cannot be read: {error.strerror or error}."
            mistakes.append(document.mistake(key, message, "Put the saved pipeline there."))
            continue
        if not inside:
            message = f"{pipeline.file} leads outside the folder of this document."
            mistakes.append(document.mistake(key, message, "Put the file itself there, not a link."))
            continue
        if name not in runtimes:
            continue
        checked, wrong = read_pipeline(content, pipeline.file, runtimes[name].skdh_version, windows)
        mistakes += wrong
        if checked is not None:
            found[name] = checked
    return found, mistakes


def _parts(document: Document) -> Parts:
    content = document.value if isinstance(document.value, dict) else {}
    sources = _each(Source, content.get("sources"))
    pipelines = _mapping(content.get("pipelines"))
    files = _at(content.get("metadata"), "files", [])
    described: dict[KeyPath, Any] = {
        ("metadata", "files", position, "columns", name): column
        for position, entry in enumerate(_list(files))
        for name, column in _mapping(_at(entry, "columns", {})).items()
    }
    columns = {path: _valid(MetadataColumn, column) for path, column in described.items()}
    valid = {name: _valid(Pipeline, value) for name, value in pipelines.items()}
    return Parts(
        sources=sources,
        metadata=_valid(Metadata, content.get("metadata", {})),
        columns={path: column for path, column in columns.items() if column is not None},
        file_types=_each(FileType, content.get("file_types")),
        pipelines={name: value for name, value in valid.items() if value is not None},
        source_names=_names(content.get("sources")),
        pipeline_names=frozenset(pipelines),
        column_names=frozenset(str(path[-1]) for path in described),
    )


def _names(entries: Any) -> frozenset[str]:
    named = [_at(entry, "name", None) for entry in _list(entries)]
    return frozenset(name for name in named if isinstance(name, str))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _at(mapping: Any, key: str, otherwise: Any) -> Any:
    return mapping.get(key, otherwise) if isinstance(mapping, dict) else otherwise


def _each(model: type[_Part], entries: Any) -> dict[int, _Part]:
    values = {i: _valid(model, entry) for i, entry in enumerate(_list(entries))}
    return {i: value for i, value in values.items() if value is not None}


def _valid(model: type[_Part], value: Any) -> _Part | None:
    """Return the part, None where its own mistakes (reported with the whole document) keep it from being one."""
    try:
        return TypeAdapter(model).validate_python(value)
    except ValidationError:
        return None
