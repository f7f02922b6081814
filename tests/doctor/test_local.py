"""`biolake doctor` on one machine: nothing to say when all is well, and each thing that is not with its remedy."""

import json
import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from biolake.cli.main import app
from biolake.doctor import check_machine
from tests.platform.conftest import Deployment, matrix_csv


@pytest.fixture
def stocked(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A deployment with a dataset and the local Dagster instance."""
    from platform_assets.drive import local_instance

    deployment.put("lab/D1.csv", matrix_csv())
    with local_instance(deployment.platform.settings.home) as instance:
        deployment.instance = instance
        deployment.drive()
    monkeypatch.setattr(check_machine, "_LITTLE_BYTES", 1)
    monkeypatch.setattr(check_machine, "_TOO_LITTLE_BYTES", 0)
    return deployment


def doctor() -> tuple[int, dict[tuple[str, str], tuple[str, str, str]]]:
    """The exit code, and by engine and check the verdict, what was found and what to do."""
    done = CliRunner().invoke(app, ["doctor", "--json"])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    told = json.loads(done.stdout)
    found = {(one["engine"], one["check"]): (one["verdict"], one["found"], one["remedy"]) for one in told["findings"]}
    assert told["healthy"] == (done.exit_code == 0)
    for verdict, _, remedy in found.values():
        assert bool(remedy) == (verdict in {"problem", "warning"})
    return done.exit_code, found


def wrong(found: dict[tuple[str, str], tuple[str, str, str]]) -> set[tuple[str, str]]:
    return {question for question, (verdict, _, _) in found.items() if verdict == "problem"}


def test_a_deployment_in_use(stocked: Deployment):
    code, found = doctor()
    assert code == 0
    asked = {engine for engine, _ in found}
    assert asked == {
        "machine", "documents", "runtimes", "landing", "lake", "events", "notifications", "ledger", "index",
        "dagster",
    }  # fmt: skip
    assert found["lake", "conditional put"][0] == "ok"
    assert found["index", "reachable"][1].endswith("1 documents")
    assert found["dagster", "daemon"][0] == "warning", "nobody runs `biolake up` here"
    for folder in ("landing", "lake"):
        probes = stocked.platform.settings.home / folder / ".biolake-doctor"
        assert not probes.exists() or not list(probes.iterdir())
    assert stocked.drive() == []
    assert stocked.reconciled().differences == ()


def test_a_deployment_that_was_never_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BIOLAKE_HOME", str(tmp_path / "new"))
    monkeypatch.setattr(check_machine, "_TOO_LITTLE_BYTES", 0)
    code, found = doctor()
    assert code == 0
    assert found["ledger", "reachable"][0] == "skipped"
    assert not (tmp_path / "new").exists(), "looking makes nothing"


def test_a_document_with_mistakes(stocked: Deployment):
    stocked.document("other", "name: other\ntitel: Oops\n")
    code, found = doctor()
    assert code == 1
    assert wrong(found) == {("documents", "repositories")}
    assert "titel" in found["documents", "repositories"][1]


def test_a_ledger_that_is_damaged(stocked: Deployment):
    stocked.platform.close()
    path = stocked.platform.settings.home / "ledger.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)
    code, found = doctor()
    assert code == 1
    assert {engine for engine, _ in wrong(found)} == {"ledger"}


def test_folders_that_may_not_be_written(stocked: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Permissions do not stop root: a file stands in the place of the folder of probes."""
    (stocked.platform.settings.home / "landing" / ".biolake-doctor").write_text("in the way")
    code, found = doctor()
    assert code == 1
    assert wrong(found) == {("landing", "put")}
    assert found["landing", "put"][2] == "Let this user read and write the folder."


def test_a_disk_that_is_full(stocked: Deployment, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(check_machine, "_TOO_LITTLE_BYTES", 1 << 62)
    _, found = doctor()
    assert wrong(found) == {("machine", "disk of the state folder"), ("machine", "disk for temporary files")}


@contextmanager
def takes_connections_and_says_nothing() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        yield server.getsockname()[1]


def test_engines_that_do_not_answer(stocked: Deployment, monkeypatch: pytest.MonkeyPatch):
    """Each of them is told, and what works is still found to work."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed}")
    monkeypatch.setenv("BIOLAKE_LAKE", "s3://lake/tables")
    monkeypatch.setenv("BIOLAKE_LEDGER", f"postgresql://me:s3cret@127.0.0.1:{closed}/ledger")
    with takes_connections_and_says_nothing() as silent:
        monkeypatch.setenv("BIOLAKE_INDEX", f"http://127.0.0.1:{silent}")
        code, found = doctor()
    assert code == 1
    assert wrong(found) == {(engine, "reachable") for engine in ("lake", "ledger", "index")}
    assert "s3cret" not in json.dumps(list(found.values()))
    assert found["landing", "delete"][0] == "ok"
    assert found["documents", "repositories"][0] == "ok"


def test_wrong_settings_are_told_before_anything_is_asked(stocked: Deployment, monkeypatch: pytest.MonkeyPatch):
    from biolake.environment.errors import InvalidSetting

    monkeypatch.setenv("BIOLAKE_LAKE", "https://lake")
    done = CliRunner().invoke(app, ["doctor"])
    assert isinstance(done.exception, InvalidSetting)
