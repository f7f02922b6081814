"""Compressed chunks read side by side are what h5py reads; what is not plain is left to h5py."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolake.formats import hdf5_chunks
from biolake.formats.hdf5_chunks import read_chunks


@pytest.fixture(autouse=True)
def _small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5_chunks, "_LEAST_BYTES", 0)
    monkeypatch.setattr(hdf5_chunks.os, "sched_getaffinity", lambda _: {0, 1, 2})


@st.composite
def stored(draw: st.DrawFn) -> tuple[np.ndarray, dict[str, Any], slice | None]:
    shape = draw(st.lists(st.integers(1, 40), min_size=1, max_size=2).map(tuple))
    dtype = draw(st.sampled_from(["<f4", "<f8", ">f4", "<i2", "<u1", "<i8", "<f2"]))
    values = np.random.default_rng(draw(st.integers(0, 99))).integers(0, 100, shape).astype(dtype)
    chunks = tuple(draw(st.integers(1, n)) for n in shape)
    ends = sorted([draw(st.integers(0, shape[0])), draw(st.integers(0, shape[0]))])
    part = draw(st.sampled_from([None, slice(*ends)]))
    return values, {"chunks": chunks, "compression": "gzip", "shuffle": draw(st.booleans())}, part


@given(stored())
def test_any_part_is_the_same(case: tuple[np.ndarray, dict[str, Any], slice | None]) -> None:
    values, options, part = case
    with h5py.File("made-up", "w", driver="core", backing_store=False) as file:
        dataset = file.create_dataset("x", data=values, **options)
        file.flush()
        found = read_chunks(dataset, part)
        assert found is not None
        assert found.dtype == values.dtype
        np.testing.assert_array_equal(found, values[part or slice(None)])


@pytest.mark.parametrize(
    "options", [{}, {"chunks": (10,)}, {"compression": "lzf"}, {"compression": "gzip", "fletcher32": True}]
)
def test_other_filters_are_left_to_h5py(tmp_path: Path, options: dict[str, Any]) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        assert read_chunks(file.create_dataset("x", data=np.arange(100), **options)) is None


def test_chunks_never_written_are_left_to_h5py(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        dataset = file.create_dataset("x", shape=(100,), dtype="i4", chunks=(10,), compression="gzip", fillvalue=7)
        dataset[:10] = 1
        file.flush()
        assert read_chunks(dataset) is None


@pytest.mark.parametrize("content", [b"no gzip at all", b"x", None])
def test_damaged_chunks_are_left_to_h5py(tmp_path: Path, content: bytes | None) -> None:
    import zlib

    with h5py.File(tmp_path / "x.h5", "w") as file:
        dataset = file.create_dataset("x", data=np.arange(100), chunks=(10,), compression="gzip")
        dataset.id.write_direct_chunk((30,), zlib.compress(bytes(79)) if content is None else content)
        assert read_chunks(dataset) is None
