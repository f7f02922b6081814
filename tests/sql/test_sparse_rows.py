"""Rows of the matrix that leave zeros out look to every statement like rows that do not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from biolake.lake.schemas import MATRIX
from biolake.sql.models import SqlEngine
from tests.sql.made_lake import MadeLake

# S1 to S5 are 0 0 3 0 null in g1, and 1 0 0 0 0 in g2; g3 holds nothing, g4 is stored in full.
ROWS: dict[str, list[float | None]] = {
    "g1": [0.0, 3.0, None],
    "g2": [1.0],
    "g3": [0.0],
    "g4": [5.0, 6.0, 7.0, 8.0, 9.0],
}
SPANS = {"g1": [2, 2, 1], "g2": [5], "g3": [5]}


@pytest.fixture
def cells(tmp_path: Path, open_on: Callable[..., SqlEngine]) -> SqlEngine:
    lake = MadeLake(tmp_path / "lake")
    lake.levels("cells", "C1", "lot1", ROWS, count=5, spans=SPANS, tissues=["liver"] * 4 + ["lung"])
    lake.show("cells", "C1", "lot1", n_samples=5, n_features=4)
    lake.levels("cells", "C2", "lot1", {"g1": [4.0, None]})
    lake.show("cells", "C2", "lot1")
    return open_on(lake)


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        (
            "SELECT dataset_id, feature_id, values FROM cells.matrix ORDER BY 1, 2",
            [
                ("C1", "g1", [0.0, 0.0, 3.0, 0.0, None]),
                ("C1", "g2", [1.0, 0.0, 0.0, 0.0, 0.0]),
                ("C1", "g3", [0.0] * 5),
                ("C1", "g4", [5.0, 6.0, 7.0, 8.0, 9.0]),
                ("C2", "g1", [4.0, None]),
            ],
        ),
        (
            "SELECT values[3], cardinality(values) FROM cells.matrix WHERE feature_id = 'g1' AND dataset_id = 'C1'",
            [(3.0, 5)],
        ),
        (
            "SELECT sample_id, value FROM cells.matrix_long WHERE feature_id = 'g1' AND dataset_id = 'C1' ORDER BY 1",
            [("S1", 0.0), ("S2", 0.0), ("S3", 3.0), ("S4", 0.0), ("S5", None)],
        ),
        (
            "SELECT characteristics['tissue'], sum(value), count(value), count(*) FROM cells.matrix_long "
            "JOIN cells.samples USING (dataset_id, sample_id) WHERE dataset_id = 'C1' GROUP BY 1 ORDER BY 1",
            [("liver", 30.0, 16, 16), ("lung", 9.0, 3, 4)],
        ),
        (
            "SELECT S1, S3, S5 FROM data_matrices.cells__C1 ORDER BY feature_id",
            [(0.0, 3.0, None), (1.0, 0.0, 0.0), (0.0, 0.0, 0.0), (5.0, 7.0, 9.0)],
        ),
        ("SELECT dataset_id FROM cells.matrix WHERE values[1] > 3 ORDER BY 1", [("C1",), ("C2",)]),
    ],
)
def test_statement_gives(cells: SqlEngine, sql: str, rows: list[tuple[object, ...]]) -> None:
    assert [tuple(row.values()) for row in cells.query(sql).to_records()] == rows


def test_how_rows_are_stored_is_no_column(cells: SqlEngine) -> None:
    shown = [column.name for column in MATRIX.columns if column.shown]
    assert "spans" not in shown
    assert [row["column"] for row in cells.query("DESCRIBE cells.matrix").to_records()] == shown
    assert list(cells.query("SELECT * FROM cells.matrix LIMIT 1").to_records()[0]) == shown


@pytest.mark.parametrize("source", ["data_matrices.cells__C1", "cells.matrix_long WHERE dataset_id = 'C1'"])
def test_as_anndata(cells: SqlEngine, source: str) -> None:
    found = cells.query(f"SELECT * FROM {source}").to_anndata()
    found = found[[f"S{n}" for n in range(1, 6)], ["g1", "g2", "g3", "g4"]]
    expected = [[0, 0, 3, 0, np.nan], [1, 0, 0, 0, 0], [0] * 5, [5, 6, 7, 8, 9]]
    np.testing.assert_array_equal(found.X, np.array(expected, dtype=float).T)
