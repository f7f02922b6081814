"""One dataset alone: from its landing in a running deployment until a search finds it.

`biolake up` runs as its user starts it, with every setting at its default, and the next dataset lands when the one
before is found. The baseline is the same dataset through the same sensor and job in one process, without the daemon's
intervals and without a process of its own for the run.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from benchmarks.ingest import write_series
from benchmarks.machine import header, table
from biolake.cli.dagster import quieten

_REPOSITORY = "name: geo\ntitle: Benchmark\ndataset_id: '^(?P<dataset_id>GSE[0-9]+)'\n"
_PORT = 3918
_TARGET_SECONDS = 20
_LONGEST_SECONDS = 300


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=8)
    arguments = parser.parse_args()
    quieten()
    with tempfile.TemporaryDirectory() as folder:
        print(run(Path(folder), arguments.datasets))


def run(folder: Path, count: int) -> str:
    """Measure and return the report."""
    report = header(f"One dataset alone, {count} times, of 1,000 features x 6 samples")
    made = folder / "made"
    made.mkdir()
    write_series(made, count)
    files = sorted(made.iterdir())
    alone = in_process(_home(folder, "process"), files)
    seconds = in_deployment(_home(folder, "deployment"), files)
    rows = [(name, *(f"{value:.1f} s" for value in (statistics.median(found), max(found)))) for name, found in (
        ("landed to found, in a running deployment", seconds),
        ("sensor tick and run in one process (baseline)", alone),
    )]  # fmt: skip
    return report + "\n" + table(("measure", "median", f"longest (target {_TARGET_SECONDS} s)"), rows)


def _home(folder: Path, name: str) -> Path:
    home = folder / name
    (home / "landing" / "geo").mkdir(parents=True)
    (home / "repositories").mkdir()
    (home / "repositories" / "geo.yaml").write_text(_REPOSITORY)
    return home


def land(home: Path, file: Path) -> float:
    """Put a file into the bucket at once, as an upload appears; return when."""
    here = home / file.name
    here.write_bytes(file.read_bytes())
    here.rename(home / "landing" / "geo" / file.name)
    return time.perf_counter()


def in_process(home: Path, files: list[Path]) -> list[float]:
    """Seconds of each dataset by itself, without waiting for it to settle."""
    os.environ.update(BIOLAKE_HOME=str(home), BIOLAKE_SETTLE_SECONDS="0")
    from biolake.platform import opened
    from biolake.settings import Settings
    from platform_assets.drive import drive_repository, local_instance

    seconds = []
    with opened(Settings.from_environment()) as here, local_instance(home) as instance:
        for file in files:
            started = land(home, file)
            drive_repository(here, instance, "geo")
            seconds.append(time.perf_counter() - started)
    del os.environ["BIOLAKE_SETTLE_SECONDS"]
    return seconds


def in_deployment(home: Path, files: list[Path]) -> list[float]:
    """Seconds from the landing of each dataset until it is found."""
    os.environ["BIOLAKE_HOME"] = str(home)
    from biolake.platform import opened
    from biolake.settings import Settings

    seconds = []
    # A deployment has its bytecode, whatever a test machine is set to.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with subprocess.Popen(
        [sys.executable, "-m", "biolake.cli", "up", "--port", str(_PORT)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            _wait_for_sensor(_PORT)
            for number, file in enumerate(files, 1):
                started = land(home, file)
                while True:
                    with opened(Settings.from_environment()) as here:
                        if here.index.count("geo") >= number:
                            break
                    if time.perf_counter() - started > _LONGEST_SECONDS:
                        raise SystemExit(f"{file.name} was not found within {_LONGEST_SECONDS} s")
                    time.sleep(0.2)
                seconds.append(time.perf_counter() - started)
        finally:
            process.terminate()
    return seconds


def _wait_for_sensor(port: int) -> None:
    """Wait until the daemon has ticked the arrival sensor once."""
    query = (
        '{ sensorsOrError(repositorySelector: {repositoryName: "__repository__", repositoryLocationName: "biolake"}) '
    )
    query += "{ ... on Sensors { results { name sensorState { ticks(limit: 1) { status } } } } } }"
    for _ in range(480):
        try:
            answer = httpx.post(f"http://127.0.0.1:{port}/graphql", json={"query": query}, timeout=10).json()
            sensors = answer["data"]["sensorsOrError"]["results"]
            if any(sensor["name"] == "geo_arrivals" and sensor["sensorState"]["ticks"] for sensor in sensors):
                return
        except (httpx.HTTPError, KeyError, TypeError, ValueError):
            pass
        time.sleep(0.5)
    raise SystemExit("the arrival sensor did not tick within 240 s")


if __name__ == "__main__":
    main()
