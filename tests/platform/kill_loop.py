"""Kill processes of a running deployment at random moments while datasets land, then prove that nothing is lost.

A command to run by hand (`python -m tests.platform.kill_loop --kills 20`), and the function that the test beside it
calls with fewer kills. Needs /proc.
"""

import argparse
import ctypes
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from biolake.ledger.jobs import count_jobs
from biolake.ledger.models import ENDED, JobState
from biolake.platform import Platform
from biolake.reports.reconcile import Reconciliation, reconcile
from biolake.settings import Settings

REPOSITORIES = ("north", "south")
TARGETS = ("worker", "worker", "worker", "daemon", "code-server", "ui", "up")
_SILENT_SECONDS = "10"
_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of <linux/prctl.h>
# Reachable on a laptop under load; what matters here is that a run whose process never came up is found at all.
_START_TIMEOUT = (re.compile(r"start_timeout_seconds: \d+"), "start_timeout_seconds: 45")


@dataclass
class Deployment:
    """`biolake up` in a folder of its own; engines that are elsewhere are named by the environment.

    Attributes:
        instance: The project's file that describes Dagster's instance.
    """

    home: Path
    instance: str = "dagster.yaml"
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        from platform_assets.home import dagster_home, project_file

        documents = self.home / "repositories"
        documents.mkdir(parents=True)
        for name in REPOSITORIES:
            (documents / f"{name}.yaml").write_text(f"name: {name}\ntitle: Made up\n")
        pattern, replacement = _START_TIMEOUT
        described = pattern.sub(replacement, project_file(self.instance).read_text())
        (dagster_home(self.home) / "dagster.yaml").write_text(described)

    def start(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        log = (self.home / "up.log").open("ab")
        command = [sys.executable, "-c", "from biolake.cli.main import main; main()", "up", "--port", str(self.port)]
        environment = {
            **os.environ,
            "BIOLAKE_HOME": str(self.home),
            "BIOLAKE_SILENT_SECONDS": _SILENT_SECONDS,
            "BIOLAKE_SETTLE_SECONDS": "0.5",
            "BIOLAKE_LOT_DATASETS": "25",
        }
        self.process = subprocess.Popen(
            command, stdout=log, stderr=log, env=environment, start_new_session=True, preexec_fn=_end_with_parent
        )

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(60)

    def revive(self) -> None:
        """Start `up` again where it was killed."""
        assert self.process is not None
        if self.process.poll() is not None:
            self.start()

    def processes(self) -> dict[int, str]:
        """The deployment's living processes by id, as the kind of thing that a kill aims at."""
        return {pid: _kind(command) for pid, command in _commands(self.home)}

    def at_work(self) -> bool:
        """Whether a run is alive: a deployment that is killed before it has begun proves little."""
        return "worker" in self.processes().values()

    def kill(self) -> str | None:
        """SIGKILL one process of a kind chosen at random among those that are alive, and name the kind."""
        alive = self.processes()
        kinds = [kind for kind in TARGETS if kind in alive.values()]
        if not kinds:
            return None
        target = random.choice(kinds)
        with suppress(ProcessLookupError):
            os.kill(random.choice([pid for pid, kind in alive.items() if kind == target]), signal.SIGKILL)
        if target == "up":
            assert self.process is not None
            self.process.wait()
            time.sleep(random.uniform(0, 2))
        return target


@dataclass(frozen=True)
class Result:
    """What was killed, what became of the jobs, how the stores compare, and what was left running."""

    kills: Counter[str]
    states: dict[str, dict[JobState, int]]
    reconciled: list[Reconciliation]
    orphans: dict[int, str]
    seconds: float


def run(
    home: Path,
    *,
    kills: int,
    datasets: int,
    pause: tuple[float, float],
    timeout: float,
    instance: str = "dagster.yaml",
    tell: Callable[[str], None] = lambda key: None,
) -> Result:
    """Land `datasets` while killing `kills` times, wait for the end of all jobs, stop, and compare the stores.

    Args:
        home: The deployment's folder.
        kills: How many processes are killed.
        datasets: How many are landed.
        pause: Between kills, in seconds: the shortest and the longest.
        timeout: When to give up.
        instance: The project's file that describes Dagster's instance.
        tell: Called with each key that was landed.
    """
    begun = time.monotonic()
    deployment = Deployment(home, instance)
    deployment.prepare()
    platform = Platform(Settings.from_environment({**os.environ, "BIOLAKE_HOME": str(home)}))
    deployment.start()
    killed: Counter[str] = Counter()
    landed, next_kill = 0, 0.0
    deadline = begun + timeout
    try:
        while time.monotonic() < deadline:
            deployment.revive()
            at_rest = _all_ended(platform, landed)
            if at_rest and landed == datasets and killed.total() == kills:
                break
            if landed < datasets and (at_rest or landed * kills < datasets * (killed.total() + 1)):
                landed = _land(platform, landed, min(datasets, landed + -(-datasets // kills)), tell)
            if killed.total() < kills and not next_kill and (at_rest or deployment.at_work()):
                next_kill = time.monotonic() + random.uniform(*pause)
            if next_kill and time.monotonic() > next_kill:
                target = deployment.kill()
                if target is not None:
                    next_kill = 0.0
                    killed[target] += 1
                    _say(f"{killed.total()}: killed {target}; {_counts(platform)}")
            time.sleep(0.05)
        else:
            _say(f"not finished after {timeout:.0f} s: {_counts(platform)}")
    finally:
        deployment.stop()
    orphans = _left_running(deployment, 40)
    with platform.ledger.reading() as connection:
        states = {name: count_jobs(connection, name) for name in REPOSITORIES}
    reconciled = [reconcile(platform, repository) for repository in platform.repositories]
    platform.close()
    return Result(killed, states, reconciled, orphans, time.monotonic() - begun)


def _land(platform: Platform, start: int, end: int, tell: Callable[[str], None]) -> int:
    for number in range(start, end):
        name = REPOSITORIES[number % len(REPOSITORIES)]
        rows = "".join(f"g{row},{number + row},{number - row}\n" for row in range(20))
        platform.bucket.put(f"{name}/D{number}.csv", f"gene,s1,s2\n{rows}".encode())
        tell(f"{name}/D{number}.csv")
    return end


def _all_ended(platform: Platform, datasets: int) -> bool:
    with platform.ledger.reading() as connection:
        counts = count_jobs(connection)
    return sum(counts.values()) >= datasets and counts.keys() <= ENDED


def _counts(platform: Platform) -> str:
    with platform.ledger.reading() as connection:
        return ", ".join(f"{count} {state.value}" for state, count in sorted(count_jobs(connection).items()))


def _commands(home: Path) -> Iterator[tuple[int, list[str]]]:
    """Processes whose environment names this deployment's folder."""
    mark = f"BIOLAKE_HOME={home}".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with suppress(OSError):
            command = (entry / "cmdline").read_bytes().split(b"\0")
            environment = (entry / "environ").read_bytes().split(b"\0")
            alive = (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
            if alive and mark in environment:
                yield int(entry.name), [part.decode(errors="replace") for part in command]


def _kind(command: list[str]) -> str:
    line = " ".join(command)
    if " up " in f"{line} ":
        return "up"
    if "dagster._daemon" in line:
        return "daemon"
    if "dagster_webserver" in line or "dagster-webserver" in line:
        return "ui"
    if "code-server" in line or "api grpc" in line:
        return "code-server"
    if "multiprocessing.spawn" in line:
        return "worker"
    return "other"


def _left_running(deployment: Deployment, patience: float) -> dict[int, str]:
    deadline = time.monotonic() + patience
    while (left := {pid: " ".join(command) for pid, command in _commands(deployment.home)}) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.5)
    return left


def _end_with_parent() -> None:
    """Have the deployment stopped when the process that started it is killed."""
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM)


def _say(line: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")


def main() -> int:
    """Run the loop and print what came of it; exit code 1 where anything is lost, repeated or left over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--datasets", type=int, default=300)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--timeout", type=float, default=1800)
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.randrange(10**6)
    random.seed(seed)
    # Without this the end of this program would leave the deployment running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    home = Path(tempfile.mkdtemp(prefix="biolake-kill-"))
    _say(f"seed {seed}, state in {home}")
    result = run(home, kills=arguments.kills, datasets=arguments.datasets, pause=(0.0, 6.0), timeout=arguments.timeout)
    sys.stdout.write(
        json.dumps(
            {
                "seconds": round(result.seconds),
                "kills": result.kills,
                "states": {name: {s.value: n for s, n in counts.items()} for name, counts in result.states.items()},
                "differences": [str(d) for one in result.reconciled for d in one.differences],
                "datasets": [one.datasets for one in result.reconciled],
                "orphans": result.orphans,
            },
            indent=1,
        )
        + "\n"
    )
    complete = sum(one.datasets for one in result.reconciled) == arguments.datasets
    return 0 if complete and all(one.agrees for one in result.reconciled) and not result.orphans else 1


if __name__ == "__main__":
    sys.exit(main())
