"""BIOM tables in JSON and HDF5 against biom-format, cell by cell."""

import copy
import gzip
import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biolake.formats.errors import (
    DimensionsDiffer,
    DuplicateSampleId,
    FormatError,
    MalformedFile,
    NonNumericValue,
    Truncated,
)
from biolake.formats.models import Dataset, Upload
from biolake.formats.read import read

biom = pytest.importorskip("biom")


def dataset_of(path: Path) -> Dataset:
    return read(Upload(path.name, path))


def same_as(dataset: Dataset, expected) -> None:
    assert dataset.format == "biom"
    assert dataset.features["feature_id"].to_list() == list(expected.ids("observation"))
    assert dataset.samples["sample_id"].to_list() == list(expected.ids("sample"))
    values = dataset.matrices[0].values
    np.testing.assert_array_equal(values.rows(0, values.shape[0]), expected.matrix_data.toarray())
    for table, axis in ((dataset.features, "observation"), (dataset.samples, "sample")):
        for position, said in enumerate(expected.metadata(axis=axis) or []):
            for name, value in (said or {}).items():
                wanted = "; ".join(value) if isinstance(value, list | tuple) else value
                assert table[name][position] == wanted


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["min_sparse_otu_table.biom", "rich_sparse_otu_table_hdf5.biom"])
def test_real_files_are_read_as_biom_format_does(name: str, shared_data: Path):
    path = shared_data / "omics" / "biom" / name
    same_as(dataset_of(path), biom.load_table(str(path)))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    seed=st.integers(0, 1000),
    as_json=st.booleans(),
    described=st.booleans(),
)
def test_what_biom_format_writes_is_read(shape, seed: int, as_json: bool, described: bool, tmp_path: Path):
    random = np.random.default_rng(seed)
    values = random.poisson(1, shape) * random.choice([1.0, 0.25], shape)
    lineages = [{"taxonomy": ["k__Bacteria", f"p__{i}"], "confidence": i / 8} for i in range(shape[0])]
    sites = [{"site": f"gut {j}"} for j in range(shape[1])]
    table = biom.Table(
        values,
        [f"O{i}" for i in range(shape[0])],
        [f"S{j}" for j in range(shape[1])],
        lineages if described else None,
        sites if described else None,
        type="OTU table",
    )
    path = tmp_path / "table.biom"
    if as_json:
        path.write_text(table.to_json("test"))
    else:
        with h5py.File(path, "w") as file:
            table.to_hdf5(file, "test")
    dataset = dataset_of(path)
    same_as(dataset, table)
    assert dataset.data_type == "OTU table"
    assert dataset.metadata["biom_generated_by"] == "test"


DOCUMENT = {
    "id": "study 7",
    "format": "1.0.0",
    "format_url": "http://biom-format.org",
    "type": "Taxon table",
    "generated_by": "test",
    "date": "2020-01-01T00:00:00",
    "rows": [
        {"id": "O1", "metadata": {"taxonomy": ["k__A", ""], "n": 1, "w": 1}},
        {"id": "O2", "metadata": {"taxonomy": "k__B", "n": None, "w": 0.5}},
    ],
    "columns": [
        {"id": "S1", "metadata": None},
        {"id": "S2", "metadata": {"site": "gut"}},
        {"id": "S3", "metadata": {}},
    ],
    "matrix_type": "sparse",
    "matrix_element_type": "float",
    "shape": [2, 3],
    "data": [[0, 1, 2.5], [1, 2, 4]],
}


def write(path: Path, **changes: object) -> Path:
    path.write_text(json.dumps({**copy.deepcopy(DOCUMENT), **changes}))
    return path


def test_metadata_keeps_its_kind(tmp_path: Path):
    dataset = dataset_of(write(tmp_path / "a.biom"))
    assert (dataset.accession, dataset.data_type) == ("study 7", "Taxon table")
    assert dataset.features["taxonomy"].to_list() == ["k__A", "k__B"]
    assert dataset.features["n"].to_list() == [1, None]
    assert dataset.features["w"].to_list() == [1.0, 0.5]
    assert dataset.samples["site"].to_list() == [None, "gut", None]
    np.testing.assert_array_equal(dataset.matrices[0].values.rows(0, 2), [[0, 2.5, 0], [0, 0, 4]])


def test_dense_and_gzipped_documents_are_read(tmp_path: Path):
    path = write(tmp_path / "a.biom", matrix_type="dense", data=[[0, 2.5, 0], [0, 0, 4]])
    path.write_bytes(gzip.compress(path.read_bytes()))
    np.testing.assert_array_equal(dataset_of(path).matrices[0].values.rows(0, 2), [[0, 2.5, 0], [0, 0, 4]])


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"shape": [2, 4]}, DimensionsDiffer, "3 columns, shape says 4"),
        ({"shape": "2x3"}, MalformedFile, "two numbers"),
        ({"data": [[0, 3, 1]]}, DimensionsDiffer, "column 4"),
        ({"data": [[-1, 0, 1]]}, DimensionsDiffer, "before the first"),
        ({"data": [[0.5, 0, 1]]}, MalformedFile, "whole number"),
        ({"data": [[0, 0, "1"]]}, NonNumericValue, "entry 1"),
        ({"data": [[0, 0, None]]}, NonNumericValue, "None"),
        ({"data": [[0, 0, 10**400]]}, NonNumericValue, "too large"),
        ({"data": [[0, 0]]}, DimensionsDiffer, "3 numbers"),
        ({"data": [[0, 0, 1], [0, 0, 2]]}, MalformedFile, "place of another"),
        ({"data": None}, MalformedFile, "no list"),
        ({"matrix_type": "other"}, MalformedFile, "sparse or dense"),
        ({"matrix_type": "dense", "data": [[1, 2, 3]]}, DimensionsDiffer, "1 rows"),
        ({"rows": [{"id": "O1"}, {"name": "O2"}]}, MalformedFile, "rows is no list of objects with an id"),
        ({"columns": [{"id": "S1"}, {"id": "S1"}, {"id": "S2"}]}, DuplicateSampleId, "S1"),
        ({"rows": [{"id": "O1", "metadata": "x"}, {"id": "O2"}]}, MalformedFile, "metadata"),
    ],
)
def test_what_is_wrong_in_json_is_named(changes: dict, error: type[FormatError], words: str, tmp_path: Path):
    with pytest.raises(error, match=r"a\.biom: ") as caught:
        dataset_of(write(tmp_path / "a.biom", **changes))
    assert words in str(caught.value)


@given(share=st.floats(0.3, 1, exclude_max=True))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_document_cut_short_is_truncated(share: float, tmp_path: Path):
    content = write(tmp_path / "whole.biom").read_bytes()
    path = tmp_path / "cut.biom"
    path.write_bytes(content[: int(share * (len(content) - 1))])
    with pytest.raises(Truncated):
        dataset_of(path)


def test_nesting_without_end_is_malformed(tmp_path: Path):
    path = tmp_path / "deep.biom"
    path.write_text('{"format_url": "http://biom-format.org", "rows": ' + "[" * 200_000)
    with pytest.raises(MalformedFile, match="nested"):
        dataset_of(path)


def test_what_is_wrong_in_hdf5_is_named(tmp_path: Path):
    path = tmp_path / "a.biom"
    with h5py.File(path, "w") as file:
        biom.Table(np.eye(3), ["O1", "O2", "O3"], ["S1", "S2", "S3"]).to_hdf5(file, "test")
        del file["observation/matrix/indices"]
        file["observation/matrix/indices"] = [0, 1, 9]
    with pytest.raises(MalformedFile, match="outside"):
        dataset_of(path)
