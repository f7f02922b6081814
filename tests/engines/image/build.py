"""Builds the platform's image from `deploy/Containerfile` on a machine without a registry, with buildah.

The base image is made here: Debian 12 by debootstrap, with the interpreter that runs the tests, as the official image
of Python has it under /usr/local. How this machine reaches package indexes is handed in as secrets, as a builder would.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.engines.servers.cache import built

PROJECT = Path(__file__).resolve().parents[3]
REFERENCE = "local.test/biolake"
_BASE = "localhost/biolake-base:bookworm"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MIRROR = "http://deb.debian.org/debian"
# What the official image has beside Debian's smallest, for the interpreter's own modules.
_DEBIAN = (
    *("ca-certificates", "netbase", "tzdata", "libbz2-1.0", "libexpat1", "libffi8", "libgdbm6", "liblzma5"),
    *("libncursesw6", "libreadline8", "libsqlite3-0", "libssl3", "libuuid1", "zlib1g"),
)
_NOT_OF_PYTHON = ("site-packages", "test", "__pycache__", "idlelib", "turtledemo", "tkinter", "config-*", "*.a")
_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
_STORAGE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "biolake" / "buildah"


def tools() -> str | None:
    """What is missing to build the image; None where nothing is."""
    if os.geteuid() != 0:
        return "building the image here needs root"
    missing = [name for name in ("buildah", "debootstrap") if shutil.which(name) is None]
    return f"building the image needs the packages {', '.join(missing)}, which are not installed" if missing else None


def build_image(archive: Path) -> None:
    """Build the image and write it as an archive that containerd imports; unchanged layers come from the last build."""
    python = ".".join(map(str, sys.version_info[:3]))
    root = built(f"image-base-bookworm-python-{python}", _assemble) / "root.tar"
    with tempfile.TemporaryDirectory(prefix="biolake-image-") as name:
        folder = Path(name)
        (folder / "Containerfile").write_text(f"FROM scratch\nADD root.tar /\nENV PATH={_PATH}\n")
        _buildah("build", "--layers", "-t", _BASE, "-f", str(folder / "Containerfile"), str(root.parent))
        secrets = [f"--secret=id={name},src={path}" for name, path in _indexes(folder).items()]
        _buildah(
            *("build", "--layers", "--pull-never", *secrets, f"--build-arg=BASE={_BASE}"),
            *("-f", "deploy/Containerfile", "-t", f"{REFERENCE}:built", "."),
        )
    archive.unlink(missing_ok=True)
    # Layers of this kind of archive are not compressed, which saves both sides a minute.
    _buildah("push", f"{REFERENCE}:built", f"docker-archive:{archive}:{REFERENCE}:built")


def _buildah(*arguments: str) -> None:
    # A namespace per step is what a container's builder may lack; a chroot needs none.
    environment = {**os.environ, "BUILDAH_ISOLATION": "chroot"}
    command = ["nice", "buildah", f"--root={_STORAGE}", f"--runroot={_STORAGE}-run", *arguments]
    subprocess.run(command, cwd=PROJECT, env=environment, check=True)


def _indexes(folder: Path) -> dict[str, Path]:
    """How this machine reaches package indexes, as files that the Containerfile takes."""
    pip, uv = Path("/etc/pip.conf"), Path("/etc/uv/uv.toml")
    found = {"certificates": Path(os.environ.get("SSL_CERT_FILE") or _AUTHORITIES)}
    if pip.is_file():
        found["pip"] = pip
    if not uv.is_file():
        uv = folder / "uv.toml"
        uv.write_text("system-certs = true\n")
    return found | {"uv": uv}


def _assemble(place: Path) -> None:
    root = place / "root"
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(_DEBIAN)}", "bookworm", str(root), _MIRROR]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(root / "var" / "cache" / "apt" / "archives")
    version = ".".join(map(str, sys.version_info[:2]))
    prefix, target = Path(sys.base_prefix), root / "usr" / "local"
    ignore = shutil.ignore_patterns(*_NOT_OF_PYTHON)
    shutil.copytree(prefix / "lib" / f"python{version}", target / "lib" / f"python{version}", ignore=ignore)
    shutil.copy(prefix / "bin" / f"python{version}", target / "bin")
    for library in (prefix / "lib").glob("libpython*.so*"):
        shutil.copy(library, target / "lib", follow_symlinks=False)
    for name in ("python", "python3"):
        (target / "bin" / name).symlink_to(f"python{version}")
    for inside in (["ldconfig"], [f"/usr/local/bin/python{version}", "-m", "ensurepip"]):
        subprocess.run(["chroot", str(root), *inside], check=True, stdout=subprocess.DEVNULL, env={"PATH": _PATH})
    subprocess.run(["tar", "--numeric-owner", "-C", str(root), "-cf", str(place / "root.tar"), "."], check=True)
    shutil.rmtree(root)
