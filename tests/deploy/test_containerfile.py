"""`deploy/Containerfile` takes files that are there, and enough of them; building it is a test of its own."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
TEXT = (PROJECT / "deploy" / "Containerfile").read_text()


def copied(stage: str) -> list[str]:
    """What a stage copies from the project, by its sources."""
    text = re.split(r"^FROM ", TEXT.partition(f" AS {stage}\n")[2], flags=re.MULTILINE)[0]
    return [source for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE) for source in line.split()[:-1]]


def test_everything_that_is_copied_is_there_and_not_ignored() -> None:
    ignored = (PROJECT / ".containerignore").read_text().splitlines()
    sources = [source for stage in ("dependencies", "runtimes", "build") for source in copied(stage)]
    assert len(sources) > 10
    for source in sources:
        assert (PROJECT / source).exists(), source
        assert f"!{source.partition('/')[0]}" in ignored, source


def test_the_runtimes_stage_has_all_that_building_a_runtime_imports(tmp_path: Path) -> None:
    for source in copied("runtimes"):
        target = tmp_path / source
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (PROJECT / source).is_dir() else shutil.copy
        copy(PROJECT / source, target)
    code = (
        f"import sys; sys.path[:] = [p for p in sys.path if p != {str(PROJECT)!r}]; sys.path.insert(0, '.');"
        "from pathlib import Path; from biolake.studies import runtimes as r;"
        "assert Path(r.__file__).is_relative_to(Path.cwd()), r.__file__;"
        "print(*[r.read_specification(n, Path('runtimes')).name for n in r.runtime_names(Path('runtimes'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == sorted(path.name for path in (PROJECT / "runtimes").iterdir() if path.is_dir())


def test_the_base_has_the_interpreter_that_the_runtimes_name() -> None:
    (base,) = re.findall(r"^ARG BASE=python:(\S+)-slim-bookworm$", TEXT, re.MULTILINE)
    named = {re.search(r'python = "(.+)"', path.read_text()) for path in (PROJECT / "runtimes").glob("*/runtime.toml")}
    assert {match[1] for match in named if match} == {base}
