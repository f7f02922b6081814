"""Locked environments that SKDH runs in: read what a runtime is, build it once, never change it.

A runtime is a folder `runtimes/<name>/` with `pyproject.toml`, `uv.lock` (every package with its hashes) and
`runtime.toml` (interpreter, BLAS kernels, threads, patches). "SKDH 0.17.18" alone is no runtime: its dependencies are
lower bounds, and with some of what they allow it is silently wrong. Running things in a runtime is in
`biolake.studies.processing`.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tomllib
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from biolake.errors import BiolakeError

PATCHES = Path(__file__).parent / "processing" / "patches"
"""One file per patch that a runtime may name."""
_READY = "biolake-runtime.json"
_BUILD_SECONDS = 1800
_INTERPRETER_VARIABLES = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "UV_PROJECT_ENVIRONMENT")


class UnknownRuntime(BiolakeError):
    """No runtime of this name, or one whose folder lacks a file."""


class InvalidRuntime(BiolakeError):
    """A runtime's files say something that cannot be."""


class RuntimeNotBuilt(BiolakeError):
    """Building the environment failed: no network, no such interpreter, a hash that is not the lock's."""

    transient = True


class RuntimeCacheNotWritable(BiolakeError):
    """A runtime is not among those that were built before, and this process may not build it."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    python: str = Field(pattern=r"^3\.\d+\.\d+$")
    blas_core_type: str = Field(pattern=r"^[A-Za-z0-9]+$")
    threads: int = Field(ge=1, le=64)
    patches: tuple[str, ...] = ()


@dataclass(frozen=True)
class RuntimeSpecification:
    """What a runtime's folder says, before anything is built.

    Attributes:
        name: The folder's name.
        folder: Where its files are.
        python: The interpreter's exact version.
        skdh_version: The version of SKDH in the lock.
        lock_sha256: Hash of `uv.lock`.
        digest: Hash of everything that can change a result: lock, interpreter, BLAS kernels, threads, patches' code.
        blas_core_type: The CPU family whose BLAS kernels are used.
        threads: Threads of BLAS and OpenMP.
        patches: Names of the faster equivalents in use, empty for SKDH as it is.
    """

    name: str
    folder: Path
    python: str
    skdh_version: str
    lock_sha256: str
    digest: str
    blas_core_type: str
    threads: int
    patches: tuple[str, ...]


@dataclass(frozen=True)
class Runtime:
    """An environment that is built and has been tried.

    Attributes:
        specification: What it was built from.
        python: Its interpreter.
        packages: Name and version of everything installed, sorted.
    """

    specification: RuntimeSpecification
    python: Path
    packages: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.specification.name

    @property
    def skdh_version(self) -> str:
        """The version of SKDH."""
        return self.specification.skdh_version

    @property
    def lock_sha256(self) -> str:
        """Hash of `uv.lock`."""
        return self.specification.lock_sha256

    @property
    def digest(self) -> str:
        """Hash of everything that can change a result."""
        return self.specification.digest

    @property
    def blas_core_type(self) -> str:
        """The CPU family whose BLAS kernels are used."""
        return self.specification.blas_core_type

    @property
    def threads(self) -> int:
        """Threads of BLAS and OpenMP."""
        return self.specification.threads

    @property
    def patches(self) -> tuple[str, ...]:
        """Names of the faster equivalents in use."""
        return self.specification.patches

    def environment(self) -> dict[str, str]:
        """Return the whole environment of a process in this runtime; nothing of the caller's own gets in."""
        threads = str(self.threads)
        return {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "OPENBLAS_CORETYPE": self.blas_core_type,
            "OPENBLAS_NUM_THREADS": threads,
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "MPLBACKEND": "Agg",
            "MPLCONFIGDIR": str(self.python.parents[1] / "matplotlib"),
            # Figures carry the time of their making unless this says otherwise.
            "SOURCE_DATE_EPOCH": "0",
        }


def read_specification(name: str, root: Path) -> RuntimeSpecification:
    """Read what the runtime `name` is, from `root / name`.

    Raises:
        UnknownRuntime: There is no such runtime.
        InvalidRuntime: Its files contradict each other or name a patch that does not exist.
    """
    folder = root / name
    if name != Path(name).name or not (folder / "uv.lock").is_file() or not (folder / "runtime.toml").is_file():
        known = runtime_names(root)
        raise UnknownRuntime(
            f"runtime {name!r}: no folder with uv.lock and runtime.toml under {root}. "
            f"Known: {', '.join(known) or 'none'}. Correct the name or add the runtime."
        )
    lock = (folder / "uv.lock").read_bytes()
    try:
        settings = _Settings.model_validate(tomllib.loads((folder / "runtime.toml").read_text()))
        packages: list[dict[str, Any]] = tomllib.loads(lock.decode()).get("package", [])
    except (tomllib.TOMLDecodeError, ValidationError, UnicodeDecodeError) as error:
        raise InvalidRuntime(f"runtime {name}: {error}. Correct its files in {folder}.") from error
    skdh = [package["version"] for package in packages if package["name"] == "scikit-digital-health"]
    if len(skdh) != 1:
        raise InvalidRuntime(f"runtime {name}: uv.lock holds scikit-digital-health {len(skdh)} times. Lock it once.")
    digest = hashlib.sha256()
    for part in (settings.python, settings.blas_core_type, str(settings.threads)):
        digest.update(part.encode() + b"\n")
    digest.update(lock)
    for patch in settings.patches:
        path = PATCHES / f"{patch}.py"
        if not patch.isidentifier() or not path.is_file():
            raise InvalidRuntime(f"runtime {name}: no patch {patch!r} in {PATCHES}. Remove it from runtime.toml.")
        digest.update(patch.encode() + b"\n" + path.read_bytes())
    return RuntimeSpecification(
        name=name,
        folder=folder,
        python=settings.python,
        skdh_version=skdh[0],
        lock_sha256=hashlib.sha256(lock).hexdigest(),
        digest=digest.hexdigest(),
        blas_core_type=settings.blas_core_type,
        threads=settings.threads,
        patches=settings.patches,
    )


def runtime_names(root: Path) -> list[str]:
    """Every runtime of a folder, sorted."""
    return sorted(path.parent.name for path in root.glob("*/uv.lock"))


def ensure_runtime(name: str, root: Path, cache_dir: Path) -> Runtime:
    """Return the runtime `name`, built under `cache_dir` by the first who asks for it.

    Runtimes with the same lock and interpreter share one environment. Two who ask at once wait for one build; a build
    that is interrupted leaves nothing that looks like a runtime. A container image brings the built folder along.

    Args:
        name: A folder of `root`.
        root: The folder of runtimes.
        cache_dir: Where built environments are kept, outside the source tree.

    Raises:
        UnknownRuntime: There is no such runtime.
        InvalidRuntime: Its files contradict each other.
        RuntimeNotBuilt: The environment cannot be built; the message has uv's last words.
        RuntimeCacheNotWritable: It is not there, and the cache is read-only, as a container's is.
    """
    specification = read_specification(name, root)
    target = _place(specification, cache_dir)
    if not (target / _READY).is_file():
        with _alone(cache_dir / f"{target.name}.lock", specification):
            if not (target / _READY).is_file():
                _build(specification, target)
    record = json.loads((target / _READY).read_text())
    return Runtime(
        specification=specification,
        python=target / "bin" / "python",
        packages=tuple((str(package), str(version)) for package, version in record["packages"]),
    )


def is_built(specification: RuntimeSpecification, cache_dir: Path) -> bool:
    """Say whether a runtime's environment is there, so that nothing must be built before it is used."""
    return (_place(specification, cache_dir) / _READY).is_file()


def _place(specification: RuntimeSpecification, cache_dir: Path) -> Path:
    # Without a CPU in the key an environment built for another machine would be taken from a shared cache.
    key = f"{specification.lock_sha256[:24]}-{specification.python}-{os.uname().machine}"
    return cache_dir.resolve() / key


@contextmanager
def _alone(path: Path, specification: RuntimeSpecification) -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        opened = path.open("w")
    except OSError as error:
        raise RuntimeCacheNotWritable(
            f"runtime {specification.name}: not built, and {path.parent} cannot be written ({error.strerror}). Build "
            "it there with `biolake runtimes build` (an image: from its Containerfile), or set BIOLAKE_RUNTIME_CACHE."
        ) from error
    # The kernel lets go of the lock when its holder dies, however it dies.
    with opened as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(specification: RuntimeSpecification, target: Path) -> None:
    uv = shutil.which("uv")
    if uv is None:
        raise RuntimeNotBuilt(f"runtime {specification.name}: uv is not on PATH. Install uv, or use an image with it.")
    for left in target.parent.glob(f".{target.name}-*"):
        shutil.rmtree(left)
    aside = target.parent / f".{target.name}-{uuid.uuid4().hex[:8]}"
    command = [
        *(uv, "sync", "--frozen", "--no-install-project", "--compile-bytecode", "--no-progress"),
        *("--python", specification.python, "--project", str(specification.folder)),
    ]
    environment = {name: value for name, value in os.environ.items() if name not in _INTERPRETER_VARIABLES}
    try:
        _run(command, specification, {**environment, "UV_PROJECT_ENVIRONMENT": str(aside)})
        runtime = Runtime(specification, aside / "bin" / "python", ())
        record = json.loads(_run([str(runtime.python), "-I", "-c", _TRIAL], specification, runtime.environment()))
        installed = dict(record["packages"]).get("scikit-digital-health")
        if installed != specification.skdh_version:
            raise RuntimeNotBuilt(
                f"runtime {specification.name}: SKDH {installed} instead of the lock's. Lock it anew."
            )
        record["built_from"] = {"lock_sha256": specification.lock_sha256, "python": specification.python}
        (aside / _READY).write_text(json.dumps(record, indent=1))
        if target.exists():
            shutil.rmtree(target)
        aside.rename(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _run(command: list[str], specification: RuntimeSpecification, environment: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            command, env=dict(environment), capture_output=True, text=True, timeout=_BUILD_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeNotBuilt(
            f"runtime {specification.name}: not built within {_BUILD_SECONDS} s. Look at the network and try again."
        ) from error
    if done.returncode:
        words = " ".join(done.stderr.split())[-800:]
        raise RuntimeNotBuilt(
            f"runtime {specification.name} (Python {specification.python}): building failed: {words}. "
            "Look at the network and at `uv python list`, then try again."
        )
    return done.stdout


# Also makes matplotlib's list of fonts, which the first import would otherwise make again in every process.
_TRIAL = """
import json, importlib.metadata, skdh, matplotlib.font_manager
packages = sorted({(d.metadata["Name"].lower(), d.version) for d in importlib.metadata.distributions()})
print(json.dumps({"packages": packages}))
"""
