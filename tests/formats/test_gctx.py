"""GCTX files against cmapPy, cell by cell."""

from pathlib import Path

import h5py
import numpy as np
import polars as pl
import pytest

from biolake.formats.errors import DimensionsDiffer, MalformedFile, NonNumericValue
from biolake.formats.models import Dataset, Upload
from biolake.formats.read import read


def dataset_of(path: Path) -> Dataset:
    return read(Upload(path.name, path))


def write_gctx(path: Path, matrix: np.ndarray, rows: dict, columns: dict) -> Path:
    with h5py.File(path, "w") as file:
        file.attrs["version"] = "GCTX1.0"
        file.create_dataset("0/DATA/0/matrix", data=matrix.T)
        for axis, annotations in (("ROW", rows), ("COL", columns)):
            for name, values in annotations.items():
                file[f"0/META/{axis}/{name}"] = values
    return path


@pytest.mark.filterwarnings("ignore::FutureWarning:cmapPy.*")
@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["mini_gctoo_for_testing.gctx", "mini_gctx_with_metadata_n2x3.gctx"])
def test_real_files_are_read_as_cmappy_does(name: str, shared_data: Path):
    parse = pytest.importorskip("cmapPy.pandasGEXpress.parse_gctx").parse
    path = shared_data / "omics" / "gct" / name
    dataset = dataset_of(path)
    expected = parse(str(path))
    values = dataset.matrices[0].values
    # cmapPy sorts nothing on its own, so that order is compared as well.
    assert dataset.features["feature_id"].to_list() == list(expected.data_df.index)
    assert dataset.samples["sample_id"].to_list() == list(expected.data_df.columns)
    # cmapPy rounds to 32 bits, whatever the file holds.
    np.testing.assert_array_equal(values.rows(0, values.shape[0]).astype(np.float32), expected.data_df.to_numpy())
    for table, reference in (
        (dataset.features, expected.row_metadata_df),
        (dataset.samples, expected.col_metadata_df),
    ):
        for column in reference.columns:
            missing = reference[column].isna().tolist()
            assert table[column].is_null().to_list() == missing
            assert [str(v) for v in table[column].drop_nulls()] == [str(v) for v in reference[column].dropna()]


@pytest.mark.shared_data
def test_gct_and_gctx_of_one_table_agree(shared_data: Path):
    folder = shared_data / "omics" / "gct"
    text = dataset_of(folder / "mini_gctoo_for_testing.gct")
    binary = dataset_of(folder / "mini_gctoo_for_testing.gctx")
    assert text.samples["sample_id"].to_list() == binary.samples["sample_id"].to_list()
    assert text.matrices[0].layer == binary.matrices[0].layer
    np.testing.assert_allclose(text.matrices[0].values.rows(0, 6), binary.matrices[0].values.rows(0, 6), atol=1e-3)


def test_annotations_keep_their_kind_and_absent_ones_are_null(tmp_path: Path):
    path = write_gctx(
        tmp_path / "a.gctx",
        np.array([[1.0, np.nan], [3.0, 4.0], [5.0, 6.0]], dtype=np.float32),
        {"id": [b"1", b"2", b"3"], "pr_gene_symbol": [b"TP53", b"-666", b"MYC"], "rank": [1, 2, -666]},
        {"id": [b"S1", b"S2"], "dose": [0.5, -666.0], "cell": np.array(["A375", "µ"], dtype=h5py.string_dtype())},
    )
    dataset = dataset_of(path)
    assert dataset.features["symbol"].to_list() == ["TP53", None, "MYC"]
    assert dataset.features["rank"].to_list() == [1, 2, None]
    assert dataset.samples["dose"].to_list() == [0.5, None]
    assert dataset.samples["dose"].dtype == pl.Float64
    assert dataset.samples["cell"].to_list() == ["A375", "µ"]
    np.testing.assert_array_equal(dataset.matrices[0].values.rows(0, 3), [[1.0, np.nan], [3.0, 4.0], [5.0, 6.0]])
    assert dataset.metadata["gctx_version"] == "GCTX1.0"


@pytest.mark.parametrize(
    ("matrix", "rows", "error", "words"),
    [
        (np.ones((2, 2)), {"id": [b"a", b"b", b"c"]}, DimensionsDiffer, "2 x 3"),
        (np.ones((2, 2)), {"id": [b"a", b"b"], "extra": [1, 2, 3]}, DimensionsDiffer, "extra has 3 values"),
        (np.full((2, 2), b"x"), {"id": [b"a", b"b"]}, NonNumericValue, "matrix"),
        (np.ones((2, 2)), {"name": [b"a", b"b"]}, MalformedFile, "/0/META/ROW/id is missing"),
    ],
)
def test_inconsistent_files_are_named_errors(matrix, rows, error: type[Exception], words: str, tmp_path: Path):
    path = write_gctx(tmp_path / "a.gctx", matrix, rows, {"id": [b"S1", b"S2"]})
    with pytest.raises(error, match=r"a\.gctx: ") as caught:
        dataset_of(path)
    assert words in str(caught.value)


def test_another_version_is_refused(tmp_path: Path):
    path = write_gctx(tmp_path / "a.gctx", np.ones((1, 1)), {"id": [b"a"]}, {"id": [b"S1"]})
    with h5py.File(path, "a") as file:
        file.attrs["version"] = "GCTX2.0"
    with pytest.raises(MalformedFile, match=r"GCTX2\.0 is not read"):
        dataset_of(path)
