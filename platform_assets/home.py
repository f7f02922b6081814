"""Where Dagster keeps its own state in a local deployment."""

import os
import shutil
from pathlib import Path

import dagster as dg


def dagster_home(home: Path) -> Path:
    """Return the deployment's `DAGSTER_HOME`, made with the project's `dagster.yaml` where it is missing."""
    folder = home / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "dagster.yaml"
    if not target.exists():
        shutil.copyfile(project_file("dagster.yaml"), target)
    return folder


def open_instance(folder: Path) -> dg.DagsterInstance:
    """Open the instance of a `DAGSTER_HOME`, which is this process's from now on, as `dagster.yaml` refers to it."""
    os.environ["DAGSTER_HOME"] = str(folder.resolve())
    return dg.DagsterInstance.from_config(str(folder))


def project_file(name: str) -> Path:
    """A file of the project's top level: beside this package in a checkout, within it in a wheel."""
    beside = Path(__file__).resolve().parent.parent / name
    return beside if beside.exists() else Path(__file__).resolve().parent / name
