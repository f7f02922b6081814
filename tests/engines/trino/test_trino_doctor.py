"""What `biolake doctor` says of a real Trino, and `biolake query` asking it as the settings say."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from biolake.cli.main import app
from tests.engines.servers.process import free_port
from tests.engines.servers.trino import INDEX_CATALOG, VERSION, TrinoServer
from tests.sql.made_lake import MadeLake

pytestmark = pytest.mark.trino

Findings = dict[str, tuple[str, str, str]]


@pytest.fixture
def doctor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trino: TrinoServer, read_lake: MadeLake
) -> Callable[..., Findings]:
    monkeypatch.setenv("BIOLAKE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BIOLAKE_LAKE", read_lake.url)

    def ask(url: str = trino.url, catalog: str = "lake") -> Findings:
        monkeypatch.setenv("BIOLAKE_TRINO_URL", url)
        monkeypatch.setenv("BIOLAKE_TRINO_CATALOG", catalog)
        told = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).stdout)["findings"]
        return {one["check"]: (one["verdict"], one["found"], one["remedy"]) for one in told if one["engine"] == "sql"}

    return ask


def test_a_server_in_order(doctor: Callable[..., Findings]) -> None:
    found = doctor()
    assert {check: verdict for check, (verdict, _, _) in found.items()} == {
        "reachable": "ok",
        "version": "ok",
        "catalog": "ok",
    }
    assert VERSION in found["version"][1]


def test_another_kind_of_catalog(doctor: Callable[..., Findings]) -> None:
    found = doctor(catalog=INDEX_CATALOG)
    assert found["catalog"][0] == "problem"
    assert "BIOLAKE_TRINO_CATALOG" in found["catalog"][2]


def test_a_server_that_is_not_there(doctor: Callable[..., Findings]) -> None:
    found = doctor(url=f"http://127.0.0.1:{free_port()}")
    assert set(found) == {"reachable"}
    assert found["reachable"][0] == "problem"


def test_the_command_asks_trino(doctor: Callable[..., Findings]) -> None:
    doctor()
    done = CliRunner().invoke(app, ["query", "--json", "SELECT count(*) AS n FROM geo.datasets"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == [{"n": 2}]
