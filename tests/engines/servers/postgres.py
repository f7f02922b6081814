"""PostgreSQL from the system's packages, with a cluster of its own in a folder."""

import os
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path

from tests.engines.servers.missing import lacking
from tests.engines.servers.process import UNPRIVILEGED, ServerProcess, free_port


class PostgresServer:
    """PostgreSQL on the loopback; its user `postgres` owns everything."""

    def __init__(self, folder: Path, password: str | None = None) -> None:
        """Make a cluster in `folder`; `start` runs it.

        Args:
            folder: For the server alone.
            password: What its user must say; none where not given.
        """
        binaries = programs()
        assert binaries is not None
        self.port, self.password = free_port(), password
        self._binaries, self._folder = binaries, folder
        if os.getuid() == 0:
            os.chown(folder, UNPRIVILEGED, UNPRIVILEGED)
        self._make_cluster(folder / "data")
        command = [
            str(binaries / "postgres"), "-D", str(folder / "data"), "-p", str(self.port), "-h", "127.0.0.1",
            "-k", str(folder),
        ]  # fmt: skip
        self._process = ServerProcess(command, folder / "server.log", self._answers, unprivileged=True)
        self.start, self.stop, self.kill = self._process.start, self._process.stop, self._process.kill

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        """The SQLAlchemy URL of a database; a password is not in it."""
        return f"postgresql+psycopg2://{user}@127.0.0.1:{self.port}/{database}"

    def make_database(self) -> str:
        """Make an empty database and return its SQLAlchemy URL."""
        name = f"t{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Drop what `make_database` made, with the connections that tests left open."""
        self.execute(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")

    def restart(self) -> None:
        """Kill it, as a lost machine would, and start it again."""
        self.kill()
        self.start()

    def execute(self, statement: str) -> None:
        """Run a statement as the owner, outside of a transaction."""
        import psycopg2

        connection = psycopg2.connect(
            host="127.0.0.1", port=self.port, user="postgres", dbname="postgres", password=self.password
        )
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()

    def _make_cluster(self, data: Path) -> None:
        options = ["-A", "trust"]
        if self.password is not None:
            secret = self._folder / "password"
            secret.write_text(self.password)
            if os.getuid() == 0:
                os.chown(secret, UNPRIVILEGED, UNPRIVILEGED)
            options = ["-A", "scram-sha-256", "--pwfile", str(secret)]
        self._as_server(
            [self._binaries / "initdb", "-D", data, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", *options]
        )

    def _as_server(self, command: Sequence[str | Path]) -> None:
        other = {"user": UNPRIVILEGED, "group": UNPRIVILEGED, "extra_groups": []} if os.getuid() == 0 else {}
        subprocess.run(command, check=True, capture_output=True, cwd=self._folder, **other)

    def _answers(self) -> bool:
        import psycopg2

        try:
            self.execute("SELECT 1")
        except psycopg2.OperationalError:
            return False
        return True


def tools() -> str | None:
    """What is missing to run it; None where nothing is."""
    return lacking("PostgreSQL", {"its server under /usr/lib/postgresql (Debian: postgresql)": programs() is not None})


def programs() -> Path | None:
    """Where the system's PostgreSQL keeps its programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None
