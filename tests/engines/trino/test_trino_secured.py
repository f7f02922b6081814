"""A Trino behind TLS that asks for a password: let in, and told what to set where it does not."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import certifi
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from biolake.cli.main import app
from biolake.sql import errors
from biolake.sql.trino import TrinoEngine
from biolake.sql.trino_connection import TrinoAddress
from biolake.sql.versions import LakeVersions
from tests.engines.servers import trino as trino_server
from tests.engines.servers.missing import unavailable
from tests.engines.servers.trino import LAKE_CATALOG, TrinoServer
from tests.engines.servers.versitygw import S3Server
from tests.engines.trino.conftest import LIMITS
from tests.sql.made_lake import MadeLake

pytestmark = pytest.mark.trino

USER, PASSWORD, WRONG = "platform", "c0rrect-h0rse", "b4ttery-st4ple"
COUNT = "SELECT count(*) AS n FROM geo.datasets"


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory, s3: S3Server) -> Iterator[TrinoServer]:
    if missing := trino_server.tools():
        unavailable(missing)
    server = TrinoServer(tmp_path_factory.mktemp("secured") / "node", s3.environment, users={USER: PASSWORD})
    server.start()
    yield server
    server.stop()


@pytest.fixture
def let_in(secured: TrinoServer) -> TrinoAddress:
    return TrinoAddress(secured.url, USER, SecretStr(PASSWORD), secured.authority, LAKE_CATALOG)


def refusal(lake: MadeLake, address: TrinoAddress, caplog: pytest.LogCaptureFixture) -> str:
    """What a statement is told, which neither the message, its causes nor the log says a password in."""
    caplog.set_level(logging.DEBUG)
    with (
        TrinoEngine(LakeVersions(lake.url), address, limits=LIMITS) as engine,
        pytest.raises(errors.TrinoUnavailable) as caught,
    ):
        engine.query(COUNT)
    said, cause = caplog.text, caught.value
    while cause is not None:
        said += f"{cause!s}{cause!r}"
        cause = cause.__cause__ or cause.__context__
    assert PASSWORD not in said
    assert WRONG not in said
    return str(caught.value)


def test_the_right_password_lets_in(let_in: TrinoAddress, read_lake: MadeLake, monkeypatch: pytest.MonkeyPatch) -> None:
    # The system's own authorities do not replace the one that was told.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    with TrinoEngine(LakeVersions(read_lake.url), let_in, limits=LIMITS) as engine:
        assert engine.query(COUNT).to_records() == [{"n": 2}]


def test_a_wrong_password(let_in: TrinoAddress, read_lake: MadeLake, caplog: pytest.LogCaptureFixture) -> None:
    said = refusal(read_lake, replace(let_in, password=SecretStr(WRONG)), caplog)
    assert "BIOLAKE_TRINO_PASSWORD" in said
    assert USER in said


def test_no_password(let_in: TrinoAddress, read_lake: MadeLake, caplog: pytest.LogCaptureFixture) -> None:
    assert "BIOLAKE_TRINO_PASSWORD" in refusal(read_lake, replace(let_in, password=None), caplog)


def test_an_unknown_authority(let_in: TrinoAddress, read_lake: MadeLake, caplog: pytest.LogCaptureFixture) -> None:
    assert "BIOLAKE_TRINO_CA" in refusal(read_lake, replace(let_in, authority=None), caplog)


def test_a_file_that_is_no_authority(
    let_in: TrinoAddress, read_lake: MadeLake, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    for place in (tmp_path / "ca.pem", tmp_path / "missing.pem"):
        assert "BIOLAKE_TRINO_CA" in refusal(read_lake, replace(let_in, authority=place), caplog)


@pytest.mark.parametrize(
    ("password", "known", "verdict", "named"),
    [
        (PASSWORD, True, "ok", ""),
        (WRONG, True, "problem", "BIOLAKE_TRINO_PASSWORD"),
        (PASSWORD, False, "problem", "BIOLAKE_TRINO_CA"),
    ],
)
def test_the_doctor_says_it(
    secured: TrinoServer,
    read_lake: MadeLake,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    password: str,
    known: bool,
    verdict: str,
    named: str,
) -> None:
    monkeypatch.setenv("BIOLAKE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BIOLAKE_LAKE", read_lake.url)
    monkeypatch.setenv("BIOLAKE_TRINO_URL", secured.url)
    monkeypatch.setenv("BIOLAKE_TRINO_USER", USER)
    monkeypatch.setenv("BIOLAKE_TRINO_PASSWORD", password)
    if known:
        monkeypatch.setenv("BIOLAKE_TRINO_CA", str(secured.authority))
    told = CliRunner().invoke(app, ["doctor", "--json"]).stdout
    assert password not in told
    found = [one for one in json.loads(told)["findings"] if one["engine"] == "sql" and one["check"] == "reachable"]
    assert [one["verdict"] for one in found] == [verdict]
    assert named in found[0]["found"]
