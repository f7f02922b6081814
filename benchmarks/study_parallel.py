"""Eight 7-day 100 Hz recordings together: memory never over the budget, both cores busy.

The baseline is one recording alone, times eight. Memory and CPU are of all processes of this session, sampled twice a
second. `--recordings` and `--days` make it smaller; the budget is that of a machine of 20 GB.
"""

import argparse
import os
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.machine import header, table
from benchmarks.study_files import CURRENT, FAST, WEEK, runtime, write_pipeline, write_week
from biolake.cli.dagster import quieten

_BUDGET = 20 * 10**9


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=int, default=8)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--fast", action="store_true", help="in the runtime with the faster DFA endpoint")
    arguments = parser.parse_args()
    quieten()
    with tempfile.TemporaryDirectory() as name:
        os.environ.setdefault("BIOLAKE_HOME", name)
        print(run(Path(name), arguments.recordings, arguments.days, FAST if arguments.fast else CURRENT))


def descendants() -> list[int]:
    """All processes below this one."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, left = [], [os.getpid()]
    while left:
        pid = left.pop()
        found += children.get(pid, [])
        left += children.get(pid, [])
    return found


def resident() -> int:
    """Proportional memory of all processes below this one [bytes]: what fork shares counts once."""
    total = 0
    for pid in descendants():
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:"))
    return total


def run(folder: Path, count: int, days: int, name: str) -> str:
    """Measure and return the report."""
    from biolake.studies.processing.batch import process_all
    from biolake.studies.processing.models import Limits, ProcessingTask
    from biolake.studies.processing.runner import process

    first = write_week(folder / "0.cwa", days=days)
    # The same signal under other names: what is measured does not depend on it.
    files = [first, *(folder / f"{number}.cwa" for number in range(1, count))]
    for path in files[1:]:
        path.hardlink_to(first)
    one, cores = runtime(name), os.cpu_count() or 1
    report = header(f"{count} recordings of {days} days together, {name}")
    pipeline = write_pipeline(folder / "week.skdh", *WEEK)
    arguments = {"tz_name": "Europe/London"}
    started = time.perf_counter()
    process(ProcessingTask("alone", (first,), pipeline, folder / "alone", arguments), one, Limits())
    alone = time.perf_counter() - started
    most, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.5):
            most[0] = max(most[0], resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    tasks = [ProcessingTask(path.stem, (path,), pipeline, folder / f"out{path.stem}", arguments) for path in files]
    started = time.perf_counter()
    outcomes = list(process_all(tasks, one, Limits(), memory_budget=_BUDGET, cores=cores))
    seconds = time.perf_counter() - started
    done.set()
    watcher.join()
    cpu = sum(outcome.cost.cpu_seconds for outcome in outcomes)
    rows = [
        ("one alone (baseline)", f"{alone:.0f} s, times {count} is {alone * count:.0f} s"),
        (f"{count} together", f"{seconds:.0f} s, {alone * count / seconds:.2f}x as fast"),
        (f"{cores} cores busy", f"{cpu / seconds / cores:.0%}"),
        ("most memory of all processes", f"{most[0] / 1e9:.1f} GB of {_BUDGET / 1e9:.0f} GB"),
        ("processed", f"{sum(outcome.state == 'processed' for outcome in outcomes)} of {count}"),
    ]
    return report + "\n" + table(("measure", "value"), rows)


if __name__ == "__main__":
    main()
