"""What a BIOM table says in either of its encodings, before it becomes a dataset in `biolake.formats.biom`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from biolake.formats.models import Finding, Values
from biolake.formats.tabular import unique_names

Metadata = Sequence[Mapping[str, Any] | None]
"""Of each observation or sample, what is said of it; None where nothing is."""


@dataclass(frozen=True)
class BiomContent:
    """A table of observations x samples.

    Attributes:
        about: What the table says of itself: `id`, `type`, `format`, `generated_by`, `date`, where it does.
        observations: `feature_id` and one column per metadata name.
        samples: `sample_id` and one column per metadata name.
        values: Observations x samples.
        findings: What is in the file and has no place in a dataset.
    """

    about: dict[str, str]
    observations: pl.DataFrame
    samples: pl.DataFrame
    values: Values
    findings: tuple[Finding, ...] = field(default=())


def table(id_column: str, ids: list[str], metadata: Metadata) -> pl.DataFrame:
    """Return ids and their metadata as a table: numbers stay numbers, lists (lineages) become `a; b; c`."""
    names = list(dict.fromkeys(name for entry in metadata if entry for name in entry))
    columns = [pl.Series(id_column, ids, dtype=pl.String)]
    for name, unique in zip(names, unique_names(names, (id_column,)), strict=True):
        values = [entry.get(name) if entry else None for entry in metadata]
        columns.append(_column(unique, values))
    return pl.DataFrame(columns)


def lineage(parts: Sequence[object]) -> str | None:
    """Return a list of names, such as a taxon's ranks, as one text; None where all are empty."""
    return "; ".join(str(part) for part in parts if part not in (None, "")) or None


def _column(name: str, values: list[Any]) -> pl.Series:
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, bool) for value in present):
        return pl.Series(name, values, dtype=pl.Boolean)
    if present and all(type(value) is int and abs(value) < 2**63 for value in present):
        return pl.Series(name, values, dtype=pl.Int64)
    if present and all(type(value) in (int, float) for value in present):
        return pl.Series(name, [None if value is None else float(value) for value in values], dtype=pl.Float64)
    return pl.Series(name, [_text(value) for value in values], dtype=pl.String)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, list) and not any(isinstance(part, list | dict) for part in value):
        return lineage(value)
    return json.dumps(value, ensure_ascii=False)
