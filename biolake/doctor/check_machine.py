"""This machine: the state folder, room on its disk, and what builds the runtimes of studies."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from biolake.doctor.models import Examination, Finding, ok, problem, skipped, warning
from biolake.platform import Platform

_LITTLE_BYTES = 10 * 1024**3
_TOO_LITTLE_BYTES = 1024**3


def machine(platform: Platform) -> Examination:
    """Look at the state folder and the temporary one."""

    def look() -> Iterator[Finding]:
        home = platform.settings.home
        yield _writable(home)
        yield _room("disk of the state folder", home)
        yield _room("disk for temporary files", Path(tempfile.gettempdir()))

    return Examination("machine", look)


def runtimes(platform: Platform) -> Examination:
    """Look whether recordings can be processed: each runtime that a study names is built or can be."""

    def look() -> Iterator[Finding]:
        from biolake.studies.runtimes import is_built, read_specification

        studies = platform.studies.studies.values()
        names = sorted({one.runtime for study in studies for one in study.document.pipelines.values()})
        found = [read_specification(name, platform.runtimes) for name in names]
        missing = [one.name for one in found if not is_built(one, platform.settings.runtime_cache)]
        built = [name for name in names if name not in missing]
        if built:
            yield ok("runtimes", "built", ", ".join(built))
        uv = shutil.which("uv")
        if missing and uv is None:
            yield problem(
                "runtimes",
                "uv",
                f"not on PATH, and {', '.join(missing)} must still be built",
                "Install uv, or use an image that brings the built runtimes.",
            )
        elif missing:
            yield ok("runtimes", "uv", f"{uv} builds {', '.join(missing)} when first used")
        elif not names:
            yield skipped("runtimes", "uv", "no study needs a runtime")

    return Examination("runtimes", look)


def _writable(home: Path) -> Finding:
    if not home.exists():
        return skipped("machine", "state folder", f"{home} is made at the first use")
    try:
        with tempfile.TemporaryFile(dir=home):
            pass
    except OSError as error:
        return problem(
            "machine", "state folder", f"{home}: {error.strerror}", "Let this user write there, or set BIOLAKE_HOME."
        )
    return ok("machine", "state folder", f"{home} can be written to")


def _room(check: str, folder: Path) -> Finding:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    found = f"{free / 1024**3:.1f} GiB free at {there}"
    remedy = "Free some room or give it a larger disk: files are fetched, and runtimes built, before they are used."
    if free < _TOO_LITTLE_BYTES:
        return problem("machine", check, found, remedy)
    if free < _LITTLE_BYTES:
        return warning("machine", check, found, remedy)
    return ok("machine", check, found)
