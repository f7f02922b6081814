"""AnnData files of every version against anndata itself, cell by cell."""

import warnings
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse

from biolake.formats import h5ad, hdf5_values
from biolake.formats.errors import (
    DimensionsDiffer,
    DuplicateFeatureId,
    DuplicateSampleId,
    MalformedFile,
    NonNumericValue,
    NotText,
    TooLarge,
)
from biolake.formats.models import Dataset, Limits, Matrix, Upload
from biolake.formats.read import read

EXAMPLES = [
    "anndata_v0.5.0",
    "anndata_v0.7.8",
    "anndata_v0.11.4",
    "cellxgene_example_valid",
    "cellxgene_example_invalid_CL",
]


def reference(path: Path) -> anndata.AnnData:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return anndata.read_h5ad(path)


def dense(matrix) -> np.ndarray:
    return np.asarray(matrix.toarray() if sparse.issparse(matrix) else matrix, dtype=np.float64)


def all_values(matrix: Matrix) -> np.ndarray:
    return np.concatenate([rows for _, rows in matrix.slices(500)])


def layers(dataset: Dataset) -> dict[str, np.ndarray]:
    return {matrix.layer: all_values(matrix) for matrix in dataset.matrices}


def codes(dataset: Dataset) -> dict[str, str]:
    return {finding.code: finding.message for finding in dataset.findings}


def same_column(got: pl.Series, expected: pd.Series) -> None:
    missing = expected.isna().to_numpy()
    assert got.is_null().to_numpy().tolist() == missing.tolist()
    if isinstance(expected.dtype, pd.CategoricalDtype) or not pd.api.types.is_numeric_dtype(expected):
        assert got.dtype == pl.String
        assert [v for v in got if v is not None] == [str(v) for v in expected[~missing]]
    else:
        assert got.dtype != pl.String
        np.testing.assert_array_equal(got.drop_nulls().to_numpy(), expected[~missing].to_numpy())


def same_as(dataset: Dataset, expected: anndata.AnnData) -> None:
    assert dataset.samples["sample_id"].to_list() == list(expected.obs_names)
    assert dataset.features["feature_id"].to_list() == list(expected.var_names)
    for column in expected.obs.columns:
        same_column(dataset.samples[column], expected.obs[column])
    for column in expected.var.columns:
        if column in dataset.features.columns:
            same_column(dataset.features[column], expected.var[column])
    got = layers(dataset)
    expected_layers = {} if expected.X is None else {"X": expected.X}
    expected_layers |= dict(expected.layers)
    if expected.raw is not None and list(expected.raw.var_names) == list(expected.var_names):
        expected_layers["raw"] = expected.raw.X
    assert set(got) == set(expected_layers)
    for layer, matrix in expected_layers.items():
        np.testing.assert_array_equal(got[layer], dense(matrix).T)


@pytest.mark.shared_data
@pytest.mark.parametrize("example", EXAMPLES)
def test_every_version_is_read_as_anndata_does(example: str, shared_data: Path):
    path = shared_data / "omics" / "h5ad" / f"{example}.h5ad"
    same_as(read(Upload(path.name, path)), reference(path))


@pytest.mark.shared_data
def test_findings_of_the_examples(shared_data: Path):
    folder = shared_data / "omics" / "h5ad"
    valid, invalid, old, mixed = (
        read(Upload(f"{name}.h5ad", folder / f"{name}.h5ad"))
        for name in ("cellxgene_example_valid", "cellxgene_example_invalid_CL", "anndata_v0.5.0", "anndata_v0.7.8")
    )
    assert valid.title == "A title"
    assert set(codes(valid)) == {"NOT_STORED"}
    terms = [finding.message for finding in invalid.findings if finding.code == "NOT_AN_ONTOLOGY_TERM"]
    assert any("CL:12312" in message for message in terms)
    assert any("EFO:0009922 (sci-plex)" in message for message in terms)
    assert "X_pca, X_umap" in codes(old)["NOT_STORED"]
    assert "rank_genes_groups" in codes(old)["NOT_STORED"]
    assert "raw has 40 features, var has 20" in codes(mixed)["RAW_NOT_STORED"]


def example(x=None, n_obs: int = 5, n_var: int = 4) -> anndata.AnnData:
    x = np.arange(n_obs * n_var, dtype=np.float32).reshape(n_obs, n_var) if x is None else x
    content = anndata.AnnData(x)
    content.obs_names = [f"cell{i}" for i in range(content.n_obs)]
    content.var_names = [f"gene{i}" for i in range(content.n_vars)]
    return content


def written(content: anndata.AnnData, folder: Path, **options) -> Path:
    path = folder / "cells.h5ad"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content.write_h5ad(path, **options)
    return path


def roundtrip(content: anndata.AnnData, folder: Path, **options) -> Dataset:
    path = written(content, folder, **options)
    return read(Upload(path.name, path))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    dtype=st.sampled_from(["f4", "f8", "i4", "i8", "u2"]),
    layout=st.sampled_from(["dense", "csr_matrix", "csc_matrix"]),
    shape=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    seed=st.integers(0, 1000),
    block=st.sampled_from([3, 40, 8_000_000]),
    compression=st.sampled_from([None, "gzip", "lzf"]),
)
def test_matrices_are_the_same(dtype, layout, shape, seed, block, compression, tmp_path: Path):
    random = np.random.default_rng(seed)
    x = (random.poisson(1, shape) * random.integers(0, 2, shape)).astype(dtype)
    stored = x if layout == "dense" else getattr(sparse, layout)(x)
    path = written(example(stored), tmp_path, compression=compression)
    original = hdf5_values._BLOCK_VALUES
    hdf5_values._BLOCK_VALUES = block
    try:
        dataset = h5ad.read(Upload(path.name, path), Limits())
    finally:
        hdf5_values._BLOCK_VALUES = original
    np.testing.assert_array_equal(layers(dataset)["X"], x.T.astype(np.float64))


def test_every_kind_of_column_is_kept(tmp_path: Path):
    content = example()
    content.obs["text"] = ["a", "b", "ü", "d", "e"]
    content.obs["category"] = pd.Categorical(["x", None, "y", "x", "y"])
    content.obs["ordered"] = pd.Categorical([3, 1, 2, 2, None], ordered=True)
    content.obs["whole"] = pd.array([1, None, 3, 4, 5], dtype="Int64")
    content.obs["flag"] = pd.array([True, None, False, True, True], dtype="boolean")
    content.obs["number"] = [1.5, np.nan, 2.0, -1.0, 0.0]
    content.obs["small"] = np.arange(5, dtype=np.uint8)
    dataset = roundtrip(content, tmp_path)
    same_as(dataset, content)
    assert dataset.samples["category"].to_list() == ["x", None, "y", "x", "y"]
    assert dataset.samples["whole"].dtype == pl.Int64
    assert dataset.samples["flag"].dtype == pl.Boolean


def test_raw_of_the_same_genes_is_a_layer_and_of_others_a_finding(tmp_path: Path):
    content = example()
    content.raw = content.copy()
    content.X = content.X + 0.5
    assert set(layers(roundtrip(content, tmp_path))) == {"X", "raw"}
    subset = content[:, :2].copy()
    dataset = roundtrip(subset, tmp_path)
    assert set(layers(dataset)) == {"X"}
    assert "raw has 4 features, var has 2" in codes(dataset)["RAW_NOT_STORED"]


def test_symbols_title_organism_and_what_is_left_out(tmp_path: Path):
    content = example()
    content.var["feature_name"] = ["TP53", "EGFR", "MYC", "KRAS"]
    content.obs["sample_id"] = ["p1", "p1", "p2", "p2", "p2"]
    content.obs["organism"] = pd.Categorical(["Homo sapiens"] * 5)
    content.obs["assay"] = ["10x 3' v3"] * 5
    content.uns |= {"title": "Lung", "resolution": 0.5, "missing": float("nan"), "names": ["a", "b"], "deep": {"k": 1}}
    content.obsm["X_umap"] = np.zeros((5, 2))
    dataset = roundtrip(content, tmp_path)
    assert dataset.features.columns[:2] == ["feature_id", "symbol"]
    assert dataset.features["symbol"].to_list() == ["TP53", "EGFR", "MYC", "KRAS"]
    assert (dataset.title, dataset.organism, dataset.data_type) == ("Lung", ("Homo sapiens",), "10x 3' v3")
    assert dataset.metadata["uns"] == {"title": "Lung", "resolution": 0.5, "missing": None, "names": ["a", "b"]}
    assert dataset.samples["obs_sample_id"].to_list() == ["p1", "p1", "p2", "p2", "p2"]
    assert "obs_sample_id" in codes(dataset)["COLUMN_RENAMED"]
    assert codes(dataset)["NOT_STORED"] == "Read from the file but not stored: uns: deep; obsm: X_umap."


def test_a_file_without_a_matrix_is_metadata_only(tmp_path: Path):
    dataset = roundtrip(anndata.AnnData(obs=pd.DataFrame(index=["a", "b"])), tmp_path)
    assert dataset.samples["sample_id"].to_list() == ["a", "b"]
    assert dataset.cells == 0


@pytest.mark.parametrize(("axis", "error"), [("obs_names", DuplicateSampleId), ("var_names", DuplicateFeatureId)])
def test_one_name_twice_is_refused(axis: str, error: type[Exception], tmp_path: Path):
    content = example()
    names = list(getattr(content, axis))
    names[1] = names[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        setattr(content, axis, names)
    with pytest.raises(error, match=names[0]):
        roundtrip(content, tmp_path)


def changed(folder: Path, change, x=None) -> Upload:
    path = written(example(x), folder)
    with h5py.File(path, "a") as file:
        change(file)
    return Upload(path.name, path)


def put(file: h5py.File, place: str, value) -> None:
    attributes = dict(file[place].attrs) if place in file else {}
    if place in file:
        del file[place]
    file[place] = value
    file[place].attrs.update(attributes)


SPARSE = sparse.csr_matrix(np.eye(5, 4, dtype=np.float32))


@pytest.mark.parametrize(
    ("change", "x", "error", "words"),
    [
        (lambda f: put(f, "X", np.zeros((5, 3))), None, DimensionsDiffer, "5 x 3"),
        (lambda f: put(f, "obs/_index", ["a", "b"]), None, DimensionsDiffer, "5 x 4"),
        (lambda f: f["obs"].create_dataset("extra", data=[1, 2]), None, DimensionsDiffer, "extra"),
        (lambda f: put(f, "X", np.full((5, 4), b"x")), None, NonNumericValue, "/X"),
        (lambda f: put(f, "obs/_index", np.array([b"a", b"\xff", b"c", b"d", b"e"])), None, NotText, "UTF-8"),
        (lambda f: f["var"].pop("_index"), None, MalformedFile, "/var/_index is missing"),
        (lambda f: put(f, "X/indices", np.array([0, 1, 2, 99])), SPARSE, MalformedFile, "outside"),
        (lambda f: put(f, "X/indices", np.array([0, 1, 2, -1])), SPARSE, MalformedFile, "outside"),
        (lambda f: put(f, "X/indices", np.array([0, 1, 2, 2**40])), SPARSE, MalformedFile, "outside"),
        (lambda f: put(f, "X/indptr", np.array([0, 9, 2, 3, 4, 4])), SPARSE, MalformedFile, "rise"),
        (lambda f: put(f, "X/indptr", np.array([0, 4])), SPARSE, MalformedFile, "entries"),
        (lambda f: put(f, "X/data", np.ones(3)), SPARSE, MalformedFile, "damaged"),
        (lambda f: f["X"].attrs.update(shape=[5, 400]), SPARSE, DimensionsDiffer, "5 x 400"),
        (lambda f: f["X"].attrs.pop("shape"), SPARSE, MalformedFile, "shape"),
        (lambda f: f["X"].attrs.update({"encoding-type": "awkward"}), SPARSE, MalformedFile, "awkward"),
    ],
)
def test_inconsistent_files_are_named_errors(change, x, error: type[Exception], words: str, tmp_path: Path):
    with pytest.raises(error, match=r"cells\.h5ad: ") as caught:
        read(changed(tmp_path, change, x))
    assert words in str(caught.value)


def test_codes_without_category_are_refused(tmp_path: Path):
    content = example()
    content.obs["kind"] = pd.Categorical(["x", "y", "x", "y", "x"])
    path = written(content, tmp_path)
    with h5py.File(path, "a") as file:
        file["obs/kind/codes"][0] = 7
    with pytest.raises(MalformedFile, match="code 7 and 2 categories"):
        read(Upload(path.name, path))


def test_more_values_than_allowed_are_refused_before_they_are_read(tmp_path: Path):
    path = written(example(), tmp_path)
    with pytest.raises(TooLarge, match="20 values"):
        read(Upload(path.name, path), Limits(cells=19))


def test_more_memory_than_allowed_is_refused_before_it_is_used(tmp_path: Path):
    path = written(example(np.ones((1000, 500), dtype=np.float32)), tmp_path)
    with pytest.raises(TooLarge, match="needs twice as much"):
        h5ad.read(Upload(path.name, path), Limits(memory_bytes=3_000_000))
