"""A lake that is not on this machine: its files are copied once, within the space given, and read like local ones."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from biolake.sql import errors
from biolake.sql.embedded import EmbeddedEngine
from biolake.sql.local_copies import LocalCopies, RemoteFile
from biolake.sql.snapshots import LakeSnapshots
from tests.sql.conftest import LIMITS
from tests.sql.made_lake import MadeLake

Fetched = list[str]


def fetch_from(folder: Path, fetched: Fetched) -> Callable[[str, Path], None]:
    def fetch(path: str, place: Path) -> None:
        fetched.append(path)
        shutil.copyfile(folder / path, place)

    return fetch


def test_files_are_copied_once_and_new_versions_as_they_come(own_lake: MadeLake, tmp_path: Path) -> None:
    fetched: Fetched = []
    copies = LocalCopies(tmp_path / "copies", 10**9, fetch_from(own_lake.folder, fetched))
    with EmbeddedEngine(LakeSnapshots(own_lake.url, copies=copies), limits=LIMITS) as engine:
        sql = "SELECT count(*) AS n FROM geo.samples"
        assert engine.query(sql).to_records() == [{"n": 5}]
        first = len(fetched)
        assert engine.query(sql).to_records() == [{"n": 5}]
        assert len(fetched) == first
        own_lake.hide("geo", "GSE1")
        assert engine.query(sql).to_records() == [{"n": 3}]
        assert not any("matrix" in path for path in fetched)


def test_lake_larger_than_the_space_is_refused(own_lake: MadeLake, tmp_path: Path) -> None:
    copies = LocalCopies(tmp_path / "copies", 10, fetch_from(own_lake.folder, []))
    with (
        EmbeddedEngine(LakeSnapshots(own_lake.url, copies=copies), limits=LIMITS) as engine,
        pytest.raises(errors.LakeTooLarge, match="geo/datasets"),
    ):
        engine.query("SELECT count(*) FROM geo.datasets")


def test_least_recently_used_make_room(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in "abc":
        (source / name).write_bytes(b"x" * 40)
    fetched: Fetched = []
    copies = LocalCopies(tmp_path / "copies", 100, fetch_from(source, fetched))
    for name in ("a", "b", "c", "b", "c", "a"):
        copies.local_paths([RemoteFile(name, 40)])
    assert fetched == ["a", "b", "c", "a"]
    assert sum(path.stat().st_size for path in copies.folder.iterdir()) <= 100
