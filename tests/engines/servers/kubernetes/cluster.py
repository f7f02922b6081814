"""Starts and ends the cluster: etcd, API server, controller manager, scheduler, a real kubelet with containerd.

All of it listens on 127.0.0.1 and lies in one folder. How each part is configured is in `configuration.py`.
"""

import fcntl
import json
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.engines.servers.kubernetes.build import HERE, PARTS, build
from tests.engines.servers.kubernetes.certificates import Authority
from tests.engines.servers.kubernetes.configuration import SERVER, api_server, containerd, etcd, kubelet, network
from tests.engines.servers.kubernetes.images import write_host_base, write_pause
from tests.engines.servers.kubernetes.leftovers import (
    CONTROL_GROUP,
    HIERARCHIES,
    found_leftovers,
    remove_leftovers,
    signal_containers,
)
from tests.engines.servers.process import ServerProcess

STATE = Path(tempfile.gettempdir()) / "biolake-kubernetes"
_V1_GROUPS = ("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "systemd")
_PATIENCE = 90.0


class Cluster:
    """One node on this machine."""

    def __init__(self, state: Path = STATE) -> None:
        self.state = state
        self.kubeconfig = state / "admin.kubeconfig"
        self._processes: dict[str, ServerProcess] = {}

    def up(self) -> None:
        """Start everything and wait until the node is ready; what a killed run left is removed before."""
        binary = build()
        remove_leftovers(self.state)
        for name in ("pki", "logs", "bin", "cni"):
            (self.state / name).mkdir(parents=True)
        for part in PARTS:
            (self.state / "bin" / part).symlink_to(binary)
        self._certify()
        self._configure_node()
        self._start("etcd", *etcd(self.state))
        self._start("kube-apiserver", *api_server(self.state))
        self._start_containerd()
        self._until("API server", "get", "--raw", "/readyz")
        for name, more in (
            (
                "kube-controller-manager",
                (
                    f"--root-ca-file={self.state}/pki/ca.crt",
                    f"--service-account-private-key-file={self.state}/pki/service-accounts.key",
                    "--use-service-account-credentials",
                    # So that a test sees the loss of the node within seconds; the default is 50 s.
                    "--node-monitor-grace-period=10s",
                    "--node-monitor-period=1s",
                ),
            ),
            ("kube-scheduler", ()),
        ):
            kubeconfig = f"--kubeconfig={self.state}/{name}.kubeconfig"
            self._start(name, kubeconfig, "--bind-address=127.0.0.1", "--leader-elect=false", *more)
        self.start_kubelet()
        self._until("service account", "get", "serviceaccount", "default")
        self._until("node", "wait", "--for=condition=Ready", "node/localhost", "--timeout=1s")

    def down(self) -> None:
        """End everything and take it away."""
        for process in self._processes.values():
            process.kill()
        self._processes.clear()
        remove_leftovers(self.state)
        assert found_leftovers(self.state) == []

    def start_kubelet(self) -> None:
        """Start the node's agent."""
        self._start(
            "kubelet",
            *(f"--config={self.state}/kubelet.json", f"--kubeconfig={self.state}/kubelet.kubeconfig"),
            # The API server reaches the kubelet by the node's name.
            *("--hostname-override=localhost", f"--root-dir={self.state}/kubelet"),
        )

    def stop_kubelet(self) -> None:
        """Kill the node's agent; containers go on, as they do on a node that the network has lost."""
        self._processes.pop("kubelet").kill()

    def lose_node(self) -> None:
        """Silence the node and have its pods stand still, as where a machine hangs or its network is gone."""
        self.stop_kubelet()
        signal_containers(signal.SIGSTOP)

    def find_node(self) -> None:
        """Have a lost node's pods go on where they were, and a moment later let it speak again."""
        signal_containers(signal.SIGCONT)
        time.sleep(3)
        self.start_kubelet()

    def stop_api_server(self) -> None:
        """Kill the API server."""
        self._processes.pop("kube-apiserver").kill()

    def start_api_server(self) -> None:
        """Start it again, and wait until it answers."""
        self._start("kube-apiserver", *api_server(self.state))
        self._until("API server", "get", "--raw", "/readyz")

    def import_image(self, archive: Path, *options: str) -> None:
        """Give the node an image, as a pull would."""
        done = self._ctr("images", "import", *options, str(archive))
        assert done.returncode == 0, done.stderr

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl as the cluster's administrator and return what it says."""
        done = self._kubectl(*arguments, stdin=stdin)
        if done.returncode:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def kubectl_answers(self, *arguments: str) -> bool:
        """Whether kubectl succeeds."""
        return self._kubectl(*arguments).returncode == 0

    def _kubectl(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [str(self.state / "bin" / "kubectl"), f"--kubeconfig={self.kubeconfig}", *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)

    def _ctr(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["ctr", "-a", f"{self.state}/containerd.sock", "-n", "k8s.io", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def _start(self, name: str, *arguments: str, program: str | None = None) -> None:
        command = [program or str(self.state / "bin" / name), *arguments]
        # Whether it works is asked of the whole cluster.
        process = ServerProcess(command, self.state / "logs" / f"{name}.log", lambda: True)
        process.start()
        self._processes[name] = process

    def _until(self, what: str, *arguments: str) -> None:
        deadline = time.monotonic() + _PATIENCE
        while (done := self._kubectl(*arguments)).returncode:
            dead = [name for name, process in self._processes.items() if not process.running]
            if dead or time.monotonic() > deadline:
                raise AssertionError(
                    f"the cluster's {what} is not ready ({done.stderr.strip()[-300:]}); ended: {dead}; "
                    f"logs in {self.state}/logs"
                )
            time.sleep(0.1)

    def _certify(self) -> None:
        authority = Authority(self.state / "pki", f"https://127.0.0.1:{SERVER}")
        authority.issue("apiserver", "/CN=kube-apiserver", "IP:127.0.0.1,IP:10.96.0.1,DNS:localhost")
        authority.issue("kubelet-client", "/O=system:masters/CN=apiserver-kubelet-client")
        authority.issue("admin", "/O=system:masters/CN=admin")
        authority.issue("kubelet", "/O=system:nodes/CN=system:node:localhost", "DNS:localhost,IP:127.0.0.1")
        for name in ("kube-controller-manager", "kube-scheduler"):
            authority.issue(name, f"/CN=system:{name}")
        for name in ("admin", "kubelet", "kube-controller-manager", "kube-scheduler"):
            authority.kubeconfig(name, self.state / f"{name}.kubeconfig")

    def _configure_node(self) -> None:
        state = self.state
        (state / "cni" / "10-test.conflist").write_text(json.dumps(network(state)))
        (state / "containerd.toml").write_text(containerd(state))
        (state / "kubelet.json").write_text(json.dumps(kubelet(state)))
        if not (HIERARCHIES / "cgroup.controllers").exists():
            for name in _V1_GROUPS:
                (HIERARCHIES / name / CONTROL_GROUP).mkdir(parents=True, exist_ok=True)
            for name in ("cpus", "mems"):
                inherited = (HIERARCHIES / "cpuset" / f"cpuset.{name}").read_text()
                (HIERARCHIES / "cpuset" / CONTROL_GROUP / f"cpuset.{name}").write_text(inherited)
            # A group of all pods would else count as little as one of this machine's other processes.
            (HIERARCHIES / "cpu" / CONTROL_GROUP / "cpu.shares").write_text("8192")

    def _start_containerd(self) -> None:
        program = shutil.which("containerd")
        assert program is not None
        self._start("containerd", "-c", f"{self.state}/containerd.toml", program=program)
        pause = self.state / "bin" / "pause"
        subprocess.run(["gcc", "-O2", "-static", "-s", "-o", str(pause), str(HERE / "pause.c")], check=True)
        write_pause(self.state / "pause.tar", pause)
        write_host_base(self.state / "host-base.tar")
        deadline = time.monotonic() + _PATIENCE
        for name in ("pause", "host-base"):
            while self._ctr("images", "import", f"{self.state}/{name}.tar").returncode:
                assert time.monotonic() < deadline, f"containerd does not answer; see {self.state}/logs"
                time.sleep(0.1)


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """The machine's one cluster, for as long as the block lasts; that of another run is waited for."""
    with _alone():
        cluster = Cluster()
        try:
            cluster.up()
            yield cluster
        finally:
            cluster.down()


@contextmanager
def _alone() -> Iterator[IO[str]]:
    # The kernel lets go of the lock when its holder dies, and the next run cleans up.
    with STATE.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
