"""Wrong settings stop every command with exit code 2; `biolake settings` shows all of them, and no secret."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from biolake.cli.main import app
from biolake.settings import Settings

SECRET = "c0rrect-h0rse"


def biolake(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BIOLAKE_")}
    return subprocess.run(
        [sys.executable, "-m", "biolake.cli", *arguments],
        env={**environment, **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_command_with_wrong_settings(tmp_path: Path):
    wrong = {"BIOLAKE_HOME": str(tmp_path), "BIOLAKE_LOT_DATASETS": "0", "BIOLAKE_LEDGR": SECRET}
    done = biolake("jobs", **wrong)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "INVALID_SETTING BIOLAKE_LOT_DATASETS: input should be greater than or equal to 1. Correct or unset it.",
        "BIOLAKE_LEDGR: no setting has that name. Did you mean BIOLAKE_LEDGER?",
    ] or set(done.stderr.splitlines()) == {
        "INVALID_SETTING BIOLAKE_LEDGR: no setting has that name. Did you mean BIOLAKE_LEDGER?",
        "BIOLAKE_LOT_DATASETS: input should be greater than or equal to 1. Correct or unset it.",
    }
    assert list(tmp_path.iterdir()) == []


def test_help_is_given_whatever_the_settings():
    assert biolake("jobs", "--help", BIOLAKE_LOT_DATASETS="0").returncode == 0


@pytest.mark.parametrize(
    "command",
    [
        ["up"],
        ["settings"],
        ["doctor"],
        ["reconcile"],
        ["query", "SELECT 1"],
        ["repository", "list"],
        ["study", "list"],
        ["notifications"],
    ],
)
def test_every_command_reads_them_first(command: list[str], monkeypatch: pytest.MonkeyPatch):
    from biolake.environment.errors import InvalidSetting

    monkeypatch.setenv("BIOLAKE_PROFILE", "production")
    done = CliRunner().invoke(app, command)
    assert isinstance(done.exception, InvalidSetting)


def test_the_code_server_refuses_wrong_settings(monkeypatch: pytest.MonkeyPatch):
    from biolake.environment.errors import InvalidSetting
    from platform_assets.definitions import definitions

    monkeypatch.setenv("BIOLAKE_PROFILE", "production")
    with pytest.raises(InvalidSetting, match="BIOLAKE_LANDING"):
        definitions()


def test_settings_are_shown_without_secrets(tmp_path: Path):
    path = tmp_path / "password"
    path.write_text(f"{SECRET}\n")
    variables = {
        "BIOLAKE_HOME": str(tmp_path / "home"),
        "BIOLAKE_INDEX": f"https://me:{SECRET}@search:9200",
        "BIOLAKE_LEDGER_PASSWORD_FILE": str(path),
        "BIOLAKE_WEBHOOK_TEAM": f"https://hooks/{SECRET}",
    }
    done = biolake("settings", "--json", **variables)
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout
    shown = {one["variable"]: (one["value"], one["origin"]) for one in json.loads(done.stdout)}
    assert shown["BIOLAKE_INDEX"] == ("https://search:9200", "BIOLAKE_INDEX")
    assert shown["BIOLAKE_INDEX_USER"] == ("me", "BIOLAKE_INDEX (in the URL)")
    assert shown["BIOLAKE_LEDGER_PASSWORD"] == ("***", f"BIOLAKE_LEDGER_PASSWORD_FILE ({path})")
    assert shown["BIOLAKE_WEBHOOK_TEAM"][0] == "***"
    assert len(shown) == len(Settings.model_fields) + 1
    people = biolake("settings", **variables)
    assert "BIOLAKE_SETTLE_SECONDS" in people.stdout
    assert SECRET not in people.stdout + people.stderr
