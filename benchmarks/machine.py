"""What every benchmark prints about the machine, and how its table is written."""

import os
import platform
import resource
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path


def header(title: str) -> str:
    """Title, date, commit and machine, as docs/benchmarks.md records them."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, cwd=Path(__file__).parent
    ).stdout.strip()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    load = os.getloadavg()[0]
    return (
        f"### {title}\n\n{datetime.now(UTC):%Y-%m-%d}, commit {commit}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"Python {platform.python_version()}, load at start {load:.1f}\n"
    )


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(str(value) for value in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def peak_memory_gib(*, children: bool = False) -> float:
    """Peak resident memory of this process, or of the largest child that has ended."""
    who = resource.RUSAGE_CHILDREN if children else resource.RUSAGE_SELF
    return resource.getrusage(who).ru_maxrss / 1024**2
