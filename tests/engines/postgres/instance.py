"""Dagster's instance of the production profile, on a database of its own."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

PROJECT = Path(__file__).resolve().parents[3]


@contextmanager
def production_instance(folder: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """The instance that `dagster-production.yaml` describes."""
    folder.mkdir(exist_ok=True)
    shutil.copyfile(PROJECT / "dagster-production.yaml", folder / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", url)
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        yield instance
