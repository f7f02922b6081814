"""What `biolake doctor` says of a real PostgreSQL: in order, locked out, without rights, stopped."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool
from typer.testing import CliRunner

from biolake.cli.main import app
from biolake.ledger.ledger import Ledger
from tests.engines.doctor.conftest import PASSWORD
from tests.engines.servers.postgres import PostgresServer

Findings = dict[str, tuple[str, str, str]]


@pytest.fixture
def database(locked_postgres: PostgresServer) -> Iterator[str]:
    """A database of its own; the password is not in its URL."""
    made = locked_postgres.make_database()
    yield made
    locked_postgres.drop_database(made)


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str) -> Callable[..., Findings]:
    monkeypatch.setenv("BIOLAKE_HOME", str(tmp_path / "home"))

    def ask(url: str = database, password: str = PASSWORD) -> Findings:
        monkeypatch.setenv("BIOLAKE_LEDGER", url)
        monkeypatch.setenv("BIOLAKE_LEDGER_PASSWORD", password)
        done = CliRunner().invoke(app, ["doctor", "--json"])
        assert password not in done.stdout
        told = json.loads(done.stdout)["findings"]
        others = [one for one in told if one["engine"] != "ledger" and one["engine"] != "machine"]
        assert all(one["verdict"] != "problem" for one in others)
        mine = {
            one["check"]: (one["verdict"], one["found"], one["remedy"]) for one in told if one["engine"] == "ledger"
        }
        assert done.exit_code == int(any(verdict == "problem" for verdict, _, _ in mine.values()))
        return mine

    return ask


def test_a_server_in_order(doctor: Callable[..., Findings]):
    found = doctor()
    assert set(found) == {"reachable", "version", "clock", "encoding", "permissions", "schema", "connections"}
    assert {verdict for verdict, _, _ in found.values()} == {"ok"}


def test_a_wrong_password(doctor: Callable[..., Findings]):
    found = doctor(password="wrong-s3cret")
    assert found["reachable"][0] == "problem"
    assert "BIOLAKE_LEDGER_PASSWORD" in found["reachable"][2]


def test_a_database_that_is_not_there(doctor: Callable[..., Findings], locked_postgres: PostgresServer):
    found = doctor(locked_postgres.url("nowhere"))
    assert "Create the database" in found["reachable"][2]


@pytest.fixture
def owner(database: str) -> Iterator[Engine]:
    """The database, which has the ledger's tables, as its owner."""
    Ledger(database, SecretStr(PASSWORD)).close()
    engine = create_engine(make_url(database).set(password=PASSWORD), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'"))
    yield engine
    with engine.begin() as connection:
        connection.execute(text("DROP OWNED BY reader"))
        connection.execute(text("DROP ROLE reader"))


def test_a_user_without_rights(doctor: Callable[..., Findings], database: str, owner: Engine):
    url = database.replace("postgres@", "reader@")
    found = doctor(url)
    assert found["permissions"][0] == "problem"
    assert "GRANT USAGE, CREATE ON SCHEMA" in found["permissions"][2]
    with owner.begin() as connection:
        connection.execute(text("GRANT USAGE, CREATE ON SCHEMA public TO reader"))
        connection.execute(text("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO reader"))
        connection.execute(text("REVOKE DELETE ON jobs FROM reader"))
    found = doctor(url)
    assert found["permissions"][0] == "problem"
    assert found["permissions"][1].endswith("lacks rights on jobs")


def test_a_server_that_is_stopped(doctor: Callable[..., Findings], locked_postgres: PostgresServer):
    locked_postgres.stop()
    try:
        found = doctor()
    finally:
        locked_postgres.start()
    assert found["reachable"][0] == "problem"
    assert "Start PostgreSQL" in found["reachable"][2]
    assert doctor()["reachable"][0] == "ok"


def test_a_deployment_opens_its_ledger_with_the_password_of_a_file(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
):
    from biolake.platform import opened
    from biolake.settings import Settings

    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    mounted = {"BIOLAKE_LEDGER": database, "BIOLAKE_LEDGER_PASSWORD_FILE": str(tmp_path / "password")}
    in_url = {"BIOLAKE_LEDGER": database.replace("postgres@", f"postgres:{PASSWORD}@")}
    for variables in (mounted, in_url):
        with (
            opened(Settings.from_environment(variables, home=tmp_path)) as here,
            here.ledger.reading() as connection,
        ):
            assert connection.execute(text("SELECT current_user")).scalar_one() == "postgres"
            assert PASSWORD not in f"{here.ledger.url} {here.ledger.engine!r} {here.settings!r}"
