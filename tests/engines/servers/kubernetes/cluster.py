"""Starts and ends the cluster: etcd, API server, controller manager, scheduler, a real kubelet with containerd.

All of it listens on 127.0.0.1 and lies in one folder. Settings that are not obvious say why.
"""

import fcntl
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tests.engines.servers.kubernetes.build import HERE, PARTS, build
from tests.engines.servers.kubernetes.certificates import Authority
from tests.engines.servers.kubernetes.images import write_host_base, write_pause
from tests.engines.servers.kubernetes.leftovers import (
    BRIDGE,
    CONTROL_GROUP,
    HIERARCHIES,
    found_leftovers,
    remove_leftovers,
)
from tests.engines.servers.process import ServerProcess

STATE = Path(tempfile.gettempdir()) / "biolake-kubernetes"
SERVER, ETCD = 6443, 12379
_V1_GROUPS = ("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "systemd")
_PATIENCE = 90.0


class Cluster:
    """One node on this machine."""

    def __init__(self, state: Path = STATE) -> None:
        self.state = state
        self.kubeconfig = state / "admin.kubeconfig"
        self._processes: dict[str, ServerProcess] = {}

    def up(self) -> None:
        """Start everything and wait until the node is ready; what a killed session left is removed before."""
        binary = build()
        remove_leftovers(self.state)
        for name in ("pki", "logs", "bin", "cni"):
            (self.state / name).mkdir(parents=True)
        for part in PARTS:
            (self.state / "bin" / part).symlink_to(binary)
        self._certify()
        self._configure_node()
        self._start("etcd", *_etcd(self.state))
        self._start("kube-apiserver", *self._api_server())
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

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl as the cluster's administrator and return what it says."""
        done = self._kubectl(*arguments, stdin=stdin)
        if done.returncode:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def get(self, *arguments: str) -> dict[str, Any]:
        """Objects as kubectl shows them."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def _kubectl(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [str(self.state / "bin" / "kubectl"), f"--kubeconfig={self.kubeconfig}", *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)

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

    def _api_server(self) -> list[str]:
        pki = self.state / "pki"
        return [
            f"--etcd-servers=http://127.0.0.1:{ETCD}",
            "--bind-address=127.0.0.1",
            f"--secure-port={SERVER}",
            # It may advertise no loopback address; nobody uses the one that is given instead.
            "--advertise-address=192.0.2.2",
            "--endpoint-reconciler-type=none",
            f"--tls-cert-file={pki}/apiserver.crt",
            f"--tls-private-key-file={pki}/apiserver.key",
            f"--client-ca-file={pki}/ca.crt",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={pki}/service-accounts.key",
            f"--service-account-signing-key-file={pki}/service-accounts.key",
            f"--kubelet-client-certificate={pki}/kubelet-client.crt",
            f"--kubelet-client-key={pki}/kubelet-client.key",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--service-cluster-ip-range=10.96.0.0/16",
        ]

    def _configure_node(self) -> None:
        state = self.state
        # A node without a network configuration never turns ready, even where every pod uses the host's network.
        network = {
            "cniVersion": "1.0.0",
            "name": "test",
            "plugins": [
                {
                    "type": "bridge",
                    "bridge": BRIDGE,
                    "isGateway": True,
                    "ipam": {
                        "type": "host-local",
                        "dataDir": f"{state}/cni-data",
                        "ranges": [[{"subnet": "10.88.79.0/24"}]],
                        "routes": [{"dst": "0.0.0.0/0"}],
                    },
                }
            ],
        }
        (state / "cni" / "10-test.conflist").write_text(json.dumps(network))
        (state / "containerd.toml").write_text(_containerd(state))
        (state / "kubelet.json").write_text(json.dumps(_kubelet(state)))
        if not (HIERARCHIES / "cgroup.controllers").exists():
            for name in _V1_GROUPS:
                (HIERARCHIES / name / CONTROL_GROUP).mkdir(parents=True, exist_ok=True)
            for name in ("cpus", "mems"):
                inherited = (HIERARCHIES / "cpuset" / f"cpuset.{name}").read_text()
                (HIERARCHIES / "cpuset" / CONTROL_GROUP / f"cpuset.{name}").write_text(inherited)

    def _start_containerd(self) -> None:
        containerd = shutil.which("containerd")
        assert containerd is not None
        self._start("containerd", "-c", f"{self.state}/containerd.toml", program=containerd)
        pause = self.state / "bin" / "pause"
        subprocess.run(["gcc", "-O2", "-static", "-s", "-o", str(pause), str(HERE / "pause.c")], check=True)
        write_pause(self.state / "pause.tar", pause)
        write_host_base(self.state / "host-base.tar")
        deadline = time.monotonic() + _PATIENCE
        for name in ("pause", "host-base"):
            command = ["ctr", "-a", f"{self.state}/containerd.sock", "-n", "k8s.io", "images", "import"]
            while subprocess.run([*command, f"{self.state}/{name}.tar"], capture_output=True, check=False).returncode:
                assert time.monotonic() < deadline, f"containerd does not answer; see {self.state}/logs"
                time.sleep(0.1)


def _etcd(state: Path) -> list[str]:
    client, peer = f"http://127.0.0.1:{ETCD}", f"http://127.0.0.1:{ETCD + 1}"
    return [
        *("--data-dir", f"{state}/etcd", "--unsafe-no-fsync"),
        *("--listen-client-urls", client, "--advertise-client-urls", client),
        *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"),
    ]


def _containerd(state: Path) -> str:
    return f"""version = 2
root = "{state}/containerd-root"
state = "{state}/containerd-state"
[grpc]
  address = "{state}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  # Without the right to lower a process's score below its parent's, every sandbox would fail.
  restrict_oom_score_adj = true
  sandbox_image = "local.test/pause:1"
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{state}/cni"
"""


def _kubelet(state: Path) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": "127.0.0.1",
        "authentication": {
            "anonymous": {"enabled": False},
            "x509": {"clientCAFile": f"{state}/pki/ca.crt"},
            "webhook": {"enabled": True},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{CONTROL_GROUP}",
        "failSwapOn": False,
        "failCgroupV1": False,
        # The same right as containerd's above.
        "oomScoreAdj": 0,
        "healthzPort": 0,
        "containerRuntimeEndpoint": f"unix://{state}/containerd.sock",
        "tlsCertFile": f"{state}/pki/kubelet.crt",
        "tlsPrivateKeyFile": f"{state}/pki/kubelet.key",
        "podLogsDir": f"{state}/pod-logs",
        "nodeStatusUpdateFrequency": "2s",
        "nodeLeaseDurationSeconds": 4,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
    }


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """The machine's one cluster, for as long as the block lasts; another session's is waited for."""
    with _alone():
        cluster = Cluster()
        try:
            cluster.up()
            yield cluster
        finally:
            cluster.down()


@contextmanager
def _alone() -> Iterator[IO[str]]:
    # The kernel lets go of the lock when its holder dies, and the next session cleans up.
    with STATE.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
