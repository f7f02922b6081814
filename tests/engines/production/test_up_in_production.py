"""`biolake up` on production engines: what is wrong is told before anything starts; then data arrives and is found."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from tests.engines.servers.process import free_port
from tests.platform.conftest import matrix_csv

BIOLAKE = [sys.executable, "-c", "from biolake.cli.main import main; main()"]


@pytest.fixture
def home(production: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder of a production deployment with one repository."""
    home = tmp_path / "home"
    (home / "repositories").mkdir(parents=True)
    (home / "repositories" / "lab.yaml").write_text("name: lab\ntitle: Made up\n")
    monkeypatch.setenv("BIOLAKE_HOME", str(home))
    return home


def biolake(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*BIOLAKE, *arguments], env={**os.environ, **more}, capture_output=True, text=True, timeout=180
    )


@pytest.fixture
def running(home: Path) -> Iterator[subprocess.Popen[bytes]]:
    log = (home / "up.log").open("ab")
    process = subprocess.Popen([*BIOLAKE, "up", "--port", str(free_port())], stdout=log, stderr=log)
    yield process
    process.terminate()
    process.wait(60)


def wait_for(process: subprocess.Popen[bytes], home: Path, text: str) -> None:
    deadline = time.monotonic() + 300
    while text not in (home / "up.log").read_text():
        assert process.poll() is None, (home / "up.log").read_text()
        assert time.monotonic() < deadline, (home / "up.log").read_text()
        time.sleep(0.5)


def test_nothing_starts_on_engines_that_do_not_work(home: Path):
    done = biolake("up", "--port", str(free_port()), BIOLAKE_INDEX="http://127.0.0.1:9", BIOLAKE_LANDING="s3://nobodys")
    assert done.returncode == 1
    assert "ENGINES_NOT_READY nothing was started." in done.stderr
    assert "landing: reachable: " in done.stderr
    assert "or correct BIOLAKE_INDEX" in done.stderr
    assert not (home / "logs").exists()


def test_a_dataset_arrives_and_its_run_is_in_postgresql(running: subprocess.Popen[bytes], home: Path):
    wait_for(running, home, "Biolake is up")
    file = home / "D1.csv"
    file.write_text(matrix_csv())
    assert biolake("ingest", str(file), "--repository", "lab").returncode == 0
    deadline = time.monotonic() + 300
    while True:
        jobs = json.loads(biolake("jobs", "--json").stdout)
        if jobs and jobs[0]["state"] == "SUCCESS":
            break
        assert time.monotonic() < deadline, jobs
        time.sleep(2)
    with psycopg2.connect(os.environ["DAGSTER_POSTGRES_URL"].replace("+psycopg2", "")) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT pipeline_name FROM runs")
        assert cursor.fetchall() == [("lab_lot",)]
    told = json.loads(biolake("doctor", "--json").stdout)
    assert told["healthy"], told
    assert json.loads(biolake("search", "*", "--json").stdout)["total"] == 1
