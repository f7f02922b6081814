"""How much memory this process may use: the machine's, or less where its container or service was given less."""

import os
from collections.abc import Iterator
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")


def usable_memory(process: Path = Path("/proc/self/cgroup"), groups: Path = _GROUPS) -> int:
    """Return the bytes that this process and those beside it in its container may use together.

    Args:
        process: Where the kernel says in which control groups the process is.
        groups: Where the hierarchies are mounted; in a container its own group is their root.
    """
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *_limits(process, groups)])


def _limits(process: Path, groups: Path) -> Iterator[int]:
    """Every limit from the process's group up to the root, of both versions of control groups."""
    try:
        lines = process.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            top, name = groups, "memory.max"
        elif "memory" in controllers.split(","):
            top, name = groups / "memory", "memory.limit_in_bytes"
        else:
            continue
        place = Path(path.lstrip("/"))
        for group in (place, *place.parents):
            limit = _limit(top / group / name)
            if limit is not None:
                yield limit


def _limit(file: Path) -> int | None:
    try:
        text = file.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
