"""Fixtures that every test may use."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# A slow machine is no failure; speed is measured in benchmarks/.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

_DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data; skips where it is absent, fails in CI."""
    folder = Path(os.environ.get("BIOLAKE_TEST_DATA", _DEFAULT))
    if folder.is_dir():
        return folder
    message = f"no folder of real data at {folder}; set BIOLAKE_TEST_DATA"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture
def new_database(tmp_path: Path) -> Callable[[], str]:
    """Makes empty databases and says their URLs: SQLite here, PostgreSQL where `tests/engines/postgres` runs tests."""
    made: list[str] = []

    def make() -> str:
        made.append(f"sqlite:///{tmp_path}/database{len(made)}.db")
        return made[-1]

    return make


@pytest.fixture(autouse=True)
def no_dagster_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening an instance sets the variable for the whole process: the next test is to know nothing of it."""
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.delenv("DAGSTER_HOME")
