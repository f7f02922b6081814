"""A dataset is the same after it was carried from one process to another."""

import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from polars.testing import assert_frame_equal
from scipy import sparse

from biolake.formats.handover import compressed_problem, receive, store
from biolake.formats.models import Dataset, DenseValues, Finding, Matrix, SparseValues
from biolake.formats.sparse_blocks import SparseBlocks, stacked


def dataset_of(*matrices: Matrix, **changes: object) -> Dataset:
    n_features, n_samples = matrices[0].values.shape if matrices else (2, 2)
    values: dict = {
        "format": "test",
        "accession": None,
        "title": "Ein Titel – µ",
        "summary": "",
        "organism": ("Homo sapiens",),
        "data_type": None,
        "platform": "GPL1",
        "samples": pl.DataFrame(
            {"sample_id": [f"S{i}" for i in range(n_samples)], "age": pl.Series([None] * n_samples, dtype=pl.Int16)}
        ),
        "features": pl.DataFrame({"feature_id": [f"F{i}" for i in range(n_features)]}),
        "matrices": matrices,
        "metadata": {"a": [1, 2.5, None, "x"], "nested": {"b": True}},
        "findings": (Finding("CODE", "message"),),
        **changes,
    }
    return Dataset(**values)


def carried(dataset: Dataset, folder: Path) -> Dataset:
    folder.mkdir()
    store(dataset, folder)
    result = receive(folder)
    shutil.rmtree(folder)
    return result


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    array=st.tuples(
        st.sampled_from(["f4", "f8", ">f8", "i1", "i8", "u2", "?"]), st.integers(0, 40), st.integers(0, 900)
    ).flatmap(lambda t: arrays(t[0], t[1:])),
    by_column=st.booleans(),
    as_sparse=st.booleans(),
)
def test_values_are_the_same(array: np.ndarray, by_column: bool, as_sparse: bool, tmp_path: Path):
    if by_column:
        array = np.asfortranarray(array)
    values = (
        SparseValues(sparse.csr_array(array.astype(array.dtype.newbyteorder("=")))) if as_sparse else DenseValues(array)
    )
    got = carried(dataset_of(Matrix("X", values)), tmp_path / "folder").matrices[0]
    assert got.layer == "X"
    assert got.values.shape == array.shape
    np.testing.assert_array_equal(got.values.rows(0, array.shape[0]), array.astype(np.float64))
    np.testing.assert_array_equal(got.values.rows(3, 7), array[3:7].astype(np.float64))


@given(
    array=arrays("f4", st.tuples(st.integers(1, 20), st.integers(1, 60)), elements=st.sampled_from([0, 0, 0, 1.5, -2])),
    cuts=st.lists(st.integers(0, 60)),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_blocks_are_one_matrix(array: np.ndarray, cuts: list[int], tmp_path: Path):
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < array.shape[1]}), array.shape[1]]
    blocks = SparseBlocks(tuple(sparse.csr_array(array[:, a:b]) for a, b in pairwise(edges)))
    got = carried(dataset_of(Matrix("X", blocks)), tmp_path / "folder").matrices[0].values
    np.testing.assert_array_equal(got.rows(0, array.shape[0]), array)
    np.testing.assert_array_equal(got.rows(2, 5), array[2:5])
    twice = stacked([blocks, SparseValues(sparse.csr_array(array))])
    np.testing.assert_array_equal(twice.rows(0, 2 * array.shape[0]), np.vstack([array, array]))


def test_everything_else_is_the_same(tmp_path: Path):
    dataset = dataset_of()
    got = carried(dataset, tmp_path / "folder")
    assert_frame_equal(got.samples, dataset.samples)
    assert_frame_equal(got.features, dataset.features)
    for name in ("format", "accession", "title", "summary", "organism", "platform", "metadata", "findings"):
        assert getattr(got, name) == getattr(dataset, name)


def test_tables_of_every_type_are_the_same(tmp_path: Path):
    samples = pl.DataFrame(
        {
            "sample_id": ["a", "b"],
            "flag": [True, None],
            "count": pl.Series([1, None], dtype=pl.UInt8),
            "part": pl.Series([0.5, None], dtype=pl.Float32),
            "text": ["µ", None],
        }
    )
    assert_frame_equal(carried(dataset_of(samples=samples), tmp_path / "folder").samples, samples)


def test_arrays_with_objects_are_refused(tmp_path: Path):
    dataset = dataset_of(Matrix("X", DenseValues(np.ones((2, 2)))))
    store(dataset, tmp_path)
    np.save(tmp_path / "0.npy", np.array([[print, print], [print, print]], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        receive(tmp_path)


@pytest.mark.parametrize(
    ("data", "indices", "indptr", "problem"),
    [
        ([1.0, 2.0], [0, 3], [0, 1, 2], "outside"),
        ([1.0, 2.0], [0, -1], [0, 1, 2], "outside"),
        ([1.0, 2.0], [0, 1], [0, 5, 2], "rise"),
        ([1.0, 2.0], [0, 1], [0, 1, 3], "rise"),
        ([1.0, 2.0], [0, 1], [0, 2], "entries"),
        ([1.0, 2.0], [0], [0, 1, 2], "indices"),
        ([1.0, 2.0], [0.0, 1.0], [0, 1, 2], "integers"),
        ([1.0, 2.0], [0, 2], [0, 1, 2], None),
    ],
)
def test_sparse_arrays_that_point_elsewhere_are_found(data, indices, indptr, problem: str | None):
    found = compressed_problem(np.array(data), np.array(indices), np.array(indptr), (2, 3))
    assert found is None if problem is None else problem in (found or "")
