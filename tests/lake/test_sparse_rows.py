"""A sparse matrix is stored by what it holds, and comes back as it was."""

from collections.abc import Sequence
from pathlib import Path

import deltalake
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import sparse

from biolake.formats.models import Dataset, DenseValues, Matrix, SparseValues, Values
from biolake.formats.sparse_blocks import SparseBlocks
from biolake.lake import commit as commit_module
from biolake.lake.commit import LotRows, LotWriter
from biolake.lake.lake import Lake
from biolake.lake.rows import (
    Origin,
    dataset_row,
    datasets_table,
    features_table,
    matrix_batches,
    matrix_rows,
    matrix_sizes,
    samples_table,
)
from biolake.lake.schemas import MATRIX
from biolake.lake.verify import verify_lot
from biolake.sql.engine import open_engine
from tests.lake.conftest import WHEN

ORIGIN = Origin("lab", "d1", "lot1", "s3://b/d1", "v1", "0" * 64)


def dataset_of(*layers: Values) -> Dataset:
    features, samples = layers[0].shape
    return Dataset(
        format="h5ad",
        accession=None,
        title="Made up",
        summary="",
        organism=(),
        data_type=None,
        platform=None,
        samples=pl.DataFrame({"sample_id": [f"s{n}" for n in range(samples)]}),
        features=pl.DataFrame({"feature_id": [f"g{n:03}" for n in range(features)]}),
        matrices=tuple(Matrix(f"layer {n}", values) for n, values in enumerate(layers)),
    )


def unfolded(rows: Sequence[dict[str, list[float | None]]]) -> NDArray[np.float64]:
    """The values of rows of `matrix` as the column's description tells to read them."""
    found = []
    for row in rows:
        values: list[float | None] = []
        for value, span in zip(row["values"], row["spans"] or [1] * len(row["values"]), strict=True):
            values += [value, *[0.0] * (int(span or 0) - 1)]
        found.append([np.nan if value is None else value for value in values])
    return np.array(found, dtype=float).reshape(len(rows), -1)


@st.composite
def sparse_matrices(draw: st.DrawFn) -> Values:
    """Matrices in one part or several, in order or not, with stored zeros, missing and repeated values."""
    n_features = draw(st.integers(1, 6))
    blocks = []
    widths = draw(st.lists(st.integers(0, 90), min_size=1, max_size=4))
    for width in widths:
        most = n_features * width
        stored = draw(st.lists(st.integers(0, most - 1), max_size=12)) if most else []
        values = draw(
            st.lists(st.sampled_from([0.0, 1.0, -2.5, 7.0, np.nan]), min_size=len(stored), max_size=len(stored))
        )
        rows = [place // width for place in stored]
        order = sorted(range(len(stored)), key=lambda index: rows[index])
        begins = np.searchsorted(np.sort(np.array(rows, dtype=int)), np.arange(n_features + 1)).astype(np.int32)
        indices = np.array([stored[index] % width for index in order], dtype=np.int32)
        data = np.array([values[index] for index in order], dtype=draw(st.sampled_from([np.float32, np.float64])))
        blocks.append(sparse.csr_array((data, indices, begins), shape=(n_features, width)))
    return SparseBlocks(tuple(blocks)) if len(blocks) > 1 else SparseValues(blocks[0])


@given(sparse_matrices(), st.integers(1, 40))
def test_rows_of_any_sparse_matrix_say_its_values(values: Values, part: int) -> None:
    dataset = dataset_of(values)
    total = dataset.features.height
    rows = []
    for begin in range(0, total, part):
        batches = matrix_rows(dataset, ORIGIN, begin, min(begin + part, total))
        rows += pa.Table.from_batches(batches, MATRIX.arrow).to_pylist()
    expected = values.rows(0, total)
    assert [row["feature_id"] for row in rows] == dataset.features["feature_id"].to_list()
    np.testing.assert_array_equal(unfolded(rows).reshape(expected.shape), expected)
    assert np.diff(matrix_sizes(dataset)).min() >= 0


def large(dense: bool) -> NDArray[np.float64]:
    values = np.zeros((50, 300))
    numbers = np.random.default_rng(3)
    values.ravel()[numbers.choice(values.size, values.size // (2 if dense else 10), replace=False)] = 4.0
    values[7] = 0.0
    values[3, :20] = np.nan
    return values


def store(lake: Lake, dataset: Dataset) -> None:
    writer = LotWriter(lake, "lab", "lot1")
    writer.stream_matrix(dataset, ORIGIN)
    rows = LotRows(datasets_table([dataset_row(dataset, ORIGIN, WHEN)]))
    rows.samples.append(samples_table(dataset, ORIGIN))
    rows.features.append(features_table(dataset, ORIGIN))
    writer.commit(rows)


def test_only_what_is_sparse_is_stored_so() -> None:
    dataset = dataset_of(
        SparseValues(sparse.csr_array(large(dense=False))),
        DenseValues(large(dense=False)),
        SparseValues(sparse.csr_array(large(dense=True))),
    )
    rows = pa.Table.from_batches(matrix_batches(dataset, ORIGIN)).to_pylist()
    kinds = {layer: {row["spans"] is None for row in rows if row["layer"] == layer} for layer in ("layer 0", "layer 1")}
    assert kinds == {"layer 0": {False}, "layer 1": {True}}
    assert all(len(row["values"]) == 300 for row in rows if row["layer"] != "layer 0")
    assert sum(len(row["values"]) for row in rows if row["layer"] == "layer 0") < 300 * 50 / 8


def test_sql_and_checks_do_not_notice(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit_module, "_PORTION_VALUES", 400)
    numbers = large(dense=False)
    parts = SparseBlocks(tuple(sparse.csr_array(numbers[:, part]) for part in (slice(0, 120), slice(120, 300))))
    store(lake, dataset_of(parts, DenseValues(numbers)))
    assert lake.open("lab", "matrix").version() > 5
    outcomes = verify_lot(lake, "lab", "lot1")
    assert {name: outcome.problems for name, outcome in outcomes.items() if outcome.problems} == {}
    assert outcomes["no_silent_loss"].examined == 2 * numbers.size
    with open_engine(lake.url) as engine:
        found = engine.query("SELECT layer, values FROM lab.matrix ORDER BY layer, feature_id").to_records()
        adata = engine.query(
            "SELECT feature_id, sample_id, value FROM lab.matrix_long WHERE layer = 'layer 0' "
            "ORDER BY feature_id, CAST(substr(sample_id, 2) AS INTEGER)"
        ).to_anndata()
    for layer in ("layer 0", "layer 1"):
        got = np.array([row["values"] for row in found if row["layer"] == layer], dtype=float)
        np.testing.assert_array_equal(got, numbers)
    np.testing.assert_array_equal(adata.X, numbers.T)


@pytest.mark.parametrize(
    ("spans", "problem"),
    [([1, 2, 296], "1 without"), ([1, 2, 0, 297], "1 without"), ([1, 299], "1 without"), ([1, -1, 300], "1 without")],
)
def test_spans_that_cannot_be_right_are_found(lake: Lake, spans: list[int], problem: str) -> None:
    numbers = np.zeros((1, 300))
    store(lake, dataset_of(SparseValues(sparse.csr_array(numbers))))
    row = lake.open("lab", "matrix").to_pyarrow_table().to_pylist()[0]
    assert (row["values"], row["spans"]) == ([0.0], [300])
    row |= {"values": [0.0, 5.0, 6.0], "spans": spans}
    deltalake.write_deltalake(lake.open("lab", "matrix"), pa.Table.from_pylist([row], MATRIX.arrow), mode="overwrite")
    (said,) = verify_lot(lake, "lab", "lot1")["matrix_matches_samples"].problems
    assert problem in said


def test_a_table_made_before_spans_were_declared_gets_them(lake: Lake, tmp_path: Path) -> None:
    older = pa.schema([field for field in MATRIX.arrow if field.name != "spans"])
    first = {"dataset_id": "d0", "lot": "lot0", "layer": "X", "feature_id": "g", "source_version": "v"}
    place = lake.uri("lab", "matrix")
    deltalake.write_deltalake(place, pa.Table.from_pylist([first | {"values": [1.0, None]}], older))
    store(lake, dataset_of(SparseValues(sparse.csr_array(large(dense=False)))))
    assert "spans" in [field.name for field in DeltaTable(place).schema().fields]
    assert not any(outcome.problems for outcome in verify_lot(lake, "lab", "lot1").values())
    with open_engine(lake.url) as engine:
        assert engine.query("SELECT sum(len(values)) AS n FROM lab.matrix").to_records() == [{"n": 50 * 300}]
