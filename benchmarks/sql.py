"""SQL: one feature over 1,000 datasets, and a metadata filter over 100,000 samples; bytes per stored value.

The lake is written by the platform's own commit. The baseline reads the same Delta tables with polars.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.machine import header, table
from biolake.formats.models import Dataset, DenseValues, Matrix
from biolake.lake.commit import LotRows, LotWriter
from biolake.lake.lake import Lake
from biolake.lake.rows import (
    Origin,
    dataset_row,
    datasets_table,
    features_table,
    matrix_batches,
    samples_table,
)
from biolake.sql.engine import open_engine

DATASETS, FEATURES, SAMPLES = 1_000, 1_000, 100
LOT = 250


def write_lake(lake: Lake) -> int:
    """Write 1,000 datasets of 1,000 features x 100 samples of counts in lots of 250; return the number of values."""
    numbers = np.random.default_rng(7)
    means = numbers.lognormal(1.5, 1.6, FEATURES)
    features = pl.DataFrame({"feature_id": [f"ENSG{i:011d}" for i in range(FEATURES)]})
    for start in range(0, DATASETS, LOT):
        lot = f"20261122T1000{start // LOT:02d}Z-{start:010d}"
        rows, built = [], LotRows(datasets_table([]))
        for number in range(start, start + LOT):
            values = numbers.negative_binomial(2, 2 / (2 + means[:, None]), (FEATURES, SAMPLES)).astype(float)
            samples = pl.DataFrame(
                {
                    "sample_id": [f"S{number}_{i}" for i in range(SAMPLES)],
                    "tissue": [("liver", "lung", "brain", "blood")[(number + i) % 4] for i in range(SAMPLES)],
                    "age": [str(20 + (number * i) % 60) for i in range(SAMPLES)],
                }
            )
            dataset = Dataset(
                "csv_matrix", None, f"Dataset {number}", "", ("Homo sapiens",), None, None, samples, features,
                (Matrix("values", DenseValues(values)),),
            )  # fmt: skip
            origin = Origin("lab", f"D{number}", lot, "file:///made-up", "v1", "0" * 64)
            rows.append(dataset_row(dataset, origin, datetime.now(UTC)))
            built.samples.append(samples_table(dataset, origin))
            built.features.append(features_table(dataset, origin))
            built.matrix.extend(matrix_batches(dataset, origin))
        built.datasets = datasets_table(rows)
        LotWriter(lake, "lab", lot).commit(built)
    return DATASETS * FEATURES * SAMPLES


def median_of(call: Callable[[], object], times: int = 9) -> float:
    """Median seconds of a call after one to warm up."""
    call()
    spent = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        spent.append(time.perf_counter() - started)
    return statistics.median(spent)


def main() -> None:
    """Run and print."""
    report = header(f"SQL over {DATASETS:,} datasets of {FEATURES:,} features x {SAMPLES} samples")
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder).as_uri())
        values = write_lake(lake)
        stored = sum(file.stat().st_size for file in (Path(folder) / "lab" / "matrix").rglob("*.parquet"))
        feature = "ENSG00000000500"
        statements = {
            "one feature's values over 1,000 datasets": (
                f"SELECT dataset_id, \"values\" FROM lab.matrix WHERE feature_id = '{feature}'",
                lambda: (
                    pl.scan_delta(lake.uri("lab", "matrix"))
                    .filter(pl.col("feature_id") == feature)
                    .select("dataset_id", "values")
                    .collect()
                ),
            ),
            "a metadata filter over 100,000 samples": (
                "SELECT dataset_id, sample_id FROM lab.samples WHERE characteristics['tissue'] = 'liver' "
                "AND CAST(characteristics['age'] AS INTEGER) > 70",
                None,
            ),
            "count of samples by tissue, joined with datasets": (
                "SELECT s.characteristics['tissue'] AS tissue, COUNT(*) AS n FROM lab.datasets AS d "
                "JOIN lab.samples AS s ON s.dataset_id = d.dataset_id GROUP BY 1",
                None,
            ),
        }
        rows = []
        with open_engine(lake.url) as engine:
            for name, (statement, baseline) in statements.items():
                ours = median_of(lambda statement=statement: engine.query(statement))
                answer = engine.query(statement)
                base = f"{median_of(baseline) * 1000:.0f} ms" if baseline else "-"
                rows.append((name, f"{ours * 1000:.0f} ms", answer.rows, base))
    print(report + "\n" + table(("statement", "median, warm", "rows", "polars scan_delta (baseline)"), rows))
    print(f"Bytes per stored value: {stored / values:.2f} ({values:,} counts, {stored / 1024**2:.0f} MiB)\n")


if __name__ == "__main__":
    main()
