"""A backup, taken step by step while files go on arriving, is restored by the commands of docs/operations.md."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from biolake.ledger.models import JobState
from biolake.settings import Settings
from tests.platform.conftest import Deployment, made_deployment, matrix_csv

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"

Step = Callable[[Deployment], None]


def commands(section: str, where: str = "On one machine") -> list[str]:
    """The block of commands below a heading that is for `where`."""
    text = PAGE.read_text(encoding="utf-8").split(f"\n## {section}\n", 1)[1].split(f"\n{where}", 1)[1]
    found = re.search(r"```bash\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found.group(1).splitlines()


def shell(command: str, home: Path, backup: Path, **more: str) -> str:
    environment = {
        **os.environ,
        "BIOLAKE_HOME": str(home),
        "BACKUP": str(backup),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        **more,
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def more_arrives(number: int) -> Step:
    """An upload, an update and a deletion, processed to the end."""

    def arrive(deployment: Deployment) -> None:
        deployment.put(f"lab/NEW{number}.csv", matrix_csv(number))
        deployment.put("lab/CHANGES.csv", matrix_csv(100 + number))
        deployment.remove(f"lab/GOES{number}.csv")
        deployment.drive()

    return arrive


def nothing_arrives(_deployment: Deployment) -> None:
    """A quiet night."""


@pytest.mark.parametrize("meanwhile", [more_arrives, lambda _number: nothing_arrives], ids=["busy", "quiet"])
def test_a_deployment_is_restored_from_its_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[int], Step]
) -> None:
    home, backup = tmp_path / "home", tmp_path / "backup"
    home.mkdir()
    backup.mkdir()
    with made_deployment(home, monkeypatch) as deployment:
        for name in ("STAYS", "CHANGES", *(f"GOES{number}" for number in range(5))):
            deployment.put(f"lab/{name}.csv", matrix_csv())
        deployment.put("lab/BROKEN.csv", "gene,s1\nTP53,many\n")
        deployment.drive()
        for number, command in enumerate(commands("Back up")):
            shell(command, home, backup)
            meanwhile(number)(deployment)
        expected = {name: deployment.values(name) for name in deployment.shown()}
    for lost in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
        (home / lost).unlink(missing_ok=True)
    for lost in ("lake", "index", "dagster", "repositories"):
        shutil.rmtree(home / lost, ignore_errors=True)
    said = [shell(command, home, backup) for command in commands("Restore")]
    assert "lab: bucket, ledger, lake and index agree" in said[-1]
    with made_deployment(home, monkeypatch) as restored:
        found = restored.reconciled()
        assert found.differences == ()
        assert found.errored == ("BROKEN",)
        assert {name: restored.values(name) for name in restored.shown()} == expected
        assert restored.drive() == [], "nothing is left to do"


def test_a_lot_in_work_while_the_backup_was_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger's copy knows the lot as open, the lake's has its rows already: they are found, not written twice."""
    home, backup = tmp_path / "home", tmp_path / "backup"
    home.mkdir()
    backup.mkdir()
    ledger, *others = commands("Back up")
    with made_deployment(home, monkeypatch) as deployment:
        deployment.put("lab/D1.csv", matrix_csv())
        cut_only(deployment)
        assert deployment.states("D1") == [JobState.IN_QUEUE]
        shell(ledger, home, backup)
        deployment.drive()
        lot = deployment.shown()["D1"]
        for command in others:
            shell(command, home, backup)
    for lost in (*home.glob("ledger.db*"),):
        lost.unlink()
    for lost in ("lake", "index", "dagster", "repositories"):
        shutil.rmtree(home / lost, ignore_errors=True)
    copy, _ = commands("Restore")
    shell(copy, home, backup)
    with made_deployment(home, monkeypatch) as restored:
        (job,) = restored.drive()
        assert job.state == JobState.SUCCESS
        assert restored.shown() == {"D1": lot}
        assert restored.reconciled().differences == ()


def cut_only(deployment: Deployment) -> None:
    """A tick whose runs were asked for and have not begun."""
    from biolake.arrivals.tick import tick

    here = deployment.platform
    settings: Settings = here.settings
    told = tick(here.repositories.get("lab"), here.bucket, here.lake_store, here.ledger, settings)
    assert told is not None
