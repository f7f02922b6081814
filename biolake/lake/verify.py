"""Read a lot back from the lake and hold it against what its tables declare and its provenance claims."""

# pyarrow makes its compute functions at import, out of pyright's sight.
# pyright: reportAttributeAccessIssue=false

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads

from biolake.lake.lake import Lake
from biolake.lake.schemas import DATASETS, MATRIX, PROVENANCE, VERSIONED_BY_DATASETS, TableSchema
from biolake.lake.sparse_rows import samples_per_row

CHECKS: dict[str, str] = {
    "ids_are_unique": "No dataset, sample or feature id occurs twice where its table's key says it is unique.",
    "matrix_matches_samples": "Every feature has one value, or a mark of a missing one, for every sample.",
    "values_are_finite": "No value is infinite or not-a-number; missing values are null.",
    "no_silent_loss": "The lake holds as many values as the readers found: cells in = cells out.",
    "every_dataset_stored": "No dataset of the lot was refused or failed.",
}


@dataclass(frozen=True)
class CheckOutcome:
    """The answer of one check for one lot.

    Attributes:
        problems: One line for each thing that is wrong, naming the dataset; empty when the check passes.
        examined: How many things were looked at.
    """

    name: str
    problems: tuple[str, ...]
    examined: int


_BATCH_VALUES = 4_000_000
_THREADS = 2


@dataclass
class _Measured:
    rows: int = 0
    cells: int = 0
    wrong_length: int = 0
    not_finite: int = 0


def verify_lot(lake: Lake, repository: str, lot: str) -> dict[str, CheckOutcome]:
    """Check everything that a lot stored, by name of the check in :data:`CHECKS`."""
    datasets = {row["dataset_id"]: row for row in _rows(lake, repository, DATASETS, lot).to_pylist()}
    claims = _rows(
        lake, repository, PROVENANCE, lot, ["dataset_id", "state", "reason", "cells_in", "cells_out", "action"]
    ).to_pylist()
    measured = _measure(lake, repository, lot, {name: row["n_samples"] for name, row in datasets.items()})
    lengths, finite, losses = [], [], []
    for dataset_id, row in datasets.items():
        found = measured.get(dataset_id, _Measured())
        expected_rows = row["n_features"] * len(row["layers"] or [])
        if found.wrong_length or found.rows != expected_rows:
            lengths.append(
                f"{dataset_id}: {found.rows} of {expected_rows} rows, {found.wrong_length} without exactly "
                f"{row['n_samples']} values"
            )
        if found.not_finite:
            finite.append(f"{dataset_id}: {found.not_finite} values are infinite or not a number")
        if found.cells != row["n_values"]:
            losses.append(f"{dataset_id}: {found.cells} of {row['n_values']} values are in the lake")
    losses += [
        f"{claim['dataset_id']}: {claim['cells_in']} values read, {claim['cells_out']} written"
        for claim in claims
        if claim["cells_in"] != claim["cells_out"]
    ]
    failures = [f"{claim['dataset_id']}: {claim['reason']}" for claim in claims if claim["state"] == "ERRORED"]
    twice = [problem for table in VERSIONED_BY_DATASETS for problem in _repeated(lake, repository, table, lot)]
    twice += _repeated_claims(claims)
    n = len(datasets)
    return {
        "ids_are_unique": CheckOutcome("ids_are_unique", tuple(twice), n),
        "matrix_matches_samples": CheckOutcome("matrix_matches_samples", tuple(lengths), n),
        "values_are_finite": CheckOutcome("values_are_finite", tuple(finite), sum(m.cells for m in measured.values())),
        "no_silent_loss": CheckOutcome("no_silent_loss", tuple(losses), sum(m.cells for m in measured.values())),
        "every_dataset_stored": CheckOutcome("every_dataset_stored", tuple(failures), len(claims)),
    }


def _rows(lake: Lake, repository: str, schema: TableSchema, lot: str, columns: list[str] | None = None) -> pa.Table:
    table = lake.find(repository, schema.name)
    if table is None:
        return schema.arrow.empty_table()
    names = columns or [field.name for field in table.schema().fields]
    return table.to_pyarrow_dataset().to_table(columns=names, filter=pads.field("lot") == lot)


def _measure(lake: Lake, repository: str, lot: str, n_samples: dict[str, int]) -> dict[str, _Measured]:
    table = lake.find(repository, MATRIX.name)
    measured: dict[str, _Measured] = {}
    if table is None:
        return measured
    source = table.to_pyarrow_dataset()
    scanner = source.scanner(
        # A table that no lot with sparse rows has written to may be older than their column.
        columns=[name for name in ("dataset_id", "values", "spans") if name in source.schema.names],
        filter=pads.field("lot") == lot,
        batch_size=max(16, min(2048, _BATCH_VALUES // max([1, *n_samples.values()]))),
        batch_readahead=2,
        fragment_readahead=1,
    )
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="verify") as pool:
        running: deque[Future[dict[str, _Measured]]] = deque()
        for batch in scanner.to_batches():
            running.append(pool.submit(_measure_batch, batch, n_samples))
            if len(running) > _THREADS:
                _add_up(measured, running.popleft().result())
        for batch_measured in running:
            _add_up(measured, batch_measured.result())
    return measured


def _measure_batch(batch: pa.RecordBatch, n_samples: dict[str, int]) -> dict[str, _Measured]:
    encoded = batch.column("dataset_id").dictionary_encode()
    lengths = samples_per_row(batch)
    names = encoded.dictionary.to_pylist()
    codes, long = encoded.indices.to_numpy(), lengths.to_numpy(zero_copy_only=False).astype(np.int64)
    expected = np.asarray([n_samples.get(name, -1) for name in names], dtype=np.int64)
    rows = np.bincount(codes, minlength=len(names))
    cells = np.bincount(codes, weights=np.maximum(long, 0), minlength=len(names))
    wrong = np.bincount(codes, weights=long != expected[codes], minlength=len(names))
    measured = {name: _Measured(int(rows[code]), int(cells[code]), int(wrong[code])) for code, name in enumerate(names)}
    bad = pc.invert(pc.fill_null(pc.is_finite(batch.column("values").flatten()), True))
    if pc.any(bad).as_py():
        parents = pc.list_parent_indices(batch.column("values")).filter(bad)
        for dataset_id in batch.column("dataset_id").take(parents).to_pylist():
            measured[dataset_id].not_finite += 1
    return measured


def _add_up(total: dict[str, _Measured], part: dict[str, _Measured]) -> None:
    for name, found in part.items():
        whole = total.setdefault(name, _Measured())
        whole.rows += found.rows
        whole.cells += found.cells
        whole.wrong_length += found.wrong_length
        whole.not_finite += found.not_finite


def _repeated(lake: Lake, repository: str, schema: TableSchema, lot: str) -> list[str]:
    keys = list(schema.key)
    # The lot is the same in all of them.
    rows = pl.DataFrame(_rows(lake, repository, schema, lot, [key for key in keys if key != "lot"]))
    repeated = rows.group_by(rows.columns).len().filter(pl.col("len") > 1).sort(rows.columns).head(50)
    return [
        f"{row['dataset_id']}: {schema.name} {row[keys[-1]]} is there {row['len']} times"
        for row in repeated.iter_rows(named=True)
    ]


def _repeated_claims(claims: list[dict[str, object]]) -> list[str]:
    seen: set[object] = set()
    repeated: list[str] = []
    for claim in claims:
        if claim["dataset_id"] in seen:
            repeated.append(f"{claim['dataset_id']}: provenance has it twice for one lot")
        seen.add(claim["dataset_id"])
    return repeated
