"""A production deployment is restored into empty stores by the commands of docs/operations.md, as they stand there."""

import os
import uuid
from pathlib import Path

import pytest

from tests.engines.servers import aws
from tests.engines.servers.opensearch import OpenSearchServer
from tests.engines.servers.postgres import PostgresServer, programs
from tests.engines.servers.versitygw import S3Server
from tests.platform.conftest import Deployment, made_deployment, matrix_csv
from tests.platform.test_restore import commands, shell


def plain(url: str) -> str:
    """A URL as PostgreSQL's own programs take it."""
    return url.replace("postgresql+psycopg2", "postgresql")


def test_a_deployment_is_restored_from_its_backup(
    deployment: Deployment,
    s3: S3Server,
    postgres: PostgresServer,
    opensearch: OpenSearchServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backup, home = tmp_path / "backup", tmp_path / "restored"
    backup.mkdir()
    postgres_programs = programs()
    assert postgres_programs is not None
    monkeypatch.setenv("PATH", os.pathsep.join([str(aws.build()), str(postgres_programs), os.environ["PATH"]]))
    copies = s3.make_bucket(f"b{uuid.uuid4().hex[:12]}")
    settings = deployment.platform.settings

    for name in ("STAYS", "CHANGES", *(f"GOES{number}" for number in range(5))):
        deployment.put(f"lab/{name}.csv", matrix_csv())
    deployment.put("lab/BROKEN.csv", "gene,s1\nTP53,many\n")
    deployment.drive()
    places = {"LEDGER": plain(settings.ledger), "LAKE": settings.lake, "COPY": f"{copies}/lake"}
    for number, command in enumerate(commands("Back up", "In production")):
        shell(command, settings.home, backup, **places)
        deployment.put(f"lab/NEW{number}.csv", matrix_csv(number))
        deployment.put("lab/CHANGES.csv", matrix_csv(100 + number))
        deployment.remove(f"lab/GOES{number}.csv")
        deployment.drive()
    expected = {name: deployment.values(name) for name in deployment.shown()}

    # Only the landing bucket is left of it.
    lost = {
        "BIOLAKE_LEDGER": postgres.make_database(),
        "BIOLAKE_LAKE": f"{s3.make_bucket(f'b{uuid.uuid4().hex[:12]}')}/lake",
        "BIOLAKE_INDEX_NAME": f"b{uuid.uuid4().hex[:12]}",
    }
    for variable, value in lost.items():
        monkeypatch.setenv(variable, value)
    places |= {"LEDGER": plain(lost["BIOLAKE_LEDGER"]), "LAKE": lost["BIOLAKE_LAKE"]}
    monkeypatch.setenv("BIOLAKE_SETTLE_SECONDS", "0")
    said = [shell(command, home, backup, **places) for command in commands("Restore", "In production")]
    assert "lab: bucket, ledger, lake and index agree" in said[-1]
    assert not (home / "ledger.dump").exists()
    with made_deployment(home, monkeypatch) as restored:
        found = restored.reconciled()
        assert found.differences == ()
        assert found.errored == ("BROKEN",)
        assert {name: restored.values(name) for name in restored.shown()} == expected
        assert restored.drive() == [], "nothing is left to do"
