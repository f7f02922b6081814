"""Eight 7-day 100 Hz recordings together: memory never over the budget, both cores busy.

The baseline is one recording alone, times eight, and what came of it: the arrays of all must equal its arrays bit by
bit. Memory is the resident memory of this process and of all below it, ten times a second; what processes share counts
once for each, so that the sum is rather too high. Each core's busy time is the kernel's, of the whole machine: use it
alone. `--recordings` and `--days` make it smaller; the budget is that of a machine of 20 GB. This drives the batch
of one process; the runs of a study, which share the machine by reservations, it does not measure.
"""

import argparse
import os
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.machine import header, table
from benchmarks.study_files import CURRENT, FAST, WEEK, digests, measured, runtime, write_pipeline, write_week
from biolake.cli.dagster import quieten

_BUDGET = 20 * 10**9
_SAMPLE_SECONDS = 0.1
_PAGE = os.sysconf("SC_PAGE_SIZE")


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


def family() -> list[int]:
    """This process and all below it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_bytes().rpartition(b")")[2].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [os.getpid()]
    for pid in found:
        found += children.get(pid, [])
    return found


def resident() -> int:
    """Resident memory of this process and of all below it [bytes]; what they share counts once for each."""
    total = 0
    for pid in family():
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
        except OSError:
            continue
    return total


class Watch:
    """A context that samples the memory; on leaving, what went wrong with the sampling is raised."""

    def __init__(self) -> None:
        self.most = self.samples = 0
        self._done = threading.Event()
        self._wrong: Exception | None = None
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()
        if self._wrong is not None and error is None:
            raise self._wrong

    def _sample(self) -> None:
        try:
            while not self._done.wait(_SAMPLE_SECONDS):
                self.most = max(self.most, resident())
                self.samples += 1
        except Exception as error:
            # A thread that dies silently would leave a peak that is too low.
            self._wrong = error


def core_times() -> dict[str, tuple[int, int]]:
    """By core, ticks that it was busy and all ticks, of the whole machine."""
    found = {}
    for line in Path("/proc/stat").read_text().splitlines():
        name, *ticks = line.split()
        if name.startswith("cpu") and name != "cpu":
            # The last two are guests' time, which is in the first two already.
            spent = [int(tick) for tick in ticks[:8]]
            found[name] = (sum(spent) - spent[3] - spent[4], sum(spent))
    return found


def busy(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> str:
    """Busy share of each core between two readings."""
    shares = {name: (after[name][0] - begin[0]) / max(1, after[name][1] - begin[1]) for name, begin in before.items()}
    return ", ".join(f"{name} {share:.0%}" for name, share in shares.items())


def run(folder: Path, count: int, days: int, name: str) -> str:
    """Measure and return the report.

    Raises:
        RuntimeError: The baseline was not processed, so that there is nothing to compare with.
    """
    from biolake.studies.processing.batch import process_all
    from biolake.studies.processing.models import Limits, ProcessingTask
    from biolake.studies.processing.runner import process
    from biolake.studies.states import State

    first = write_week(folder / "0.cwa", days=days)
    # The same signal under other names: the same work, but read from the disk once.
    files = [first, *(folder / f"{number}.cwa" for number in range(1, count))]
    for path in files[1:]:
        path.hardlink_to(first)
    one, cores = runtime(name), os.cpu_count() or 1
    report = header(f"{count} recordings of {days} days together, {name}")
    pipeline = write_pipeline(folder / "week.skdh", *WEEK)
    arguments = {"tz_name": "Europe/London"}
    with measured() as alone:
        baseline = process(ProcessingTask("alone", (first,), pipeline, folder / "alone", arguments), one, Limits())
    if baseline.state is not State.PROCESSED:
        raise RuntimeError(f"the baseline is {baseline.state.value}: {baseline.reason}")
    tasks = [ProcessingTask(path.stem, (path,), pipeline, folder / f"out{path.stem}", arguments) for path in files]
    before = core_times()
    with Watch() as watch, measured() as spent:
        outcomes = list(process_all(tasks, one, Limits(), memory_budget=_BUDGET, cores=cores))
    shares = busy(before, core_times())
    expected = digests(folder / "alone")
    processed = [outcome for outcome in outcomes if outcome.state is State.PROCESSED]
    same = sum(bool(expected) and digests(folder / f"out{outcome.key}") == expected for outcome in processed)
    others = sorted({f"{one.key} {one.state.value}: {one.reason}" for one in outcomes if one not in processed})
    planned = Limits().memory_bytes(baseline.scans[0].n_samples_expected)
    rows = [
        ("one alone (baseline)", f"{alone}, times {count} is {alone.wall * count:.0f} s"),
        (f"{count} together", f"{spent}, {alone.wall * count / spent.wall:.2f}x as fast"),
        ("busy share of the cores by these processes", f"{spent.cpu / spent.wall / cores:.0%} of {cores}"),
        ("each core busy, by whomever", shares),
        (
            "most memory of all processes",
            f"{watch.most / 1e9:.1f} GB of {_BUDGET / 1e9:.0f} GB ({watch.samples} samples)",
        ),
        ("planned for each", f"{planned / 1e9:.1f} GB"),
        ("largest peak of a recording's process", f"{max(one.cost.peak_bytes for one in outcomes) / 1e9:.1f} GB"),
        ("attempts", ", ".join(str(outcome.attempts) for outcome in outcomes)),
        ("processed", f"{len(processed)} of {count}{''.join('; ' + text for text in others)}"),
        (f"all {len(expected)} arrays equal the baseline's bit by bit", f"{same} of {count}"),
    ]
    return report + "\n" + table(("measure", "value"), rows)


if __name__ == "__main__":
    main()
