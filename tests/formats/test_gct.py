"""GCT files, against the reader of the Connectivity Map."""

import contextlib
import math
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolake.formats.errors import (
    DimensionsDiffer,
    DuplicateFeatureId,
    DuplicateSampleId,
    FormatError,
    MalformedFile,
    NonNumericValue,
    RaggedRow,
    Truncated,
)
from biolake.formats.models import Dataset, Upload
from biolake.formats.read import read

GCT_1_3 = (
    "#1.3\n2\t2\t2\t1\n"
    "id\tpr_gene_symbol\tnote\tS1\tS2\n"
    "dose\t-666\tna\t10\t-666\n"
    "g1\tTP53\t-666\t1\tNA\n"
    "g2\t\tx\t-3.5\t4e2\n"
)
GCT_1_2 = "#1.2\n2\t2\nNAME\tDescription\tS1\tS2\ng1\tfirst\t1\t2\ng2\tNA\t3\t4\n"


def _read(folder: Path, text: str) -> Dataset:
    path = folder / "uploaded.gct"
    path.write_text(text)
    return read(Upload("a.gct", path))


def test_annotations_of_rows_and_columns(tmp_path):
    dataset = _read(tmp_path, GCT_1_3)
    assert dataset.samples.to_dicts() == [{"sample_id": "S1", "dose": "10"}, {"sample_id": "S2", "dose": None}]
    assert dataset.features.to_dicts() == [
        {"feature_id": "g1", "symbol": "TP53", "note": None},
        {"feature_id": "g2", "symbol": None, "note": "x"},
    ]
    np.testing.assert_array_equal(dataset.matrices[0].values.rows(0, 2), [[1, np.nan], [-3.5, 400]])


def test_version_1_2(tmp_path):
    dataset = _read(tmp_path, GCT_1_2)
    assert dataset.features["Description"].to_list() == ["first", None]
    assert dataset.matrices[0].values.rows(0, 2).tolist() == [[1, 2], [3, 4]]
    assert dataset.metadata["gct_version"] == "1.2"


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        (GCT_1_2.replace("2\t2\n", "2\t3\n", 1), DimensionsDiffer, "declares 3 samples .* 4 columns instead of 5"),
        (GCT_1_2.replace("2\t2\n", "3\t2\n", 1), DimensionsDiffer, "declares 3 features, the file has 2"),
        (GCT_1_2.replace("2\t2\n", "2\n", 1), MalformedFile, "2 numbers"),
        (GCT_1_2.replace("2\t2\n", "-2\t2\n", 1), MalformedFile, "2 numbers"),
        (GCT_1_2.replace("S2", "S1"), DuplicateSampleId, "S1"),
        (GCT_1_2.replace("g2", "g1"), DuplicateFeatureId, "g1"),
        (GCT_1_2.replace("4\n", "four\n"), NonNumericValue, "line 5: feature g2, sample S2: 'four'"),
        (GCT_1_2.replace("\t4\n", "\n"), RaggedRow, "line 5 has 3 fields"),
        (GCT_1_3.replace("dose\t-666\tna\t10\t-666", "dose\t10"), RaggedRow, "annotation dose"),
        ("#1.3\n2\t2\t2\t1\n", Truncated, "after line 2"),
        ("#1.3", Truncated, "after line 1"),
        ("#1.3 beta\n1\t1\t0\t0\n", MalformedFile, "version"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, error, words):
    with pytest.raises(error, match=words):
        _read(tmp_path, text)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "file",
    [
        "mini_gctoo_for_testing.gct",
        "mini_gctoo_for_testing_nometa.gct",
        "older_version_v1_2.gct",
        "test_l1000.gct",
        "test_p100.gct",
        "test_v1point2_n5x10.gct",
    ],
)
def test_every_cell_equals_that_of_cmappy(shared_data, file):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from cmapPy.pandasGEXpress.parse_gct import parse

        path = shared_data / "omics/gct" / file
        expected = parse(str(path))
    dataset = read(Upload(file, path))
    assert dataset.features["feature_id"].to_list() == list(expected.data_df.index)
    assert dataset.samples["sample_id"].to_list() == list(expected.data_df.columns)
    values = dataset.matrices[0].values.rows(0, dataset.features.height)
    np.testing.assert_array_equal(values.astype(np.float32), expected.data_df.to_numpy(dtype=np.float32))
    for table, reference in ((dataset.samples, expected.col_metadata_df), (dataset.features, expected.row_metadata_df)):
        for column in reference.columns:
            own = "symbol" if column in ("pr_gene_symbol",) else column
            for mine, theirs in zip(table[own].to_list(), reference[column].tolist(), strict=True):
                _assert_same(mine, theirs)


def _assert_same(mine: str | None, theirs: object) -> None:
    """cmapPy turns columns of numbers into numbers; here annotations stay as they are written."""
    if isinstance(theirs, str):
        assert mine == theirs.strip()
    elif isinstance(theirs, float) and math.isnan(theirs):
        assert mine is None
    else:
        assert mine is not None
        assert float(mine) == float(theirs)  # type: ignore[arg-type]


@given(
    st.lists(st.lists(st.one_of(st.none(), st.floats()), min_size=3, max_size=3), max_size=5),
    st.sampled_from(["1.2", "1.3"]),
)
@settings(max_examples=60, deadline=None)
def test_any_matrix_written_as_gct_comes_back(tmp_path_factory, cells, version):
    dimensions = f"{len(cells)}\t3" + ("\t1\t0" if version == "1.3" else "")
    rows = [
        f"g{i}\td{i}\t" + "\t".join("NA" if cell is None else repr(cell) for cell in row) for i, row in enumerate(cells)
    ]
    dataset = _read(
        tmp_path_factory.mktemp("gct"), "\n".join([f"#{version}", dimensions, "id\tdesc\tA\tB\tC", *rows]) + "\n"
    )
    expected = np.array([[math.nan if c is None else c for c in row] for row in cells]).reshape(-1, 3)
    np.testing.assert_array_equal(dataset.matrices[0].values.rows(0, len(cells)), expected)


@given(
    st.lists(st.sampled_from(["#1.3", "#1.2", "1", "2", "id", "S1", "\t", "\n", "x", "-666", '"', "é"]), max_size=30)
)
@settings(max_examples=150, deadline=None)
def test_any_tokens_give_a_dataset_or_a_named_error(tmp_path_factory, tokens):
    with contextlib.suppress(FormatError):
        _read(tmp_path_factory.mktemp("gct"), "#1.3\n" + "".join(tokens))
