"""A lake in a folder, and small datasets to put into it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from biolake.formats.models import Dataset, DenseValues, Matrix
from biolake.lake.commit import LotRows
from biolake.lake.lake import Lake
from biolake.lake.rows import Origin, dataset_row, datasets_table, features_table, matrix_batches, samples_table

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MadeRows = Callable[..., LotRows]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake((tmp_path / "lake").as_uri())


@pytest.fixture
def made_rows() -> MadeRows:
    """What makes rows of made-up datasets."""
    return lot_rows


def lot_rows(lot: str, ids: list[str], value: float = 1.0, removed: tuple[str, ...] = ()) -> LotRows:
    """Rows of made-up datasets of 3 features x 2 samples: `value`, `value + 1`, …, one of them missing."""
    now = datetime.now(UTC)
    rows, built = [], LotRows(datasets_table([]), removed=removed)
    for dataset_id in ids:
        origin = Origin("lab", dataset_id, lot, f"s3://b/{dataset_id}", f"v-{lot}", "0" * 64)
        dataset = made_dataset(value)
        rows.append(dataset_row(dataset, origin, now))
        built.samples.append(samples_table(dataset, origin))
        built.features.append(features_table(dataset, origin))
        built.matrix.extend(matrix_batches(dataset, origin))
    return LotRows(datasets_table(rows), built.samples, built.features, built.matrix, removed)


def made_dataset(value: float) -> Dataset:
    values = np.arange(6, dtype=float).reshape(3, 2) + value
    values[2, 1] = np.nan
    return Dataset(
        format="csv",
        accession=None,
        title="Made up",
        summary="",
        organism=("Homo sapiens",),
        data_type=None,
        platform=None,
        samples=pl.DataFrame({"sample_id": ["a", "b"], "tissue": ["liver", None], "age": [41, 7]}),
        features=pl.DataFrame({"feature_id": ["g1", "g2", "g3"], "symbol": ["TP53", None, "EGFR"]}),
        matrices=(Matrix("X", DenseValues(values)),),
        metadata={"year": "2013", "curated_disease": ["Melanoma"]},
    )
