"""Which `DAGSTER_HOME` a deployment has, and what it says where its storage cannot be used."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from biolake.cli.main import app
from biolake.cli.up import EnginesNotReady, up
from biolake.doctor.models import Examination, Finding, problem
from biolake.settings import Settings
from platform_assets.home import DagsterStorageNotSet, DagsterStorageUnavailable, made_instance_folder, ready_instance

PRODUCTION = {
    "BIOLAKE_PROFILE": "production",
    "BIOLAKE_LANDING": "s3://landing",
    "BIOLAKE_LAKE": "s3://lake",
    "BIOLAKE_LEDGER": "postgresql://biolake@127.0.0.1:9/ledger",
    "BIOLAKE_INDEX": "http://127.0.0.1:9",
}


@pytest.fixture
def production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Settings]:
    """Settings of a production deployment, of which no engine is there."""
    for name, value in {**PRODUCTION, "BIOLAKE_HOME": str(tmp_path / "home")}.items():
        monkeypatch.setenv(name, value)
    # What is set and unset is as before after the test.
    for name in ("DAGSTER_HOME", "DAGSTER_POSTGRES_URL"):
        monkeypatch.setenv(name, "")
    return Settings.from_environment


def test_a_local_deployment_takes_no_other_projects_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BIOLAKE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "another project"))
    folder = made_instance_folder(Settings.from_environment())
    assert folder == (tmp_path / "home" / "dagster").resolve()
    assert "PooledSqliteStorage" in (folder / "dagster.yaml").read_text()
    assert not (tmp_path / "another project").exists()


def test_production_takes_the_folder_that_is_named(
    production: Callable[[], Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "instance"))
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", "postgresql://dagster@127.0.0.1:9/dagster")
    folder = made_instance_folder(production())
    assert folder == (tmp_path / "instance").resolve()
    assert "PooledPostgresStorage" in (folder / "dagster.yaml").read_text()


def test_production_without_the_address_of_dagsters_database(production: Callable[[], Settings]):
    with pytest.raises(DagsterStorageNotSet, match="DAGSTER_POSTGRES_URL is not set"):
        made_instance_folder(production())


def test_a_database_of_dagsters_that_is_not_there(production: Callable[[], Settings], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", "postgresql://dagster:s3cret-7@127.0.0.1:9/dagster")
    settings = production()
    with pytest.raises(DagsterStorageUnavailable, match="DAGSTER_POSTGRES_URL") as told:
        ready_instance(settings.home, made_instance_folder(settings))
    assert "s3cret-7" not in str(told.value)


def test_production_starts_nothing_on_engines_that_do_not_work(
    production: Callable[[], Settings], monkeypatch: pytest.MonkeyPatch
):
    def told(engine: str, remedy: str) -> Examination:
        found: list[Finding] = [problem(engine, "reachable", "it is not", remedy)]
        return Examination(engine, lambda: iter(found))

    monkeypatch.setenv("DAGSTER_POSTGRES_URL", "postgresql://dagster@127.0.0.1:9/dagster")
    monkeypatch.setattr(
        "biolake.cli.up.examinations",
        lambda _: [told("index", "Correct BIOLAKE_INDEX."), told("documents", "Correct lab.yaml.")],
    )
    production()
    with pytest.raises(EnginesNotReady) as error:
        up(port=3999, host="127.0.0.1")
    assert str(error.value) == "nothing was started.\nindex: reachable: it is not. Correct BIOLAKE_INDEX."


def test_the_doctor_says_that_dagsters_storage_is_not_named(
    production: Callable[[], Settings], monkeypatch: pytest.MonkeyPatch
):
    settings = production()
    folder = settings.home / "dagster"
    folder.mkdir(parents=True)
    (folder / "dagster.yaml").write_text("storage:\n  postgres:\n    postgres_url: {env: DAGSTER_POSTGRES_URL}\n")
    monkeypatch.setattr("biolake.cli.doctor.examinations", lambda _: [])
    done = CliRunner().invoke(app, ["doctor", "--json"])
    (found,) = json.loads(done.stdout)["findings"]
    assert (done.exit_code, found["verdict"]) == (1, "problem")
    assert "DAGSTER_POSTGRES_URL is not set" in found["found"]
