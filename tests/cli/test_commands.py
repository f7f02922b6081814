"""What a user gets wrong is told in one line with an exit code, before anything is done."""

import os
import sqlite3
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from biolake.cli.main import app, main

PAIRED = "name: lab\ntitle: Lab\nrequires: [samples]\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("BIOLAKE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BIOLAKE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BIOLAKE_SETTLE_SECONDS", "0")
    monkeypatch.setenv("COLUMNS", "300")
    return tmp_path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("name", ["out", "out.xlsx", "nowhere/out.csv"])
def test_an_output_that_cannot_be(home: Path, name: str) -> None:
    found = run("query", "SELECT 1 AS a", "-o", home / name)
    assert found.exit_code == 2
    assert "--output" in found.stderr


def test_the_form_of_an_output_is_its_suffix(home: Path) -> None:
    assert run("query", "SELECT 1 AS a", "-o", home / "out.csv").exit_code == 0
    assert (home / "out.csv").read_text().split() == ["a", "1"]
    assert run("query", "SELECT 1 AS a", "-o", home / "out.PARQUET").exit_code == 0
    assert (home / "out.PARQUET").read_bytes()[:4] == b"PAR1"


def test_an_output_that_cannot_be_written(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["biolake", "query", "SELECT 1 AS a", "-o", str(home / f"{'x' * 300}.csv")])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1
    assert "too long" in capsys.readouterr().err


def test_a_filter_that_is_no_number(home: Path) -> None:
    found = run("search", "a", "--filter", "year=abc")
    assert found.exit_code == 2
    assert "a whole number is needed" in found.stderr


def test_a_ledger_that_does_not_answer(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = home / "ledger.sqlite"
    monkeypatch.setenv("BIOLAKE_LEDGER", f"sqlite:///{ledger}")
    assert run("jobs").exit_code == 0
    with sqlite3.connect(ledger) as connection:
        connection.execute("ALTER TABLE jobs RENAME COLUMN reason TO elsewhere")
    monkeypatch.setattr(sys, "argv", ["biolake", "jobs"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1
    told = capsys.readouterr().err
    assert told.startswith("LEDGER_UNAVAILABLE the ledger does not answer (no such column: jobs.reason)")
    assert len(told.splitlines()) == 1


def test_two_files_of_one_name_are_refused_and_a_lone_one_is_shown(home: Path) -> None:
    document = home / "lab.yaml"
    document.write_text(PAIRED)
    assert run("repository", "add", document).exit_code == 0
    for folder in ("a", "b"):
        (home / folder).mkdir()
        (home / folder / "Q.csv").write_text("gene,s1,s2\nTP53,1,2\nMDM2,3,4\n")
    found = run("ingest", home / "a" / "Q.csv", home / "b" / "Q.csv", "-r", "lab")
    assert found.exit_code == 2
    assert "would both be the object Q.csv" in found.stderr.replace("\n", " ")
    assert not list((home / "home" / "landing" / "lab").iterdir())
    found = run("ingest", home / "a" / "Q.csv", "-r", "lab", "--wait")
    assert found.exit_code == 0
    assert "PENDING_PAIR" in found.stdout


def test_what_a_comparison_finds_is_told_with_what_to_do(home: Path) -> None:
    document = home / "lab.yaml"
    document.write_text("name: lab\ntitle: Lab\n")
    assert run("repository", "add", document).exit_code == 0
    again = run("repository", "add", document)
    assert "say --replace to replace the document" in str(again.exception)
    file = home / "D1.csv"
    file.write_text("gene,s1\nTP53,1\n")
    assert run("ingest", file, "--repository", "lab").exit_code == 0
    found = run("reconcile")
    assert found.exit_code == 1
    assert "`biolake reconcile --repository lab --repair` brings them together." in found.stdout
