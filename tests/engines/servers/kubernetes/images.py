"""Container images without a builder or a registry: archives that containerd imports.

`HOST_BASE` is an almost empty root. What runs in it is this machine's own userland, mounted read-only, so that a test
needs no image of the platform: see `tests.engines.kubernetes.host_pods`.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PAUSE = "local.test/pause:1"
HOST_BASE = "local.test/host-base:1"
USER = 1000
"""The user of pods that are not root's."""

_FOLDERS = ("usr", "etc", "root", "home", "proc", "sys", "dev", "run", "var", "var/lib", "opt", "mnt", "srv")
_FILES = {
    "etc/passwd": f"root:x:0:0:root:/root:/bin/sh\nbiolake:x:{USER}:{USER}:biolake:/tmp:/bin/sh\n",
    "etc/group": f"root:x:0:\nbiolake:x:{USER}:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "etc/hosts": "127.0.0.1 localhost\n",
}


@dataclass(frozen=True)
class Root:
    """What an image's root holds: folders with their modes, links, and files with content and mode."""

    folders: Mapping[str, int] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, tuple[bytes, int]] = field(default_factory=dict)


def write_pause(path: Path, program: Path) -> None:
    """Write the image that holds a pod's namespaces."""
    _write(path, PAUSE, Root(files={"pause": (program.read_bytes(), 0o755)}), ["/pause"])


def write_host_base(path: Path) -> None:
    """Write the root into which this machine's userland is mounted."""
    folders = dict.fromkeys(_FOLDERS, 0o755) | {"tmp": 0o1777}
    links = {name: f"usr/{name}" for name in ("bin", "sbin", "lib", "lib64")}
    files = {name: (text.encode(), 0o644) for name, text in _FILES.items()}
    _write(path, HOST_BASE, Root(folders, links, files), None)


def _write(path: Path, reference: str, root: Root, entrypoint: Sequence[str] | None) -> None:
    layer = _layer(root)
    configuration = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Entrypoint": entrypoint, "Env": ["PATH=/usr/local/bin:/usr/bin:/bin"], "WorkingDir": "/"},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
            "history": [{"created_by": "tests"}],
        }
    ).encode()
    name = f"{hashlib.sha256(configuration).hexdigest()}.json"
    manifest = json.dumps([{"Config": name, "RepoTags": [reference], "Layers": ["layer.tar"]}]).encode()
    with tarfile.open(path, "w") as archive:
        for member, content in ((name, configuration), ("layer.tar", layer), ("manifest.json", manifest)):
            _add(archive, member, content, 0o644)


def _layer(root: Root) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, mode in root.folders.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            archive.addfile(entry)
        for name, target in root.links.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
        for name, (content, mode) in root.files.items():
            _add(archive, name, content, mode)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))
