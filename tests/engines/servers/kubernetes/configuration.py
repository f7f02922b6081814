"""How each part of the cluster is configured. Settings that are not obvious say why."""

from pathlib import Path
from typing import Any

from tests.engines.servers.kubernetes.leftovers import BRIDGE, CONTROL_GROUP

SERVER, ETCD = 6443, 12379


def etcd(state: Path) -> list[str]:
    """Arguments of etcd."""
    client, peer = f"http://127.0.0.1:{ETCD}", f"http://127.0.0.1:{ETCD + 1}"
    return [
        *("--data-dir", f"{state}/etcd", "--unsafe-no-fsync"),
        *("--listen-client-urls", client, "--advertise-client-urls", client),
        *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"),
    ]


def api_server(state: Path) -> list[str]:
    """Arguments of the API server."""
    pki = state / "pki"
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


def network(state: Path) -> dict[str, Any]:
    """The pods' own network."""
    # A node without a network configuration never turns ready, even where every pod uses the host's network.
    return {
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


def containerd(state: Path) -> str:
    """The container runtime's configuration."""
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


def kubelet(state: Path) -> dict[str, Any]:
    """The configuration of the node's agent."""
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
