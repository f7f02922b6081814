"""A step's output as rows: columns of equal length under SKDH's names, values as Python's, NaN as none."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from biolake.studies.processing.results import StepResult
from biolake.studies.results.errors import OutputUnusable
from biolake.studies.results.measures.measure import Measure, by_skdh_name, undescribed

Row = dict[str, Any]


def rows_of(step: StepResult, key: str) -> list[Row]:
    """Return a step's table as rows by SKDH's names.

    Args:
        step: What it returned.
        key: A column that every row has; without it the step has no rows.

    Raises:
        OutputUnusable: A column has another length than `key`.
    """
    if not step.has(key):
        return []
    count = len(step.column(key))
    found: dict[str, list[Any]] = {}
    for value in step.values:
        if len(value.path) != 1 or value.kind == "left_out" or np.ndim(value.content) > 1:
            continue
        entries = _plain(value.content)
        if value.kind == "scalar" and count != 1:
            entries = entries * count
        if len(entries) != count:
            # GaitLumbar leaves all its measures out where it found no bout, and some are then of length zero.
            raise OutputUnusable(
                f"{step.name}: column {value.path[0]!r} has {len(entries)} values and {key!r} has {count}. "
                "Report it with the pipeline's file; nothing was stored."
            )
        found[str(value.path[0])] = entries
    return [{name: values[i] for name, values in found.items()} for i in range(count)]


def measured(row: Mapping[str, Any], measures: tuple[Measure, ...]) -> Row:
    """Return a row's measures under the table's column names; text under a measure's name is none."""
    known = by_skdh_name(measures)
    return {
        known[name].column: float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
        for name, value in row.items()
        if name in known
    }


def further(step: StepResult, measures: tuple[Measure, ...], facts: frozenset[str], table: Any) -> tuple[Measure, ...]:
    """Return the numeric columns of a step that are not described here, as a later version may have them."""
    known = by_skdh_name(measures)
    return tuple(
        undescribed(table, step.process, str(value.path[0]))
        for value in step.values
        if len(value.path) == 1 and value.path[0] not in known and value.path[0] not in facts and _is_numeric(value)
    )


def _is_numeric(value: Any) -> bool:
    content = np.asarray(value.content)
    return value.kind in ("array", "list") and content.ndim == 1 and content.dtype.kind in "iuf"


def _plain(content: Any) -> list[Any]:
    values = (
        content.tolist()
        if isinstance(content, np.ndarray)
        else list(content)
        if isinstance(content, list)
        else [content]
    )
    return [_value(entry) for entry in values]


def _value(entry: Any) -> Any:
    if isinstance(entry, np.generic):
        entry = entry.item()
    if isinstance(entry, float) and not math.isfinite(entry):
        return None
    return entry
