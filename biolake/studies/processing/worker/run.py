"""One recording in one process: a fresh pipeline, the file, and what comes out, written for the platform to read.

Always leaves `result.json` unless the process is ended from outside; a pipeline that raises is a result too.
"""

import json
import os
import platform
import re
import shutil
import time
import traceback
import warnings
from collections.abc import Callable
from typing import Any

from .local_clock import read_local, stamps_are_local
from .overview import keep_overview
from .quality import Unsound, look_at
from .reading import comparable, inputs
from .store import Store

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_MOST_WARNINGS = 200


class UnsafePipeline(Exception):
    """A pipeline that names something other than a process of SKDH, or a place to write outside its folder."""


def run(command: dict[str, Any]) -> None:
    """Run `command` and write what comes out into its folder."""
    import numpy
    import skdh

    folder = command["folder"]
    scratch = os.path.join(folder, "scratch")
    plots = os.path.join(folder, "plots")
    os.makedirs(scratch, exist_ok=True)
    os.makedirs(plots, exist_ok=True)
    os.chdir(plots)
    seen: dict[tuple[str, str], int] = {}
    result: dict[str, Any] = {
        "status": "processed",
        "skdh": skdh.__version__,
        "numpy": numpy.__version__,
        "host": platform.node(),
        "steps": [],
    }
    store = Store(folder, keep_raw=bool(command["keep_raw"]))
    stage = ["loading the pipeline"]
    try:
        with _Heard(seen):
            pipeline, reader = load(command["pipeline"], command)
            stage[0] = "reading"
            arguments, result["read_by"] = inputs(command, reader, scratch)
            command["samples_checked"] = comparable(reader, command["format"])
            _watch(pipeline, reader, command, result, stage)
            outputs = pipeline.run(**arguments)
            stage[0] = "storing"
            del arguments
            samples = int(result.get("read", {}).get("samples", 0))
            processes = {step._name: step._cls_name for step in pipeline._steps}
            for name, output in outputs.items():
                store.add(name, processes.get(name, name), output, samples)
            store.close()
    except Unsound as error:
        result.update(status="unsound", code=error.code, reason=str(error), read=error.found)
    except MemoryError as error:
        result.update(status="oom", stage=stage[0], reason=str(error))
    except Exception as error:
        result.update(
            status="error",
            stage=stage[0],
            error=type(error).__name__,
            reason=str(error)[:2000],
            traceback=traceback.format_exc()[-8000:],
        )
    shutil.rmtree(scratch, ignore_errors=True)
    result["warnings"] = [
        {"category": category, "message": message, "count": count} for (category, message), count in seen.items()
    ]
    with open(os.path.join(folder, "result.json.part"), "w") as file:
        json.dump(result, file)
    os.rename(os.path.join(folder, "result.json.part"), os.path.join(folder, "result.json"))


def load(path: str, command: dict[str, Any]) -> tuple[Any, Any]:
    """Return a fresh pipeline and its first step, which reads the file.

    A recording of several files whose pipeline reads one file gets SKDH's own reader of several in that one's place.

    Raises:
        UnsafePipeline: Loading it would run something else than SKDH.
    """
    import yaml
    from skdh.pipeline import Pipeline, TupleSafeLoader

    with open(path) as file:
        text = file.read()
    document = yaml.load(text, Loader=TupleSafeLoader)  # noqa: S506 - a safe loader with tuples
    steps = document.get("Steps") if isinstance(document, dict) else None
    if not isinstance(steps, list) or not steps:
        raise UnsafePipeline("the pipeline has no list `Steps`")
    for step in steps:
        _require_process(step)
    wrapped = _several(document["Steps"], command)
    pipeline = Pipeline()
    pipeline.load(
        yaml_str=yaml.dump(document) if wrapped else text, process_raise=True, noversion_raise=True, old_raise=True
    )
    return pipeline, pipeline._steps[0]


def _several(steps: list[dict[str, Any]], command: dict[str, Any]) -> bool:
    first = steps[0]
    if len(command["files"]) == 1 or first["process"] == "MultiReader" or not first["module"].startswith("io"):
        return False
    steps[0] = {
        **first,
        "process": "MultiReader",
        "module": "io.multireader",
        "parameters": {
            "mode": "concatenate",
            "reader": first["process"],
            "reader_kw": first["parameters"],
        },
    }
    return True


def _require_process(step: Any) -> None:
    """Refuse a step before SKDH imports and calls whatever it names."""
    import importlib

    from skdh.base import BaseProcess

    if not isinstance(step, dict) or not {"process", "package", "module", "parameters"} <= set(step):
        raise UnsafePipeline("a step lacks `process`, `package`, `module` or `parameters`")
    name = f"{step['package']}.{step['module']}.{step['process']}"
    if step["package"] != "skdh" or not _IDENTIFIER.fullmatch(name) or "._" in name:
        raise UnsafePipeline(f"{name[:200]!r} is no process of skdh")
    try:
        found = getattr(importlib.import_module(f"skdh.{step['module']}"), step["process"], None)
    except ImportError as error:
        raise UnsafePipeline(f"{name!r} is no process of skdh") from error
    if not (isinstance(found, type) and issubclass(found, BaseProcess) and found.__module__.startswith("skdh.")):
        raise UnsafePipeline(f"{name!r} is no process of skdh")
    for key in ("save_file", "plot_file"):
        place = step.get(key)
        if place is not None and (not isinstance(place, str) or os.path.basename(place) != place):
            raise UnsafePipeline(f"{key} of {name} is {str(place)[:200]!r}, not the name of a file")


def _watch(pipeline: Any, reader: Any, command: dict[str, Any], result: dict[str, Any], stage: list[str]) -> None:
    """Note how long every step takes, and look at what the reader read before any algorithm does."""
    for step in pipeline._steps:
        step.predict = _watched(step, step is reader, command, result, stage)


def _watched(
    step: Any, reads: bool, command: dict[str, Any], result: dict[str, Any], stage: list[str]
) -> Callable[..., Any]:
    predict = step.predict
    local = reads and stamps_are_local(step, command)
    if local:
        result["read_by"] += ", its times as the time zone's clock shows them"

    def watched(**arguments: Any) -> Any:
        stage[0] = step._name
        started, busy = time.perf_counter(), time.process_time()
        answer = read_local(predict, arguments) if reads and local else predict(**arguments)
        done: dict[str, Any] = {
            "name": step._name,
            "process": step._cls_name,
            "seconds": time.perf_counter() - started,
            "cpu_seconds": time.process_time() - busy,
        }
        if step._cls_name == "CalibrateAccelerometer":
            # SKDH hands on the very array it was given where it did not calibrate, and only warns.
            done["calibrated"] = answer[0].get("accel") is not arguments.get("accel")
        del arguments
        result["steps"].append(done)
        if reads:
            result["read"] = look_at(answer[1], command)
            keep_overview(answer[1], command["folder"])
        return answer

    return watched


class _Heard:
    """Collects warnings, the first from each line of code, however often it is passed."""

    def __init__(self, seen: dict[tuple[str, str], int]) -> None:
        self._seen = seen
        self._context = warnings.catch_warnings()

    def __enter__(self) -> None:
        self._context.__enter__()
        warnings.simplefilter("default")
        warnings.showwarning = self._note

    def __exit__(self, *details: Any) -> None:
        self._context.__exit__(*details)

    def _note(self, message: Any, category: type, *_: Any, **__: Any) -> None:
        key = (category.__name__, str(message)[:500])
        if key in self._seen or len(self._seen) < _MOST_WARNINGS:
            self._seen[key] = self._seen.get(key, 0) + 1
