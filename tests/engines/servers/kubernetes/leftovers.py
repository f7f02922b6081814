"""Everything that a cluster leaves on the machine, found and removed without the cluster's help.

A run that was killed leaves processes, containers, mounts, control groups, firewall chains and a bridge. All of
them carry the cluster's state folder or its names, so what is not the cluster's is never touched.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

CONTROL_GROUP = "biolake-test"
BRIDGE = "biolake-test0"
HIERARCHIES = Path("/sys/fs/cgroup")
_CHAINS = ("KUBE-FIREWALL", "KUBE-KUBELET-CANARY", "KUBE-IPTABLES-HINT")
_PATIENCE = 10.0


def remove_leftovers(state: Path) -> None:
    """End every process of the cluster and take away what it made outside of its folder, then the folder."""
    end_containers()
    _end_processes(state)
    for mount in sorted(_mounts(state), reverse=True):
        subprocess.run(["umount", "-l", mount], check=False, capture_output=True)
    _remove_control_groups()
    _remove_network()
    subprocess.run(["rm", "-rf", "--one-file-system", str(state)], check=True)


def found_leftovers(state: Path) -> list[str]:
    """What of a cluster is still on the machine, each by a word and its name."""
    found = [f"process {pid}" for pid in _processes(state)]
    found += [f"mount {mount}" for mount in _mounts(state)]
    found += [f"control group {group}" for group in _control_groups()]
    for table in ("filter", "mangle", "nat"):
        listed = subprocess.run(["iptables", "-t", table, "-S"], capture_output=True, text=True, check=False).stdout
        found += [f"chain {chain} in {table}" for chain in _CHAINS if f"-N {chain}" in listed]
    if Path("/sys/class/net", BRIDGE).exists():
        found.append(f"bridge {BRIDGE}")
    return found + ([f"folder {state}"] if state.exists() else [])


def end_containers() -> None:
    """Kill whatever runs in the cluster's containers, as a power cut would."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if not signal_containers(signal.SIGKILL):
            return
        time.sleep(0.1)


def signal_containers(number: signal.Signals) -> int:
    """Send a signal to whatever runs in the cluster's containers, and return to how many processes."""
    members = {pid for group in _control_groups() for pid in _members(group)}
    for pid in members:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    return len(members)


def _end_processes(state: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while (found := list(_processes(state))) and time.monotonic() < deadline:
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)


def _processes(state: Path) -> Iterator[int]:
    """Processes whose program or arguments lie in the state folder: components and containers' shims."""
    marks = (f"{state}/".encode(), f"{state}\0".encode())
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with suppress(OSError):
            command = (entry / "cmdline").read_bytes()
            program = command.partition(b"\0")[0].rpartition(b"/")[2]
            ours = command.startswith(marks[0]) or program in {b"containerd", b"containerd-shim-runc-v2"}
            if ours and any(mark in command for mark in marks):
                yield int(entry.name)


def _mounts(state: Path) -> list[str]:
    lines = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    return [fields[1] for fields in lines if fields[1].startswith(f"{state}/")]


def _control_groups() -> list[Path]:
    """The cluster's groups in every hierarchy, the innermost first."""
    tops = [group for group in (HIERARCHIES / CONTROL_GROUP, *HIERARCHIES.glob(f"*/{CONTROL_GROUP}")) if group.is_dir()]
    return [Path(folder) for top in tops for folder, _, _ in os.walk(top, topdown=False)]


def _members(group: Path) -> list[int]:
    try:
        return [int(line) for line in (group / "cgroup.procs").read_text().split()]
    except OSError:
        return []


def _remove_control_groups() -> None:
    deadline = time.monotonic() + _PATIENCE
    # The kernel lets go of a group a moment after its last process.
    while (groups := _control_groups()) and time.monotonic() < deadline:
        for group in groups:
            with suppress(OSError):
                group.rmdir()
        time.sleep(0.05)


def _remove_network() -> None:
    quiet = {"check": False, "capture_output": True}
    subprocess.run(["ip", "link", "del", BRIDGE], **quiet)  # type: ignore[call-overload]
    for chain in ("INPUT", "OUTPUT"):
        subprocess.run(["iptables", "-D", chain, "-j", "KUBE-FIREWALL"], **quiet)  # type: ignore[call-overload]
    for table in ("filter", "mangle", "nat"):
        for chain in _CHAINS:
            for what in ("-F", "-X"):
                subprocess.run(["iptables", "-t", table, what, chain], **quiet)  # type: ignore[call-overload]
