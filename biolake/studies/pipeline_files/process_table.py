"""What a version of SciKit-Digital-Health can do, from the recorded tables, so that SKDH need not be imported to know.

The tables and the script that makes them are in `skdh_tables/`. Checking a pipeline against one is `read`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from biolake.studies.errors import ProcessTableMissing


@dataclass(frozen=True)
class Parameter:
    """A parameter of a process."""

    required: bool
    default: object


@dataclass(frozen=True)
class Process:
    """A public process.

    Attributes:
        path: Module and class below `skdh`, as a saved pipeline has them.
        exported: Its public name, `skdh.io.ReadBin`.
        parameters: By name.
    """

    path: str
    exported: str
    parameters: Mapping[str, Parameter]

    @property
    def name(self) -> str:
        """The class's name."""
        return self.path.rsplit(".", 1)[-1]

    @property
    def is_reader(self) -> bool:
        """Whether it reads a file."""
        return self.exported.startswith("skdh.io.")


@dataclass(frozen=True)
class ProcessTable:
    """All processes, named cut-points (with their levels) and metrics of a version."""

    skdh_version: str
    processes: Mapping[str, Process]
    cutpoints: Mapping[str, tuple[str, ...]]
    metrics: frozenset[str]

    def find(self, module: str, process: str) -> Process | None:
        """Return the process that a pipeline names by its own module or by the package that exports it."""
        own = self.processes.get(f"{module}.{process}")
        public = f"skdh.{module}.{process}"
        return own or next((entry for entry in self.processes.values() if entry.exported == public), None)

    @property
    def readers(self) -> tuple[str, ...]:
        """Class names of the readers."""
        return tuple(entry.name for entry in self.processes.values() if entry.is_reader)


def recorded_versions() -> tuple[str, ...]:
    """Return the versions that have a table, oldest first."""
    names = [
        entry.name
        for entry in files("biolake.studies.pipeline_files.skdh_tables").iterdir()
        if entry.name.endswith(".json")
    ]
    return tuple(sorted((name.removesuffix(".json") for name in names), key=_order))


@cache
def process_table(version: str) -> ProcessTable:
    """Return the table of a version.

    Raises:
        ProcessTableMissing: None is recorded for it.
    """
    if version not in recorded_versions():
        raise ProcessTableMissing(
            f"SKDH {version}: its processes are not recorded, only those of {', '.join(recorded_versions())}. "
            f"Run biolake/studies/pipeline_files/skdh_tables/record.py with the runtime's Python."
        )
    content = json.loads(files("biolake.studies.pipeline_files.skdh_tables").joinpath(f"{version}.json").read_text())
    return ProcessTable(
        skdh_version=content["skdh_version"],
        processes={
            path: Process(
                path,
                entry["exported"],
                {
                    name: Parameter(bool(value["required"]), value.get("default"))
                    for name, value in entry["parameters"].items()
                },
            )
            for path, entry in content["processes"].items()
        },
        cutpoints={name: tuple(levels) for name, levels in content["cutpoints"].items()},
        metrics=frozenset(content["metrics"]),
    )


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
