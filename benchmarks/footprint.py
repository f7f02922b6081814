"""What a production deployment takes: memory of its processes, and bytes per dataset in each of its stores.

    python -m benchmarks.footprint [--datasets 2000] [--lot 1000]

S3 (versitygw), PostgreSQL, OpenSearch and `biolake up` on this machine; runs are processes beside the code server. The
datasets are those of `benchmarks/ingest.py`. Memory is what a process would free by ending (proportional set size), the
most of what was seen every half second. The baseline of each store is what it held before the first dataset.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copyfile

import httpx
from opensearchpy import OpenSearch

from benchmarks.ingest import write_series
from benchmarks.machine import header, table
from biolake.cli.processes import children_of
from biolake.ledger.jobs import find_jobs
from biolake.ledger.models import ENDED, JobState
from biolake.objects.store import open_store
from biolake.platform import Platform, opened
from biolake.settings import Settings
from tests.engines.servers.opensearch import OpenSearchServer
from tests.engines.servers.postgres import PostgresServer
from tests.engines.servers.process import free_port
from tests.engines.servers.versitygw import S3Server

_PROJECT = Path(__file__).resolve().parents[1]
_REPOSITORY = "name: geo\ntitle: Benchmark\ndataset_id: '^(?P<dataset_id>GSE[0-9]+)'\n"
_INDEX = "footprint"
# The first that a command line contains says what a process is.
_PROCESSES = {
    "resource_tracker": "code server",
    "multiprocessing": "a run of one lot",
    "dagster_webserver": "UI",
    "dagster._daemon": "daemon, with its sensors",
    "code-server": "code server",
    "api grpc": "code server",
    "biolake.cli up": "supervisor",
}


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=2000)
    parser.add_argument("--lot", type=int, default=1000)
    chosen = parser.parse_args()
    report = header(f"Footprint of a production deployment, {chosen.datasets:,} datasets of 1,000 features x 6 samples")
    with _stores() as stores:
        print(report + "\n" + "\n".join(measure(stores, chosen.datasets, chosen.lot)))


@dataclass
class Memory:
    """Most memory of each kind of process below one, in bytes, until it is stopped."""

    root: int
    most: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _stopped: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        """Look every half second."""
        while not self._stopped.wait(0.5):
            seen: dict[str, int] = defaultdict(int)
            for pid in _tree(self.root):
                kind, size = _kind(pid), _proportional(pid)
                if not size:
                    continue
                # Several runs may be there at once; one is what is asked for.
                seen[kind] = max(seen[kind], size) if kind.startswith("a run") else seen[kind] + size
            for kind, size in seen.items():
                self.most[kind] = max(self.most[kind], size)

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()


@dataclass(frozen=True)
class Stores:
    """The servers, and a deployment's places in them."""

    s3: S3Server
    postgres: PostgresServer
    opensearch: OpenSearchServer
    home: Path
    variables: dict[str, str]

    def sizes(self) -> dict[str, int]:
        """Bytes in each."""
        client = OpenSearch([self.opensearch.url], timeout=60)
        client.indices.refresh(index=f"{_INDEX}*")
        found = client.indices.stats(index=f"{_INDEX}*")["_all"]["primaries"].get("store", {})
        return {
            "landing bucket": self._objects("BIOLAKE_LANDING"),
            "lake": self._objects("BIOLAKE_LAKE"),
            "ledger (PostgreSQL)": self._database("BIOLAKE_LEDGER"),
            "Dagster's storage (PostgreSQL)": self._database("DAGSTER_POSTGRES_URL"),
            "search index (OpenSearch)": found.get("size_in_bytes", 0),
        }

    def _objects(self, variable: str) -> int:
        pages = self.s3.client().get_paginator("list_objects_v2")
        bucket, _, prefix = self.variables[variable].removeprefix("s3://").partition("/")
        listed = pages.paginate(Bucket=bucket, Prefix=f"{prefix}/")
        return sum(one["Size"] for page in listed for one in page.get("Contents", ()))

    def _database(self, variable: str) -> int:
        import sqlalchemy as sa

        engine = sa.create_engine(self.variables[variable])
        with engine.connect() as connection:
            size = connection.execute(sa.text("SELECT pg_database_size(current_database())")).scalar_one()
        engine.dispose()
        return int(size)


def measure(stores: Stores, datasets: int, lot: int) -> Iterator[str]:
    """Run a deployment, land the datasets, and give the tables."""
    made = stores.home / "made"
    made.mkdir()
    write_series(made, datasets)
    os.environ.update(stores.variables)
    port = free_port()
    command = [sys.executable, "-m", "biolake.cli", "up", "--port", str(port)]
    environment = {**os.environ, "BIOLAKE_LOT_DATASETS": str(lot)}
    with (stores.home / "up.log").open("ab") as log, opened(Settings.from_environment()) as platform:
        process = subprocess.Popen(command, cwd=_PROJECT, env=environment, stdout=log, stderr=log)
        memory = Memory(process.pid)
        watcher = threading.Thread(target=memory.watch)
        watcher.start()
        try:
            _wait_for_ui(port, process, stores.home / "up.log")
            time.sleep(30)
            idle, before = dict(memory.most), stores.sizes()
            landing = open_store(stores.variables["BIOLAKE_LANDING"])
            for path in sorted(made.iterdir()):
                landing.put(f"geo/{path.name}", path.read_bytes())
            _wait_for_jobs(platform, datasets)
            time.sleep(15)
        finally:
            memory.stop()
            process.terminate()
            process.wait(60)
            watcher.join()
        after = stores.sizes()
    yield table(
        ("process", "at rest", "most while datasets arrived"),
        [
            (kind, f"{idle[kind] / 1024**2:.0f} MiB" if kind in idle else "-", f"{size / 1024**2:.0f} MiB")
            for kind, size in sorted(memory.most.items())
        ],
    )
    yield table(
        ("store", "empty", f"with {datasets:,} datasets", "per dataset"),
        [
            (
                store,
                f"{before[store] / 1024**2:.1f} MiB",
                f"{size / 1024**2:.1f} MiB",
                f"{(size - before[store]) / datasets / 1024:.2f} KiB",
            )
            for store, size in after.items()
        ],
    )


def _wait_for_ui(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(240):
        if process.poll() is not None:
            raise SystemExit(log.read_text())
        try:
            if httpx.get(f"http://127.0.0.1:{port}/server_info", timeout=5).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise SystemExit("the UI did not answer within two minutes")


def _wait_for_jobs(platform: Platform, number: int) -> None:
    for _ in range(900):
        with platform.ledger.reading() as connection:
            jobs = find_jobs(connection, "geo")
        if len(jobs) >= number and {job.state for job in jobs} <= ENDED:
            if any(job.state != JobState.SUCCESS for job in jobs):
                raise SystemExit("not every dataset was stored")
            return
        time.sleep(1)
    raise SystemExit("the datasets were not stored within 15 minutes")


def _tree(root: int) -> list[int]:
    return [root, *(pid for child in children_of(root) for pid in _tree(child))]


def _kind(pid: int) -> str:
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "ended"
    return next((kind for part, kind in _PROCESSES.items() if part in line), f"other: {line[:60]}")


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


@contextmanager
def _stores() -> Iterator[Stores]:
    with ExitStack() as stack:
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="biolake-"))) for _ in range(4)]
        for folder in folders:
            folder.chmod(0o755)
        s3, postgres, opensearch = S3Server(folders[0]), PostgresServer(folders[1]), OpenSearchServer(folders[2])
        for server in (s3, postgres, opensearch):
            server.start()
            stack.callback(server.stop)
        home = folders[3] / "home"
        for name in ("repositories", "studies", "dagster"):
            (home / name).mkdir(parents=True)
        (home / "repositories" / "geo.yaml").write_text(_REPOSITORY)
        copyfile(_PROJECT / "dagster-production.yaml", home / "dagster" / "dagster.yaml")
        bucket = s3.make_bucket("footprint")
        variables = {
            **s3.environment,
            "DAGSTER_POSTGRES_URL": postgres.make_database(),
            "BIOLAKE_PROFILE": "production",
            "BIOLAKE_HOME": str(home),
            "BIOLAKE_LANDING": f"{bucket}/landing",
            "BIOLAKE_LAKE": f"{bucket}/lake",
            "BIOLAKE_LEDGER": postgres.make_database(),
            "BIOLAKE_INDEX": opensearch.url,
            "BIOLAKE_INDEX_NAME": _INDEX,
        }
        yield Stores(s3, postgres, opensearch, home, variables)


if __name__ == "__main__":
    main()
