"""What a server needs that this machine has not: a reason to skip, and a failure in CI."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

_OLDEST_GO = (1, 21)


def unavailable(what: str) -> None:
    """Skip the tests that ask for the server; fail where `CI` says that it has to be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


def lacking(server: str, needs: dict[str, bool]) -> str | None:
    """Say everything that a server needs and that is not there; None where nothing is missing.

    Args:
        server: Its name.
        needs: By what it needs, whether that is there.
    """
    missing = [need for need, there in needs.items() if not there]
    return f"{server} needs {', '.join(missing)}" if missing else None


def has_go() -> bool:
    """Whether there is a Go that fetches the version which a module names."""
    if shutil.which("go") is None:
        return False
    said = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"go(\d+)\.(\d+)", said)
    return version is not None and (int(version[1]), int(version[2])) >= _OLDEST_GO


def java(oldest: int, newest: int | None = None) -> Path | None:
    """Return the oldest suitable Java: under /usr/lib/jvm, where JAVA_HOME says, or on the PATH.

    Args:
        oldest: The oldest version that will do.
        newest: The newest; any where None.
    """
    on_path = shutil.which("java")
    found = [*Path("/usr/lib/jvm").glob("*/bin/java")]
    found += [Path(os.environ["JAVA_HOME"]) / "bin" / "java"] if "JAVA_HOME" in os.environ else []
    found += [Path(on_path)] if on_path else []
    suitable = [
        (version, one)
        for one in found
        if one.is_file() and (version := _java_version(one)) >= oldest and (newest is None or version <= newest)
    ]
    return min(suitable)[1] if suitable else None


def _java_version(program: Path) -> int:
    """The major version that stands in the file `release` of a Java's home; 0 where none does."""
    release = program.resolve().parent.parent / "release"
    version = re.search(r'^JAVA_VERSION="(\d+)', release.read_text(), re.MULTILINE) if release.is_file() else None
    return int(version[1]) if version else 0
