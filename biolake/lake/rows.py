"""A dataset as rows of the lake's tables. Storing the rows is `commit`'s matter."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from biolake.formats.models import Dataset, Matrix
from biolake.lake.schemas import DATASETS, FEATURES, MATRIX, PROVENANCE, SAMPLES, TableSchema
from biolake.lake.sparse_rows import sparse_layer

SLICE_VALUES = 2_000_000


@dataclass(frozen=True)
class Origin:
    """Where a dataset's rows come from; every row carries it.

    Attributes:
        sha256: Hash of the content of the dataset's files.
    """

    repository: str
    dataset_id: str
    lot: str
    source_uri: str
    source_version: str
    sha256: str


@dataclass(frozen=True)
class ProcessingRecord:
    """One dataset's processing, as the provenance table keeps it."""

    dataset_id: str
    lot: str
    job_id: str
    action: str
    state: str
    reason: str | None
    source_uri: str
    source_version: str
    sha256: str | None
    run_id: str
    code_version: str
    cells_in: int | None
    cells_out: int | None
    image: str | None = None
    processed_at: datetime = field(default_factory=lambda: datetime.now(UTC))


def dataset_row(dataset: Dataset, origin: Origin, now: datetime) -> dict[str, Any]:
    """The row of `datasets`."""
    metadata = dataset.metadata
    return {
        **{name: None for name in DATASETS.column_names if name.startswith("curated_")},
        "dataset_id": origin.dataset_id,
        "lot": origin.lot,
        "repository": origin.repository,
        "title": dataset.title,
        "summary": dataset.summary,
        "organism": list(dataset.organism),
        "data_type": dataset.data_type,
        "platform": dataset.platform,
        "format": dataset.format,
        "year": _year(metadata.get("year")),
        "n_samples": dataset.samples.height,
        "n_features": dataset.features.height,
        "n_values": dataset.cells,
        "layers": [matrix.layer for matrix in dataset.matrices],
        **_curated(metadata),
        "metadata": json.dumps(metadata, ensure_ascii=False, default=str),
        "findings": [f"{finding.code}: {finding.message}" for finding in dataset.findings],
        "source_uri": origin.source_uri,
        "source_version": origin.source_version,
        "sha256": origin.sha256,
        "ingested_at": now,
    }


def datasets_table(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows of `datasets` as a table."""
    return pa.Table.from_pylist(rows, schema=DATASETS.arrow)


def provenance_table(records: list[ProcessingRecord]) -> pa.Table:
    """Rows of `provenance` as a table."""
    return pa.Table.from_pylist([vars(record) for record in records], schema=PROVENANCE.arrow)


def samples_table(dataset: Dataset, origin: Origin) -> pa.Table:
    """Rows of `samples`, in matrix order."""
    samples = dataset.samples
    title = samples["title"].cast(pl.String).to_list() if "title" in samples.columns else [None] * samples.height
    named = {"sample_id", "title"}
    return _table(
        SAMPLES,
        origin,
        samples.height,
        {
            "sample_id": samples["sample_id"].cast(pl.String).to_arrow(),
            "position": pa.array(range(1, samples.height + 1), pa.int32()),
            "title": pa.array(title, pa.string()),
            "characteristics": _text_map(samples.select(pl.exclude(named)), samples.height),
        },
    )


def features_table(dataset: Dataset, origin: Origin) -> pa.Table:
    """Rows of `features`, in matrix order."""
    features = dataset.features
    symbol = features["symbol"].cast(pl.String).to_arrow() if "symbol" in features.columns else None
    return _table(
        FEATURES,
        origin,
        features.height,
        {
            "feature_id": features["feature_id"].cast(pl.String).to_arrow(),
            "position": pa.array(range(1, features.height + 1), pa.int32()),
            "symbol": symbol if symbol is not None else pa.nulls(features.height, pa.string()),
            "annotations": _text_map(features.select(pl.exclude({"feature_id", "symbol"})), features.height),
        },
    )


def matrix_batches(dataset: Dataset, origin: Origin) -> Iterator[pa.RecordBatch]:
    """Rows of `matrix`: layer by layer, features in their order, a slice of them at a time."""
    return matrix_rows(dataset, origin, 0, dataset.features.height * len(dataset.matrices))


def matrix_rows(dataset: Dataset, origin: Origin, begin: int, end: int) -> Iterator[pa.RecordBatch]:
    """Rows `begin` to `end` of `matrix`, counted over all layers, a slice of about `SLICE_VALUES` at most at a time."""
    height = dataset.features.height
    ids = dataset.features["feature_id"].cast(pl.String).to_arrow().cast(pa.string())
    for number, matrix in enumerate(dataset.matrices):
        first = max(begin - number * height, 0)
        last = min(end - number * height, height)
        layer = sparse_layer(matrix.values) if first < last else None
        sizes = _sizes(matrix) if layer is None else layer.stored
        while first < last:
            stop = min(last, end_of_part(sizes, first, SLICE_VALUES))
            values, spans = (_full_rows(matrix, first, stop), None) if layer is None else layer.rows(first, stop)
            columns = {
                "layer": pa.repeat(pa.scalar(matrix.layer, pa.string()), stop - first),
                "feature_id": ids.slice(first, stop - first),
                "values": values,
            }
            if spans is not None:
                columns["spans"] = spans
            yield _table(MATRIX, origin, stop - first, columns).to_batches()[0]
            first = stop


def matrix_sizes(dataset: Dataset) -> NDArray[np.int64]:
    """How many values the rows of `matrix` before each one store, over all layers; one entry more than rows."""
    counts = [np.zeros(1, dtype=np.int64)]
    for matrix in dataset.matrices:
        layer = sparse_layer(matrix.values)
        counts.append(np.diff(_sizes(matrix) if layer is None else layer.stored))
    return np.cumsum(np.concatenate(counts))


def end_of_part(sizes: NDArray[np.int64], begin: int, most: int) -> int:
    """Where the rows from `begin` end that together store at most so many values; one row at least."""
    return max(begin + 1, int(np.searchsorted(sizes, sizes[begin] + most, side="right")) - 1)


def _sizes(matrix: Matrix) -> NDArray[np.int64]:
    n_features, n_samples = matrix.values.shape
    return np.arange(n_features + 1, dtype=np.int64) * n_samples


def _full_rows(matrix: Matrix, start: int, stop: int) -> pa.ListArray:
    values = matrix.values.rows(start, stop)
    offsets = pa.array(np.arange(len(values) + 1, dtype=np.int32) * values.shape[1])
    return pa.ListArray.from_arrays(offsets, pa.array(values.ravel(), from_pandas=True))


def _table(schema: TableSchema, origin: Origin, height: int, columns: dict[str, Any]) -> pa.Table:
    arrays = []
    for column in schema.arrow:
        if column.name in columns:
            array = columns[column.name]
            array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
            arrays.append(array if array.type == column.type else array.cast(column.type))
        elif hasattr(origin, column.name):
            arrays.append(pa.repeat(pa.scalar(getattr(origin, column.name), column.type), height))
        else:
            arrays.append(pa.nulls(height, column.type))
    return pa.Table.from_arrays(arrays, schema=schema.arrow)


def _text_map(frame: pl.DataFrame, height: int) -> pa.Array:
    """Every column as an entry of a text map; what is null is left out."""
    map_type = pa.map_(pa.string(), pa.string())
    if frame.width == 0:
        return pa.array([[]] * height, map_type)
    texts = [_texts(frame[name]) for name in frame.columns]
    present = np.column_stack([~np.asarray(text.is_null()) for text in texts])
    keys = np.broadcast_to(np.asarray(frame.columns, dtype=object), present.shape)[present]
    values = np.column_stack([np.asarray(text.to_pylist(), dtype=object) for text in texts])[present]
    offsets = np.concatenate([[0], np.cumsum(present.sum(axis=1))]).astype(np.int32)
    return pa.MapArray.from_arrays(
        pa.array(offsets), pa.array(list(keys), pa.string()), pa.array(list(values), pa.string())
    )


def _texts(column: pl.Series) -> pa.Array:
    if column.dtype in (pl.List, pl.Array):
        column = column.cast(pl.List(pl.String)).list.join("; ")
    elif column.dtype == pl.Struct or column.dtype == pl.Object:
        column = pl.Series(column.name, [None if v is None else str(v) for v in column.to_list()], pl.String)
    array = column.cast(pl.String).to_arrow()
    return array.cast(pa.string())


def _year(value: object) -> int | None:
    try:
        year = int(str(value))
    except ValueError:
        return None
    return year if 1900 <= year <= 2200 else None


def _curated(metadata: dict[str, Any]) -> dict[str, list[str]]:
    curated: dict[str, list[str]] = {}
    for name in DATASETS.column_names:
        value = metadata.get(name) if name.startswith("curated_") else None
        if isinstance(value, str):
            curated[name] = [value]
        elif isinstance(value, list):
            curated[name] = [str(item) for item in value]
    return curated
