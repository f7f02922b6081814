"""A PostgreSQL server of its own, from the machine's own binaries."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import pytest

PASSWORD = "ledger-s3cret"


@dataclass
class Server:
    """A running server with the role `biolake`, owner of all of it."""

    port: int
    folder: Path
    programs: Path

    @property
    def url(self) -> str:
        return f"postgresql://biolake@127.0.0.1:{self.port}/postgres"

    def control(self, *arguments: str) -> None:
        _run([str(self.programs / "pg_ctl"), "-D", str(self.folder / "data"), "-w", *arguments])


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    programs = found[-1].parent if found else None
    if programs is None:
        message = "no PostgreSQL server is installed (Debian: postgresql)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    folder = Path(mkdtemp(prefix="biolake-pg-"))
    (folder / "password").write_text(PASSWORD)
    if os.geteuid() == 0:
        for path in (folder, folder / "password"):
            shutil.chown(path, "postgres")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = Server(port, folder, programs)
    _run(
        [
            *(
                str(programs / "initdb"),
                "-D",
                str(folder / "data"),
                "-U",
                "biolake",
                "-E",
                "UTF8",
                "-A",
                "scram-sha-256",
            ),
            *("--pwfile", str(folder / "password"), "--no-sync"),
        ]
    )
    with (folder / "data" / "postgresql.auto.conf").open("a") as file:
        file.write(
            f"port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{folder}'\nfsync = off\n"
        )
    server.control("-l", str(folder / "log"), "start")
    try:
        yield server
    finally:
        server.control("-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str]) -> None:
    as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    subprocess.run([*as_postgres, *command], check=True, cwd="/tmp", stdout=subprocess.DEVNULL, timeout=60)
