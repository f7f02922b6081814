"""The cluster's programs: Kubernetes built from source as one binary, and Debian's containerd.

Building takes three to four minutes of two cores; the binary is kept under the name of everything that made it.
"""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from tests.engines.servers.cache import built
from tests.engines.servers.missing import has_go, lacking

HERE = Path(__file__).resolve().parent
VERSION = "v1.34.4"
PARTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kubectl")
_PACKAGES = {
    "containerd": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "gcc": "gcc",
    "openssl": "openssl",
}
_SOURCES = ("go.mod", "go.sum", "main.go")
_MAJOR, _MINOR = VERSION.removeprefix("v").split(".")[:2]
# Without a version every component calls itself v0.0.0, which clients refuse to compare.
_NAMED = (("gitVersion", VERSION), ("gitMajor", _MAJOR), ("gitMinor", _MINOR))
_LINKER = " ".join(["-s", "-w", *(f"-X k8s.io/component-base/version.{name}={value}" for name, value in _NAMED)])


def tools() -> str | None:
    """What is missing to build and run it; None where nothing is."""
    packages = {f"the package {package}": shutil.which(program) is not None for program, package in _PACKAGES.items()}
    return lacking("Kubernetes", {"root": os.geteuid() == 0, "Go 1.21 or newer": has_go(), **packages})


def build() -> Path:
    """Return the binary that is every part of the cluster, by the name it is started with."""
    version = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout.strip()
    digest = hashlib.sha256(version.encode())
    for name in _SOURCES:
        digest.update((HERE / name).read_bytes())
    return built(f"kubernetes-{VERSION}-{digest.hexdigest()[:16]}", _compile) / "kubernetes"


def _compile(place: Path) -> None:
    # The compiled packages are 3 GB that nothing else uses.
    packages = place / "packages"
    environment = {**os.environ, "CGO_ENABLED": "0", "GOCACHE": str(packages), "GOFLAGS": "-mod=readonly -p=2"}
    options = ["-trimpath", "-gcflags=all=-dwarf=false", "-ldflags", _LINKER]
    subprocess.run(
        ["go", "build", *options, "-o", str(place / "kubernetes"), "."], cwd=HERE, env=environment, check=True
    )
    shutil.rmtree(packages)
