"""Results in the tools people use: frames, files, JSON, AnnData."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from biolake.sql import errors
from biolake.sql.models import SqlEngine

ALL_KINDS = (
    "SELECT dataset_id, curated_disease, ingested_at, year, n_samples / 2.0 AS half, NULL AS nothing, "
    "MAP(ARRAY['a'], ARRAY[1]) AS m, 'NaN'::DOUBLE AS not_a_number FROM geo.datasets ORDER BY dataset_id"
)


def test_frames_have_the_same_rows(engine: SqlEngine) -> None:
    result = engine.query(ALL_KINDS)
    assert result.rows == 2
    assert result.seconds > 0
    assert [(c.name, c.type) for c in result.columns][:4] == [
        ("dataset_id", "VARCHAR"),
        ("curated_disease", "VARCHAR[]"),
        ("ingested_at", "TIMESTAMP WITH TIME ZONE"),
        ("year", "INTEGER"),
    ]
    assert result.to_polars()["dataset_id"].to_list() == ["GSE1", "GSE2-GPL570"]
    pandas = result.to_pandas()
    assert pandas["year"].tolist() == [2020, 2013]
    assert dict(pandas["m"][0]) == {"a": 1}


def test_json_is_valid_and_complete(engine: SqlEngine) -> None:
    first = json.loads(engine.query(ALL_KINDS).to_json())[0]
    assert first == {
        "dataset_id": "GSE1",
        "curated_disease": ["Breast Neoplasms", "Normal"],
        "ingested_at": "2026-01-02T03:04:05+00:00",
        "year": 2020,
        "half": 1.0,
        "nothing": None,
        "m": {"a": 1},
        "not_a_number": None,
    }


def test_csv_has_lists_as_json(engine: SqlEngine, tmp_path: Path) -> None:
    text = engine.query(ALL_KINDS).to_csv(tmp_path / "r.csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert json.loads(rows[0]["curated_disease"]) == ["Breast Neoplasms", "Normal"]
    assert rows[0]["nothing"] == ""
    assert (tmp_path / "r.csv").read_text() == text


def test_parquet(engine: SqlEngine, tmp_path: Path) -> None:
    engine.query(ALL_KINDS).to_parquet(tmp_path / "r.parquet")
    assert pq.read_table(tmp_path / "r.parquet").column("year").to_pylist() == [2020, 2013]


def test_names_given_twice_are_numbered(engine: SqlEngine) -> None:
    result = engine.query("SELECT 1 AS x, 2 AS x, 3 AS x_2")
    assert result.to_records() == [{"x": 1, "x_3": 2, "x_2": 3}]


def test_empty_result_keeps_its_columns(engine: SqlEngine) -> None:
    result = engine.query("SELECT dataset_id, year FROM geo.datasets WHERE false")
    assert result.to_polars().schema == {"dataset_id": pl.String, "year": pl.Int32}
    assert result.to_csv() == "dataset_id,year\n"
    assert result.to_json() == "[]"


def test_anndata_from_a_datasets_matrix(engine: SqlEngine) -> None:
    adata = engine.query("SELECT * FROM data_matrices.geo__GSE1 ORDER BY feature_id").to_anndata()
    assert list(adata.obs_names) == ["S1", "S2"]
    assert list(adata.var_names) == ["egfr", "tp53"]
    np.testing.assert_array_equal(adata.X, [[3.0, 1.0], [np.nan, 2.0]])


def test_anndata_from_long_rows_of_several_datasets(engine: SqlEngine) -> None:
    adata = engine.query("SELECT * FROM geo.matrix_long ORDER BY dataset_id, feature_id, sample_id").to_anndata()
    assert list(adata.obs_names) == ["GSE1:S1", "GSE1:S2", *(f"GSE2-GPL570:S{n}" for n in (1, 2, 3))]
    assert set(adata.obs["dataset_id"]) == {"GSE1", "GSE2-GPL570"}
    assert adata["GSE2-GPL570:S3", "tp53"].X.item() == 7.0
    assert np.isnan(adata["GSE2-GPL570:S3", "egfr"].X.item())


def test_anndata_with_layers(engine: SqlEngine) -> None:
    sql = (
        "SELECT 'g' AS feature_id, 'counts' AS layer, 1.0 AS a, 2.0 AS b UNION ALL SELECT 'g', 'tpm', 3.0, 4.0 "
        "ORDER BY layer"
    )
    adata = engine.query(sql).to_anndata()
    np.testing.assert_array_equal(adata.X, [[1.0], [2.0]])
    np.testing.assert_array_equal(adata.layers["tpm"], [[3.0], [4.0]])


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT dataset_id, title FROM geo.datasets",
        "SELECT feature_id, dataset_id FROM geo.matrix",
        "SELECT feature_id, sample_id, value FROM geo.matrix_long",
    ],
)
def test_other_shapes_are_no_matrix(engine: SqlEngine, sql: str) -> None:
    with pytest.raises(errors.NotAMatrix):
        engine.query(sql).to_anndata()


def test_cut_result_is_no_matrix(engine: SqlEngine) -> None:
    with pytest.raises(errors.NotAMatrix, match="cut"):
        engine.query("SELECT * FROM data_matrices.geo__GSE1", max_rows=1).to_anndata()
