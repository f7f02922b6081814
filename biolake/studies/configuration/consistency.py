"""Checks of a study's configuration that look at several of its parts at once: names, columns, units, pipelines.

Each part on its own is checked by its model. The checks run on the parts that are in order even where others are not,
so that all mistakes are shown together.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from biolake.documents.errors import Mistake
from biolake.documents.read import Document, KeyPath
from biolake.documents.suggestions import closest
from biolake.studies.configuration.file_types import FileType, Source
from biolake.studies.configuration.headers import header_field
from biolake.studies.configuration.metadata import Metadata, MetadataColumn
from biolake.studies.configuration.patterns import GROUPS
from biolake.studies.configuration.pipelines import Pipeline
from biolake.studies.configuration.units import unit_in_name
from biolake.studies.errors import PatternInvalid
from biolake.studies.pipeline_files.read import PipelineFile

_READERS: dict[str, tuple[str, ...]] = {
    "axivity": ("ReadCwa",),
    "geneactiv": ("ReadBin",),
    # The platform reads .gt3x and hands the arrays on.
    "actigraph": ("ReadNumpyFile",),
    "empatica": ("ReadEmpaticaAvro",),
    "apdm": ("ReadApdmH5",),
    "csv": ("ReadCSV",),
    "npz": ("ReadNumpyFile",),
}
_IN_METRES = ("height", "leg_length")


@dataclass(frozen=True)
class Parts:
    """The parts of a document that are in order on their own, and the names of all, in order or not."""

    sources: Mapping[int, Source]
    metadata: Metadata | None
    columns: Mapping[KeyPath, MetadataColumn]
    file_types: Mapping[int, FileType]
    pipelines: Mapping[str, Pipeline]
    source_names: frozenset[str]
    pipeline_names: frozenset[str]
    column_names: frozenset[str]


def check_parts(document: Document, parts: Parts) -> Iterator[Mistake]:
    """Yield what does not fit together, as far as the document alone can tell."""
    yield from _unique(document, "sources", {i: source.name for i, source in parts.sources.items()})
    yield from _unique(document, "file_types", {i: kind.name for i, kind in parts.file_types.items()})
    if parts.metadata is not None:
        for position, file in enumerate(parts.metadata.files):
            path: KeyPath = ("metadata", "files", position, "source")
            yield from _known(document, path, "source", file.source, parts.source_names)
    for path, column in parts.columns.items():
        yield from _unit(document, path, column)
    for position, file_type in parts.file_types.items():
        yield from _file_type(document, ("file_types", position), file_type, parts)
    used = {name for file_type in parts.file_types.values() for name in file_type.pipelines}
    for name, pipeline in parts.pipelines.items():
        yield from _pipeline(document, ("pipelines", name), pipeline, parts)
        if name not in used and len(parts.file_types) > 0:
            yield document.mistake(
                ("pipelines", name),
                f"no file type uses the pipeline {name}.",
                "Name it there or remove it.",
                warning=True,
            )


def check_pipelines(document: Document, parts: Parts, pipeline_files: Mapping[str, PipelineFile]) -> Iterator[Mistake]:
    """Yield what does not fit between the document and its saved pipelines."""
    for name, pipeline in parts.pipelines.items():
        file = pipeline_files.get(name)
        if file is None:
            continue
        path: KeyPath = ("pipelines", name)
        steps = frozenset(step.name for step in file.steps)
        for output in pipeline.outputs:
            yield from _known(document, (*path, "outputs", output), "step", output, steps)
        for key in file.trim_keys:
            if key not in pipeline.pass_:
                message = f"the reader trims at `{key}`, which is not passed."
                yield document.mistake((*path, "pass"), message, f"Add `{key}: metadata.<column>`.")
        if file.has("GaitLumbar", "Gait") and not set(_IN_METRES) & set(pipeline.pass_):
            message = "gait without height or leg length gives no step length and no speed."
            remedy = "Add `pass: {height: metadata.height_m}`."
            yield document.mistake((*path, "pass"), message, remedy, warning=True)
    for position, file_type in parts.file_types.items():
        expected = _READERS.get(file_type.device.expect)
        for index, name in enumerate(file_type.pipelines):
            file = pipeline_files.get(name)
            if expected is None or file is None or file.reader is None:
                continue
            several = file.reader.process.name == "MultiReader"
            reader = file.reader.value("reader") if several else file.reader.process.name
            if file_type.on_duplicate == "concatenate" and not several:
                message = f"{name} reads one file, and recordings of {file_type.name} have several."
                remedy = f"Use a pipeline that begins with MultiReader(mode='concatenate', reader='{expected[0]}')."
                yield document.mistake(("file_types", position, "pipelines", index), message, remedy)
            if reader not in expected:
                message = f"{name} reads with {reader}, and {file_type.name} is {file_type.device.expect}."
                remedy = f"Use a pipeline that reads with {expected[0]}."
                yield document.mistake(("file_types", position, "pipelines", index), message, remedy)


def _known(document: Document, path: KeyPath, kind: str, name: str, known: Iterable[str]) -> Iterator[Mistake]:
    names = sorted(known)
    if name in names:
        return
    close = closest(name, names)
    hint = f"Did you mean `{close}`?" if close else f"There is: {', '.join(names) or 'none'}."
    yield document.mistake(path, f"there is no {kind} `{name}`.", hint)


def _unique(document: Document, section: str, names: Mapping[int, str]) -> Iterator[Mistake]:
    first: dict[str, int] = {}
    for position, name in names.items():
        if name in first:
            line = document.line((section, first[name], "name"))
            message = f"the name `{name}` is taken in line {line}."
            yield document.mistake((section, position, "name"), message, "Choose another.")
        first.setdefault(name, position)


def _unit(document: Document, path: KeyPath, column: MetadataColumn) -> Iterator[Mistake]:
    """Check that a column whose name says a unit says which unit its file has, and ends up in the one it says."""
    name = str(path[-1])
    promised = unit_in_name(name)
    if promised is None or column.type not in ("int", "float"):
        return
    if column.unit is None and promised not in ("years", "months"):
        example = "cm" if promised == "m" else "lb" if promised == "kg" else promised
        remedy = f"Say what the file holds: `unit: {promised}`, or `unit: {example}, to_unit: {promised}`."
        yield document.mistake(path, f"{name} has no unit.", remedy)
    if column.final_unit not in (None, promised):
        message = f"{name} promises {promised} and would hold {column.final_unit}."
        yield document.mistake(path, message, f"Write `to_unit: {promised}`.")


def _file_type(document: Document, path: KeyPath, file_type: FileType, parts: Parts) -> Iterator[Mistake]:
    yield from _known(document, (*path, "source"), "source", file_type.source, parts.source_names)
    for index, name in enumerate(file_type.pipelines):
        yield from _known(document, (*path, "pipelines", index), "pipeline", name, parts.pipeline_names)
    try:
        groups = file_type.name_pattern.groups
    except PatternInvalid:
        return
    where = (*path, "filename_regex")
    if "subject" not in groups:
        yield document.mistake(where, "no group `subject`.", "Name the part of the file name: (?P<subject>...).")
    for group in groups:
        if group not in GROUPS:
            yield from _known(document, where, "group", group, GROUPS)
    for index, group in enumerate(file_type.identity):
        yield from _known(document, (*path, "identity", index), "group in filename_regex", group, groups)
    if "subject" in groups and "subject" not in file_type.identity:
        message = "the identity lacks `subject`, so two participants could be one recording."
        yield document.mistake((*path, "identity"), message, "Add it.")
    for group, name in file_type.device.header_checks.items():
        inside = (*path, "device", "header_checks", group)
        yield from _known(document, inside, "group in filename_regex", group, groups)
        if header_field(name) is None:
            yield document.mistake(inside, f"no header field `{name}` is read.", "See docs/studies.md for their names.")
    if file_type.clock.max_skew_from_filename_date_days is not None and "date" not in groups:
        yield document.mistake(
            (*path, "clock", "max_skew_from_filename_date_days"),
            "the file name has no group `date` to compare with.",
            "Add (?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2}) to filename_regex, or remove the limit.",
        )
    sampling = file_type.device.sampling_hz
    if sampling is not None and not 0 < sampling[0] <= sampling[1]:
        message = f"{list(sampling)} is no range of sampling rates."
        yield document.mistake((*path, "device", "sampling_hz"), message, "Write [lowest, highest].")
    if file_type.recording.min_hours > file_type.recording.max_hours:
        yield document.mistake(
            (*path, "recording", "min_hours"), "`min_hours` is more than `max_hours`.", "Exchange them."
        )


def _pipeline(document: Document, path: KeyPath, pipeline: Pipeline, parts: Parts) -> Iterator[Mistake]:
    for index, column in enumerate(pipeline.requires.metadata):
        inside = (*path, "requires", "metadata", index)
        yield from _known(document, inside, "metadata column", column, parts.column_names)
    for argument, reference in pipeline.pass_.items():
        inside = (*path, "pass", argument)
        column = reference.removeprefix("metadata.")
        yield from _known(document, inside, "metadata column", column, parts.column_names)
        described = parts.metadata.column(column) if parts.metadata else None
        if argument in _IN_METRES and described is not None:
            unit = described.final_unit or unit_in_name(column)
            if described.type not in ("int", "float") or unit != "m":
                found = unit or f"a {described.type} without a unit"
                message = f"SKDH takes {argument} in m, and {column} is {found}."
                yield document.mistake(inside, message, f"Give {column} `unit` and `to_unit: m`.")
    column = pipeline.timezone.column
    if column is not None:
        inside = (*path, "timezone", "from")
        yield from _known(document, inside, "metadata column", column, parts.column_names)
        described = parts.metadata.column(column) if parts.metadata else None
        if described is not None and described.type != "timezone":
            yield document.mistake(inside, f"{column} is a {described.type}.", "Give it `type: timezone`.")
