"""A runtime is built once from its lock, by whoever comes first, and is what its folder says."""

import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from biolake.studies.runtimes import (
    InvalidRuntime,
    Runtime,
    RuntimeCacheNotWritable,
    UnknownRuntime,
    ensure_runtime,
    read_specification,
)
from tests.studies.locked_runtimes import RUNTIMES

NAMES = sorted(path.parent.name for path in RUNTIMES.glob("*/uv.lock"))


@pytest.mark.parametrize("name", NAMES)
def test_every_package_is_locked_with_hashes(name: str) -> None:
    lock = (RUNTIMES / name / "uv.lock").read_text()
    packages = [part for part in lock.split("[[package]]")[1:] if "source = { registry" in part]

    assert len(packages) > 20
    assert all(re.search(r"hash = \"sha256:[0-9a-f]{64}\"", package) for package in packages)


@pytest.mark.parametrize("name", NAMES)
def test_name_says_the_version(name: str) -> None:
    specification = read_specification(name, RUNTIMES)

    assert name.startswith(f"skdh-{specification.skdh_version}-py")
    assert specification.threads == 1


def test_patched_runtime_differs_by_its_digest_alone() -> None:
    plain, patched = (read_specification(f"skdh-0.17.18-py311-{build}", RUNTIMES) for build in ("a", "dfa"))

    assert plain.patches == ()
    assert patched.patches == ("vectorised_dfa",)
    assert plain.lock_sha256 == patched.lock_sha256
    assert plain.digest != patched.digest


def test_unknown_runtime_names_the_known() -> None:
    with pytest.raises(UnknownRuntime, match=r"skdh-0\.17\.9-py311-a"):
        read_specification("skdh-1.0-py311-a", RUNTIMES)


@pytest.mark.parametrize("name", ["../runtimes/skdh-0.17.9-py311-a", ".", ""])
def test_name_cannot_leave_the_folder(name: str) -> None:
    with pytest.raises(UnknownRuntime):
        read_specification(name, RUNTIMES)


def test_patch_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "skdh-0.17.18-py311-x"
    folder.mkdir()
    source = RUNTIMES / "skdh-0.17.18-py311-a"
    (folder / "uv.lock").write_bytes((source / "uv.lock").read_bytes())
    (folder / "runtime.toml").write_text((source / "runtime.toml").read_text().replace("[]", '["../evil"]'))

    with pytest.raises(InvalidRuntime, match="no patch"):
        read_specification(folder.name, tmp_path)


def test_built_once_and_shared(open_runtime: Callable[[str], Runtime]) -> None:
    plain, patched = open_runtime("skdh-0.17.18-py311-a"), open_runtime("skdh-0.17.18-py311-dfa")

    assert plain.python == patched.python
    assert dict(plain.packages)["scikit-digital-health"] == "0.17.18"
    assert plain.environment()["OPENBLAS_CORETYPE"] == "Haswell"
    assert plain.environment()["OMP_NUM_THREADS"] == "1"


def test_those_who_ask_at_once_wait_for_one_build(
    open_runtime: Callable[[str], Runtime], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The building itself is replaced: what is tested is that only one does it, and that no other sees it half done."""
    from biolake.studies import runtimes

    finished = open_runtime("skdh-0.17.18-py311-a").python.parents[1]
    builds: list[Path] = []

    def build(specification: object, target: Path) -> None:
        builds.append(target)
        aside = target.with_name("aside")
        aside.mkdir()
        (aside / "biolake-runtime.json").write_bytes((finished / "biolake-runtime.json").read_bytes())
        aside.rename(target)

    monkeypatch.setattr(runtimes, "_build", build)
    found: list[Runtime] = []

    def ask() -> None:
        found.append(ensure_runtime("skdh-0.17.18-py311-a", RUNTIMES, tmp_path))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(builds) == 1
    assert len({runtime.python for runtime in found}) == 1
    assert len(found) == 6


def test_a_read_only_cache_serves_what_was_built_before(open_runtime: Callable[[str], Runtime], tmp_path: Path) -> None:
    """A container's image; `chmod` would not keep out root, under whom tests may run."""
    place = open_runtime("skdh-0.17.18-py311-a").python.parents[1]
    taken = tmp_path / "file"
    taken.write_text("no folder can be made below")

    found = ensure_runtime("skdh-0.17.18-py311-dfa", RUNTIMES, place.parent)
    assert found.python.parents[1] == place
    with pytest.raises(RuntimeCacheNotWritable, match=r"skdh-0\.17\.18-py311-a: not built.*biolake runtimes build"):
        ensure_runtime("skdh-0.17.18-py311-a", RUNTIMES, taken / "cache")
