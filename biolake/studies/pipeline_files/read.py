"""Checks of a saved SciKit-Digital-Health pipeline before SKDH sees it, made without importing SKDH.

Loading a pipeline calls whatever `package.module.process` names, so a file may name only processes that are recorded in
`process_table`. SKDH itself drops unknown steps and replaces unknown cut-points with a warning; here both are mistakes.
Checks of single parameter values are in `parameters`. Source: skdh.pipeline.Pipeline.load, versions 0.17.x.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from biolake.documents.errors import Mistake
from biolake.documents.read import Dialect, Document, KeyPath, read_document
from biolake.documents.suggestions import closest
from biolake.studies.errors import ProcessTableMissing
from biolake.studies.pipeline_files.parameters import check_value
from biolake.studies.pipeline_files.process_table import Process, ProcessTable, process_table

_DIALECT = Dialect(aliases=True, tuples=True, yaml_1_1=True)
_STEP_KEYS = ("name", "process", "package", "module", "parameters", "save_file", "plot_file")
_NEED_DAY_WINDOWS = frozenset({"Sleep", "ActivityLevelClassification", "StaudenmayerClassification"})


@dataclass(frozen=True)
class Step:
    """One step of a saved pipeline.

    Attributes:
        name: Under which its results are returned.
        process: What it is.
        parameters: As saved.
        path: Where it stands in the document.
    """

    name: str
    process: Process
    parameters: Mapping[str, Any]
    path: KeyPath = ()

    def value(self, parameter: str) -> Any:
        """Return a parameter's value, its default where it is not saved."""
        if parameter in self.parameters:
            return self.parameters[parameter]
        known = self.process.parameters.get(parameter)
        return known.default if known else None

    @property
    def day_window(self) -> tuple[int, int] | None:
        """First hour and number of hours of the step's days; None where it has none."""
        window = self.value("day_window")
        return (window[0], window[1]) if isinstance(window, list | tuple) and len(window) == 2 else None


@dataclass(frozen=True)
class PipelineFile:
    """A saved pipeline that may be given to SKDH.

    Attributes:
        name: Its path from the configuration document's folder.
        sha256: Hash of its bytes.
        skdh_version: By which version it was saved.
        steps: In order.
        content: Its bytes.
    """

    name: str
    sha256: str
    skdh_version: str
    steps: tuple[Step, ...]
    content: bytes = field(repr=False)

    @property
    def reader(self) -> Step | None:
        """The step that reads the file."""
        return next((step for step in self.steps if step.process.is_reader), None)

    @property
    def trim_keys(self) -> tuple[str, ...]:
        """Names of the arguments by which the reader is told where the wear began and ended."""
        keys = self.reader.value("trim_keys") if self.reader else None
        return tuple(key for key in keys if isinstance(key, str)) if isinstance(keys, list | tuple) else ()

    def has(self, *classes: str) -> bool:
        """Say whether one of the classes is a step."""
        return any(step.process.name in classes for step in self.steps)


@dataclass(frozen=True)
class DayWindows:
    """The study's day windows, with which a pipeline's must agree: first hour and number of hours."""

    activity: tuple[int, int]
    sleep: tuple[int, int]


def read_pipeline(
    content: bytes, name: str, skdh_version: str, windows: DayWindows
) -> tuple[PipelineFile | None, list[Mistake]]:
    """Read and check a saved pipeline.

    Args:
        content: The file's bytes.
        name: What mistakes call it.
        skdh_version: The version of the runtime it will run in.
        windows: The study's day windows.

    Returns:
        The pipeline, None where it has errors; and all mistakes.
    """
    document, mistakes = read_document(content, name, _DIALECT)
    if mistakes and not document.lines:
        return None, mistakes
    try:
        table = process_table(skdh_version)
    except ProcessTableMissing as error:
        return None, [*mistakes, document.mistake((), str(error), "")]
    reading = _Reading(document, table)
    steps = reading.steps()
    _check_order(document, steps, windows, mistakes)
    mistakes = sorted([*mistakes, *reading.mistakes], key=lambda mistake: mistake.line)
    if any(mistake.severity == "error" for mistake in mistakes):
        return None, mistakes
    digest = hashlib.sha256(content).hexdigest()
    return PipelineFile(name, digest, skdh_version, tuple(steps), content), mistakes


class _Reading:
    """Takes the steps from a document and gathers what is wrong with each."""

    def __init__(self, document: Document, table: ProcessTable) -> None:
        self.document = document
        self.table = table
        self.mistakes: list[Mistake] = []

    def _add(self, path: KeyPath, message: str, remedy: str) -> None:
        self.mistakes.append(self.document.mistake(path, message, remedy))

    def steps(self) -> list[Step]:
        """Return the steps that can be understood."""
        content = self.document.value
        if not isinstance(content, dict) or "Steps" not in content or "Version" not in content:
            self._add((), "no saved pipeline: `Steps` or `Version` is missing.", "Save it with SKDH's Pipeline.save.")
            return []
        for key in content:
            if key not in ("Steps", "Version"):
                self._add((key,), f"unknown key `{key}`.", "Remove it.")
        if content["Version"] != self.table.skdh_version:
            self._add(
                ("Version",),
                f"saved by SKDH {content['Version']}, and the runtime has {self.table.skdh_version}.",
                "Load and save it again in that runtime, or choose the runtime it was saved in.",
            )
        saved = content["Steps"]
        if not isinstance(saved, list) or not saved:
            self._add(("Steps",), "no steps.", "Add steps before saving the pipeline.")
            return []
        steps = [self._step(entry, ("Steps", position)) for position, entry in enumerate(saved)]
        found = [step for step in steps if step is not None]
        self._check_names(found)
        return found

    def _step(self, entry: Any, path: KeyPath) -> Step | None:
        if not isinstance(entry, dict):
            self._add(path, "a step is a mapping.", "Save the pipeline again with SKDH.")
            return None
        missing = [key for key in _STEP_KEYS if key not in entry]
        for key in entry:
            if key not in _STEP_KEYS:
                self._add((*path, key), f"unknown key `{key}`.", "Save the pipeline again with SKDH.")
        if missing:
            self._add(path, f"`{'`, `'.join(missing)}` missing.", "Save the pipeline again with SKDH.")
            return None
        for key in ("save_file", "plot_file"):
            if entry[key] is not None:
                remedy = f"Save it with `{key}: null`; results are written by the platform."
                self._add((*path, key), f"the step would write files by itself ({entry[key]}).", remedy)
        process = self._process(entry, path)
        name = entry["name"] if entry["name"] is not None else entry["process"]
        if not isinstance(name, str):
            self._add((*path, "name"), f"the name {name!r} is not text.", "Put it in quotes.")
            return None
        if process is None:
            return None
        parameters = entry["parameters"] if entry["parameters"] is not None else {}
        if not isinstance(parameters, dict):
            self._add((*path, "parameters"), "parameters are a mapping.", "Save the pipeline again with SKDH.")
            return None
        self._check_parameters(process, parameters, (*path, "parameters"))
        return Step(name, process, parameters, path)

    def _process(self, entry: Mapping[str, Any], path: KeyPath) -> Process | None:
        package, module, name = entry["package"], entry["module"], entry["process"]
        if package != "skdh":
            self._add((*path, "package"), f"the package `{package}` is not skdh.", "Only skdh's own processes may run.")
            return None
        process = self.table.find(module, name) if isinstance(module, str) and isinstance(name, str) else None
        if process is None:
            names = [known.name for known in self.table.processes.values()]
            close = closest(str(name), names)
            hint = f"Did you mean {close}?" if close else "See docs/studies.md for those there are."
            message = f"skdh.{module}.{name} is no process of SKDH {self.table.skdh_version}."
            self._add((*path, "process"), message, hint)
        return process

    def _check_parameters(self, process: Process, parameters: Mapping[str, Any], path: KeyPath) -> None:
        for name, value in parameters.items():
            if name not in process.parameters:
                close = closest(name, process.parameters)
                hint = f"Did you mean `{close}`?" if close else "Remove it, or save the pipeline in this version."
                message = f"{process.name} has no parameter `{name}` in SKDH {self.table.skdh_version}."
                self._add((*path, name), message, hint)
                continue
            fault = check_value(process, name, value, self.table)
            if fault is not None:
                self._add((*path, name), fault.message, fault.remedy)
        for name, known in process.parameters.items():
            if known.required and name not in parameters:
                self._add(path, f"{process.name} needs the parameter `{name}`.", "Give it and save the pipeline again.")

    def _check_names(self, steps: list[Step]) -> None:
        seen: set[str] = set()
        for step in steps:
            if step.name in seen:
                message = f"two steps are called {step.name}, and SKDH would rename one."
                self._add((*step.path, "name"), message, "Give each its own `name`.")
            seen.add(step.name)


def _check_order(document: Document, steps: list[Step], windows: DayWindows, mistakes: list[Mistake]) -> None:
    """Check that readers come first and that every step finds the days it works on."""
    indexed: set[tuple[int, int]] = set()
    if steps and not steps[0].process.is_reader:
        message = f"{steps[0].process.name} is the first step, and nothing is read before it."
        mistakes.append(document.mistake(steps[0].path, message, "Begin with the reader of the device."))
    for position, step in enumerate(steps):
        name = step.process.name
        if step.process.is_reader and position > 0 and steps[0].process.is_reader:
            mistakes.append(document.mistake(step.path, f"{name} is not the first step.", "Read the file first, once."))
        if name == "GetDayWindowIndices":
            indexed |= _indexed(step)
            continue
        window = step.day_window
        if window is None:
            continue
        where = (*step.path, "parameters", "day_window")
        if name in _NEED_DAY_WINDOWS:
            key, wanted = ("sleep_window", windows.sleep) if name == "Sleep" else ("activity_window", windows.activity)
            if window != wanted:
                message = f"{name} has the day window {list(window)}, and the study's days.{key} is {list(wanted)}."
                mistakes.append(document.mistake(where, message, "Make them equal."))
        if window not in indexed:
            needed = name in _NEED_DAY_WINDOWS
            message = f"no GetDayWindowIndices before {name} has base {window[0]} and period {window[1]}."
            remedy = "Add them to its `bases` and `periods`." if needed else "Add the step, or the days are not split."
            mistakes.append(document.mistake(where, message, remedy, warning=not needed))


def _indexed(step: Step) -> set[tuple[int, int]]:
    bases, periods = step.value("bases"), step.value("periods")
    if isinstance(bases, int) and isinstance(periods, int):
        return {(bases, periods)}
    if isinstance(bases, list | tuple) and isinstance(periods, list | tuple):
        return set(zip(bases, periods, strict=False))
    return set()
