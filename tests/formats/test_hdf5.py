"""HDF5 files that are made to harm, cut short or damaged: each is a named error, and no other file's bytes are read."""

import os
import shutil
from pathlib import Path

import anndata
import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biolake.formats.errors import (
    EmptyFile,
    FormatError,
    MalformedFile,
    NotText,
    TooLarge,
    Truncated,
    UnsafeFile,
    WrongFormat,
)
from biolake.formats.hdf5 import kind_of, open_hdf5
from biolake.formats.models import Limits, Upload
from biolake.formats.read import read

SECRET = b"TENANT-B-SECRET!" * 4


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "other tenant.bin"
    path.write_bytes(SECRET)
    return path


@pytest.fixture
def h5ad(tmp_path: Path) -> Path:
    path = tmp_path / "cells.h5ad"
    content = anndata.AnnData(np.arange(12, dtype=np.float32).reshape(4, 3))
    content.obs["kind"] = ["a", "b", "a", "b"]
    content.write_h5ad(path)
    return path


def replace_x(path: Path) -> h5py.File:
    file = h5py.File(path, "a")
    del file["X"]
    return file


def refused(path: Path, error: type[FormatError], *words: str) -> None:
    with pytest.raises(error) as caught:
        read(Upload(path.name, path))
    assert str(caught.value).startswith(f"{path.name}: ")
    for word in words:
        assert word in str(caught.value)
    assert "TENANT" not in str(caught.value)


def test_external_storage_is_refused(h5ad: Path, secret: Path):
    with replace_x(h5ad) as file:
        file.create_dataset("X", (4, 3), "f4", external=[(str(secret), 0, 48)])
    refused(h5ad, UnsafeFile, "/X", "external storage")


def test_external_storage_where_nothing_is_read_is_refused_too(h5ad: Path, secret: Path):
    with h5py.File(h5ad, "a") as file:
        file.create_dataset("uns/deep/in/here", (16,), "u1", external=[(str(secret), 0, 16)])
    refused(h5ad, UnsafeFile, "/uns/deep/in/here")


@pytest.mark.parametrize("place", ["X", "obs", "uns/link"])
def test_a_link_into_another_file_is_refused(place: str, h5ad: Path, tmp_path: Path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["X"] = np.ones((4, 3))
    with h5py.File(h5ad, "a") as file:
        if place in file:
            del file[place]
        file[place] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/X")
    refused(h5ad, UnsafeFile, f"/{place}", "other.h5")


def test_a_soft_link_through_a_link_into_another_file_is_refused(h5ad: Path, tmp_path: Path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["X"] = np.ones((4, 3))
    with replace_x(h5ad) as file:
        file["uns/door"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/")
        file["X"] = h5py.SoftLink("/uns/door/X")
    refused(h5ad, UnsafeFile, "/uns/door")


def test_a_virtual_dataset_is_refused(h5ad: Path, tmp_path: Path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["X"] = np.ones((4, 3), dtype="f4")
    with replace_x(h5ad) as file:
        layout = h5py.VirtualLayout((4, 3), "f4")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "X", (4, 3))
        file.create_virtual_dataset("X", layout)
    refused(h5ad, UnsafeFile, "/X", "virtual")


def test_a_soft_link_within_the_file_is_followed(h5ad: Path):
    with h5py.File(h5ad, "a") as file:
        file.move("X", "uns/matrix")
        file["X"] = h5py.SoftLink("/uns/matrix")
    dataset = read(Upload(h5ad.name, h5ad))
    np.testing.assert_array_equal(dataset.matrices[0].values.rows(0, 3), np.arange(12.0).reshape(4, 3).T)


def test_a_group_that_holds_itself_is_walked_once(h5ad: Path):
    with h5py.File(h5ad, "a") as file:
        file["uns/again"] = file["uns"]
        file["uns/all"] = file["/"]
    assert read(Upload(h5ad.name, h5ad)).samples.height == 4


def test_a_small_file_that_claims_much_is_refused(tmp_path: Path):
    path = tmp_path / "bomb.h5ad"
    with h5py.File(path, "w") as file:
        file.create_dataset("X", (1_000_000_000,), "f4")
        file.create_group("obs")
        file.create_group("var")
    assert path.stat().st_size < 4096
    refused(path, TooLarge, "/X", "4,000,000,000")


def test_a_file_that_claims_more_than_allowed_is_refused(h5ad: Path):
    with replace_x(h5ad) as file:
        file.create_dataset("X", (10_000, 1_000_000), "f8", chunks=(1, 1000))
    refused(h5ad, TooLarge, "/X", "74.5 GiB", "8 GiB are allowed")


def test_a_file_of_too_many_objects_is_refused(h5ad: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("biolake.formats.hdf5._MOST_OBJECTS", 5)
    with pytest.raises(TooLarge, match="more than 5 objects"), open_hdf5(h5ad, h5ad.name, Limits()):
        pass


def test_a_name_that_is_no_text_is_refused(h5ad: Path):
    with h5py.File(h5ad, "a") as file:
        file["uns"].create_group(b"\xff\xfe")
    refused(h5ad, NotText, "not UTF-8")


def test_an_unknown_compression_is_named(h5ad: Path):
    with replace_x(h5ad) as file:
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk((4, 3))
        # 32001 is blosc; optional, so that HDF5 lets it be written without.
        properties.set_filter(32001, h5py.h5z.FLAG_OPTIONAL, (0,))
        h5py.h5d.create(file.id, b"X", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((4, 3)), properties)
    refused(h5ad, MalformedFile, "32001", "gzip")


@pytest.mark.parametrize("name", ["cells.h5ad", "cells.gctx", "cells.h5", "cells.biom"])
def test_a_truncated_file_says_so_under_any_name(name: str, h5ad: Path, tmp_path: Path):
    path = tmp_path / "cut" / name
    path.parent.mkdir()
    path.write_bytes(h5ad.read_bytes()[:-100])
    refused(path, Truncated, "Upload it again")


def test_other_content_under_the_name_is_refused(tmp_path: Path):
    path = tmp_path / "counts.h5ad"
    path.write_text("gene,S1,S2\nTP53,1,2\n")
    refused(path, WrongFormat, "AnnData")


def test_other_hdf5_under_the_name_is_refused(h5ad: Path):
    path = h5ad.rename(h5ad.with_suffix(".gctx"))
    refused(path, WrongFormat, "the name promises GCTX, the content is AnnData")


def test_hdf5_of_no_known_format_is_refused(tmp_path: Path):
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        file["layer/kernel"] = np.ones(3)
    refused(path, WrongFormat, "HDF5")


def test_an_empty_file_is_refused(tmp_path: Path):
    path = tmp_path / "nothing.h5ad"
    path.touch()
    refused(path, EmptyFile)


def test_the_kind_is_told_by_content(h5ad: Path, tmp_path: Path):
    other = tmp_path / "no extension"
    shutil.copy(h5ad, other)
    assert kind_of(str(other)) == "h5ad"
    assert read(Upload("no extension", other)).format == "h5ad"


def test_the_kind_of_a_file_behind_a_link_is_not_looked_at(tmp_path: Path, h5ad: Path):
    path = tmp_path / "door.h5"
    with h5py.File(path, "w") as file:
        file["0"] = h5py.ExternalLink(str(h5ad), "/")
        file["obs"] = h5py.ExternalLink(str(h5ad), "/obs")
    assert kind_of(str(path)) == ""


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere_is_a_named_error(share: float, h5ad: Path, tmp_path: Path):
    content = h5ad.read_bytes()
    path = tmp_path / "cut.h5ad"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(FormatError):
        read(Upload(path.name, path))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=20))
def test_a_damaged_file_is_read_or_a_named_error(flips: list[tuple[float, int]], h5ad: Path, tmp_path: Path):
    content = bytearray(h5ad.read_bytes())
    for share, change in flips:
        content[int(share * len(content))] ^= change
    path = tmp_path / f"damaged-{os.urandom(4).hex()}.h5ad"
    path.write_bytes(content)
    try:
        dataset = read(Upload(path.name, path))
    except FormatError as error:
        assert path.name in str(error)  # noqa: PT017
    else:
        assert dataset.format == "h5ad"
    path.unlink()
