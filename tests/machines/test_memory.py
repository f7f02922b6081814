"""A process knows the memory of its container, in both versions of control groups."""

import os
from pathlib import Path

import pytest

from biolake.formats.models import Limits
from biolake.machines.memory import usable_memory

MIB = 2**20
MACHINE = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def in_groups(folder: Path, said: str, files: dict[str, str]) -> int:
    (folder / "cgroup").write_text(said)
    for name, content in files.items():
        file = folder / "groups" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return usable_memory(folder / "cgroup", folder / "groups")


@pytest.mark.parametrize(
    ("said", "files", "limit"),
    [
        ("0::/pod/container\n", {"pod/container/memory.max": "max\n", "pod/memory.max": f"{600 * MIB}\n"}, 600 * MIB),
        ("0::/pod/container\n", {"memory.max": f"{300 * MIB}\n"}, 300 * MIB),
        ("4:cpu:/a\n3:memory:/a/b\n", {"memory/a/b/memory.limit_in_bytes": f"{500 * MIB}\n"}, 500 * MIB),
        ("3:memory:/a\n", {"memory/memory.limit_in_bytes": "9223372036854771712\n"}, MACHINE),
        ("4:cpu:/a\n", {}, MACHINE),
    ],
)
def test_the_smallest_limit_counts(tmp_path: Path, said: str, files: dict[str, str], limit: int) -> None:
    assert in_groups(tmp_path, said, files) == limit


def test_no_groups_at_all_leave_the_machine(tmp_path: Path) -> None:
    assert usable_memory(tmp_path / "none", tmp_path) == MACHINE


def test_a_reader_gets_no_more_than_its_container_has(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Limits.of_this_machine().memory_bytes == min(Limits().memory_bytes, usable_memory())
    monkeypatch.setattr("biolake.machines.memory.usable_memory", lambda: 700 * MIB)
    assert Limits.of_this_machine().memory_bytes == 700 * MIB
