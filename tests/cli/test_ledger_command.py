"""`biolake ledger` says what a ledger's schema is and upgrades it; other commands refuse what they cannot work with."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from biolake.cli.main import app
from biolake.errors import BiolakeError
from biolake.ledger.migrate import HEAD, VERSION_TABLE

DUMP = Path(__file__).resolve().parents[1] / "ledger" / "dumps" / "0001.sqlite.sql"


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The ledger of a deployment that an earlier version made."""
    monkeypatch.setenv("BIOLAKE_HOME", str(tmp_path))
    path = tmp_path / "ledger.db"
    connection = sqlite3.connect(path)
    connection.executescript(DUMP.read_text(encoding="utf-8"))
    connection.close()
    return path


def ledger(*arguments: str) -> tuple[int, dict[str, str]]:
    done = CliRunner().invoke(app, ["ledger", *arguments, "--json"])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, json.loads(done.stdout)


def test_status_changes_nothing_and_upgrade_does(old: Path) -> None:
    code, told = ledger("status")
    assert (code, told["state"], told["revision"], told["newest"]) == (1, "outdated", "0001", HEAD)
    assert "biolake ledger upgrade" in told["remedy"]
    assert ledger("status")[0] == 1
    code, told = ledger("upgrade")
    assert (code, told["state"], told["before"], told["revision"]) == (0, "current", "0001", HEAD)
    assert ledger("status")[0] == 0
    assert CliRunner().invoke(app, ["jobs", "--state", "ERRORED"]).stdout.count("broken") == 1


def test_a_deployment_that_was_never_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIOLAKE_HOME", str(tmp_path))
    assert ledger("status")[1]["state"] == "empty"
    assert ledger("upgrade")[1]["before"] is None
    assert ledger("status")[1]["state"] == "current"


def test_the_doctor_and_other_commands_on_a_newer_ledger(old: Path) -> None:
    ledger("upgrade")
    with sqlite3.connect(old) as connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    shutil.copyfile(old, old.with_suffix(".before"))
    done = CliRunner().invoke(app, ["jobs"])
    assert isinstance(done.exception, BiolakeError)
    assert done.exception.code == "LEDGER_TOO_NEW"
    findings = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).stdout)["findings"]
    (found,) = [one for one in findings if (one["engine"], one["check"]) == ("ledger", "schema")]
    assert (found["verdict"], found["found"]) == ("problem", "revision 9999")
    assert old.read_bytes() == old.with_suffix(".before").read_bytes()
