"""What a deployment must keep to itself is in nothing that its runs leave behind."""

import logging
from pathlib import Path

import pytest

from biolake.settings import Settings
from tests.platform.conftest import made_deployment, matrix_csv
from tests.platform.test_run_failures import outage

SECRETS = {
    "BIOLAKE_LEDGER_PASSWORD": "ledger-s3cret-1",
    "BIOLAKE_INDEX_PASSWORD": "index-s3cret-3",
    "BIOLAKE_WEBHOOK_TEAM": "http://127.0.0.1:9/hook-s3cret-4",
    "AWS_SECRET_ACCESS_KEY": "aws-s3cret-5",
}


def test_no_secret_is_stored_logged_or_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Runs that succeed and runs that fail: their events, configuration, tags, metadata and logs."""
    from platform_assets.home import dagster_home, open_instance

    caplog.set_level(logging.DEBUG)
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BIOLAKE_INDEX_USER", "someone")
    mounted = tmp_path / "password"
    mounted.write_text(SECRETS["BIOLAKE_LEDGER_PASSWORD"])
    monkeypatch.delenv("BIOLAKE_LEDGER_PASSWORD")
    monkeypatch.setenv("BIOLAKE_LEDGER_PASSWORD_FILE", str(mounted))
    home = tmp_path / "home"
    home.mkdir()
    with (
        made_deployment(home, monkeypatch) as deployment,
        open_instance(dagster_home(home)) as instance,
    ):
        settings = Settings.from_environment()
        assert settings.ledger_password is not None
        assert settings.ledger_password.get_secret_value() == SECRETS["BIOLAKE_LEDGER_PASSWORD"]
        deployment.instance = instance
        deployment.put("lab/GOOD.csv", matrix_csv())
        deployment.put("lab/BROKEN.csv", "gene,s1\nTP53,many\n")
        deployment.drive()
        outage(monkeypatch, runs=1)
        deployment.put("lab/LATER.csv", matrix_csv())
        deployment.drive()
        assert {run.status.value for run in deployment.runs()} == {"SUCCESS", "FAILURE"}
        deployment.platform.close()
    left = [path for path in home.rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" for path in left if "dagster" in path.parts)
    told = [caplog.text.encode(), *(part.encode() for part in capfd.readouterr())]
    for secret in SECRETS.values():
        marked = secret.rsplit("/", 1)[-1].encode()
        assert not [path for path in left if marked in path.read_bytes()]
        assert not [text for text in told if marked in text]
