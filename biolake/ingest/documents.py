"""Search documents of datasets, built from their rows in the lake: the index can be rebuilt from the lake alone."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.dataset as pads

from biolake.lake.lake import Lake
from biolake.lake.schemas import DATASETS, SAMPLES
from biolake.search.models import SearchDocument

_MOST_SAMPLES_TEXT = 20_000
_PLAIN = (
    "repository",
    "dataset_id",
    "lot",
    "source_version",
    "title",
    "summary",
    "data_type",
    "platform",
    "format",
    "year",
    "n_samples",
    "n_features",
    "ingested_at",
)


def documents_of_lot(lake: Lake, repository: str, lot: str, created_at: datetime) -> list[SearchDocument]:
    """Return the documents of the datasets whose shown version the lot wrote."""
    datasets = _rows(lake, repository, DATASETS.name, lot)
    samples = _rows(lake, repository, SAMPLES.name, lot)
    if datasets is None or samples is None:
        return []
    texts = _samples_text(samples)
    version = version_of(created_at)
    return [_document(row, texts.get(row["dataset_id"], ""), version) for row in datasets.to_pylist()]


def documents_of_repository(lake: Lake, repository: str, made: Mapping[str, datetime]) -> Iterator[SearchDocument]:
    """Yield the documents of all datasets that the lake shows, lot by lot.

    Args:
        lake: The lake.
        repository: The repository.
        made: When each lot was made. Of a lot that is not known any more, its last dataset's arrival counts: it came
            after the lot was made and before a later lot of the dataset was.
    """
    table = lake.find(repository, DATASETS.name)
    if table is None:
        return
    arrived: dict[str, datetime] = {}
    for row in table.to_pyarrow_dataset().to_table(columns=["lot", "ingested_at"]).to_pylist():
        moment: datetime = row["ingested_at"]
        arrived[row["lot"]] = max(moment, arrived.get(row["lot"], moment))
    for lot in sorted(arrived):
        yield from documents_of_lot(lake, repository, lot, made.get(lot, arrived[lot]))


def version_of(created_at: datetime) -> int:
    """The version of a lot's documents: later lots of a dataset have higher ones."""
    return int(created_at.timestamp() * 1_000_000)


def _rows(lake: Lake, repository: str, name: str, lot: str) -> pa.Table | None:
    table = lake.find(repository, name)
    return None if table is None else table.to_pyarrow_dataset().to_table(filter=pads.field("lot") == lot)


def _samples_text(samples: pa.Table) -> dict[str, str]:
    lines: dict[str, dict[str, None]] = defaultdict(dict)
    columns = samples.select(["dataset_id", "sample_id", "title", "characteristics"]).to_pydict()
    for dataset_id, sample_id, title, characteristics in zip(*columns.values(), strict=True):
        mine = lines[dataset_id]
        mine[sample_id] = None
        if title:
            mine[title] = None
        for name, value in characteristics or ():
            mine[f"{name}: {value}"] = None
    return {dataset_id: "\n".join(mine)[:_MOST_SAMPLES_TEXT] for dataset_id, mine in lines.items()}


def _document(row: dict[str, Any], samples_text: str, version: int) -> SearchDocument:
    fields = {name: row[name] for name in _PLAIN if row[name] is not None}
    fields |= {name: row[name] or () for name in row if name.startswith("curated_") or name == "organism"}
    fields |= {"version": version, "samples_text": samples_text, "accessions": _accessions(row)}
    return SearchDocument.model_validate(fields)


def _accessions(row: dict[str, Any]) -> tuple[str, ...]:
    metadata = json.loads(row["metadata"] or "{}")
    return tuple(_texts(metadata.get("accession"))) + tuple(_texts(metadata.get("pubmed_id")))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif value is not None:
        yield str(value)
