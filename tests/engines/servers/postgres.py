"""PostgreSQL from the system's packages, with a cluster of its own in a folder."""

import os
import subprocess
import uuid
from pathlib import Path

from tests.engines.servers.process import UNPRIVILEGED, ServerProcess, free_port


class PostgresServer:
    """PostgreSQL on the loopback; its user `postgres` needs no password."""

    def __init__(self, folder: Path) -> None:
        """Make a cluster in `folder`; `start` runs it."""
        binaries, data = _binaries(), folder / "data"
        assert binaries is not None
        self.port = free_port()
        if os.getuid() == 0:
            os.chown(folder, UNPRIVILEGED, UNPRIVILEGED)
        other = {"user": UNPRIVILEGED, "group": UNPRIVILEGED, "extra_groups": []} if os.getuid() == 0 else {}
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"],
            check=True,
            capture_output=True,
            cwd=folder,
            **other,
        )
        command = [
            str(binaries / "postgres"), "-D", str(data), "-p", str(self.port), "-h", "127.0.0.1", "-k", str(folder),
        ]  # fmt: skip
        self._process = ServerProcess(command, folder / "server.log", self._answers, unprivileged=True)
        self.start, self.stop, self.kill = self._process.start, self._process.stop, self._process.kill

    def make_database(self) -> str:
        """Make an empty database and return its SQLAlchemy URL."""
        name = f"t{uuid.uuid4().hex[:12]}"
        self._execute(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg2://postgres@127.0.0.1:{self.port}/{name}"

    def restart(self) -> None:
        """Kill it, as a lost machine would, and start it again."""
        self.kill()
        self.start()

    def _execute(self, statement: str) -> None:
        import psycopg2

        connection = psycopg2.connect(host="127.0.0.1", port=self.port, user="postgres", dbname="postgres")
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()

    def _answers(self) -> bool:
        import psycopg2

        try:
            self._execute("SELECT 1")
        except psycopg2.OperationalError:
            return False
        return True


def tools() -> str | None:
    """What is missing to run it; None where nothing is."""
    return None if _binaries() else "PostgreSQL's server is not under /usr/lib/postgresql"


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None
