"""The arrival sensor's tick with 100,000 known objects and 100 new ones. The baseline lists the folder and stops."""

import os
import tempfile
import time
from pathlib import Path

import dagster as dg

from benchmarks.machine import header, peak_memory_gib, table
from biolake.arrivals.observe import list_folder
from biolake.cli.dagster import quieten
from biolake.ledger.jobs import end_jobs, find_jobs
from biolake.ledger.lots import finish_lot_if_ended, open_lots
from biolake.ledger.models import JobState
from biolake.ledger.objects import known_etags
from biolake.platform import Platform, opened
from biolake.settings import Settings

KNOWN, NEW = 100_000, 100


def write_objects(folder: Path, start: int, count: int) -> None:
    """Write small objects, a thousand to a folder."""
    for number in range(start, start + count):
        target = folder / f"{number // 1000:04d}"
        if number % 1000 == 0 or number == start:
            target.mkdir(parents=True, exist_ok=True)
        (target / f"D{number}.csv").write_text("gene,a\ng1,1\n")


def main() -> None:
    """Run and print."""
    quieten()
    report = header(f"Sensor tick, {KNOWN:,} known objects and {NEW} new ones")
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(BIOLAKE_HOME=home, BIOLAKE_SETTLE_SECONDS="0")
        (Path(home) / "repositories").mkdir()
        (Path(home) / "repositories" / "lab.yaml").write_text("name: lab\ntitle: Many\n")
        folder = Path(home) / "landing" / "lab"
        write_objects(folder, 0, KNOWN)
        from platform_assets.definitions import build_definitions
        from platform_assets.drive import local_instance
        from resources.platform import PlatformResource

        with opened(Settings.from_environment()) as here, local_instance(Path(home)) as instance:
            resources = {"platform": PlatformResource()}
            sensor = build_definitions(here.repositories, here.studies, resources).get_sensor_def("lab_arrivals")

            def tick() -> tuple[float, dg.SensorResult]:
                started = time.perf_counter()
                with dg.build_sensor_context(instance=instance, resources=resources) as context:
                    result = sensor(context)
                assert isinstance(result, dg.SensorResult)
                for addition in result.dynamic_partitions_requests or ():
                    instance.add_dynamic_partitions("lab_lots", list(addition.partition_keys))
                return time.perf_counter() - started, result

            first = 0.0
            while _recorded(here) < KNOWN:
                spent, _ = tick()
                first = max(first, spent)
            with here.ledger.writing() as connection:
                from datetime import UTC, datetime

                now = datetime.now(UTC)
                jobs = find_jobs(connection, "lab")
                end_jobs(connection, [(job.id, JobState.SUCCESS, None, None) for job in jobs], now)
                for lot in open_lots(connection, "lab"):
                    finish_lot_if_ended(connection, lot.key)
            write_objects(folder, KNOWN, NEW)
            started = time.perf_counter()
            listed = len(list_folder(here.repositories.get("lab"), here.bucket))
            listing = time.perf_counter() - started
            new, result = tick()
            nothing, _ = tick()
    rows = [
        (f"the longest of the first ticks, until {KNOWN:,} new objects are recorded", f"{first:.1f} s"),
        (f"tick with {NEW} new objects ({len(result.run_requests or ())} run requested)", f"{new:.2f} s"),
        ("tick with nothing new", f"{nothing:.2f} s"),
        (f"listing alone, {listed:,} objects (baseline)", f"{listing:.2f} s"),
        ("peak memory", f"{peak_memory_gib():.2f} GiB"),
    ]
    print(report + "\n" + table(("measure", "value"), rows))


def _recorded(here: Platform) -> int:
    with here.ledger.reading() as connection:
        return len(known_etags(connection, "lab"))


if __name__ == "__main__":
    main()
