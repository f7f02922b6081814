"""What every dataset must hold, whatever its format, and what is worth a curator's look.

Rules of one format are in its reader.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from biolake.formats.errors import (
    DimensionsDiffer,
    DuplicateFeatureId,
    DuplicateSampleId,
    InvalidValue,
    MalformedFile,
    TooLarge,
)
from biolake.formats.models import Dataset, Finding, Limits, Matrix

NAMED_IN_MESSAGES = 20
"""How many ids a message lists before it only counts."""

_GENE_DATE = r"^(?i:\d{1,2}-(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)|(mar|sep|dec|oct|feb|apr)-\d{1,2})$"
_COUNTS = re.compile(r"\b(?:raw|read|umi|gene)?counts?\b", re.IGNORECASE)
_ZERO_IS_A_CALL = frozenset({"vcf"})
_NOT_RAW = re.compile(r"scaled|normali[sz]ed|\blog|per million|\bcpm|\btpm|estimated|signal", re.IGNORECASE)


def listing(ids: Iterable[str]) -> str:
    """Return ids for a message: the first twenty and how many more there are."""
    ids = list(ids)
    more = len(ids) - NAMED_IN_MESSAGES
    return ", ".join(ids[:NAMED_IN_MESSAGES]) + (f" and {more:,} more" if more > 0 else "")


def refuse_duplicates(ids: Sequence[str], name: str, kind: type[DuplicateSampleId | DuplicateFeatureId]) -> None:
    """Raise `kind` where two ids are the same.

    Raises:
        DuplicateSampleId, DuplicateFeatureId: The message lists the ids that occur more than once.
    """
    if len(set(ids)) == len(ids):
        return
    twice = [id for id, count in Counter(ids).items() if count > 1]
    what = "sample" if kind is DuplicateSampleId else "feature"
    raise kind(
        f"{name}: {len(twice):,} {what} id{'s occur' if len(twice) > 1 else ' occurs'} more than once: "
        f"{listing(twice)}. Rename or merge them, then upload again."
    )


def refuse_too_many_cells(cells: int, name: str, limits: Limits) -> None:
    """Raise `TooLarge` where a dataset holds more values than the limits allow."""
    if cells > limits.cells:
        raise TooLarge(
            f"{name}: the matrices hold {cells:,} values or more, {limits.cells:,} are allowed. Upload it in parts."
        )


def checked(dataset: Dataset, name: str, limits: Limits) -> Dataset:
    """Return the dataset with normalised ids and findings, once it holds what every dataset must.

    Raises:
        DuplicateSampleId, DuplicateFeatureId: Two ids are the same after normalisation.
        MalformedFile: An id is empty, or a table lacks its id column.
        DimensionsDiffer: A matrix has other dimensions than the tables.
        TooLarge: More values than the limits allow.
        InvalidValue: A layer of counts holds a negative number.
    """
    refuse_too_many_cells(dataset.cells, name, limits)
    samples = _with_identifiers(dataset.samples, "sample_id", name, DuplicateSampleId)
    features = _with_identifiers(dataset.features, "feature_id", name, DuplicateFeatureId)
    if "symbol" not in features.columns:
        features = features.insert_column(1, pl.Series("symbol", [None] * features.height, dtype=pl.String))
    layers = [matrix.layer for matrix in dataset.matrices]
    if len(set(layers)) != len(layers):
        raise MalformedFile(f"{name}: two layers have one name: {', '.join(layers)}.")
    for matrix in dataset.matrices:
        if matrix.values.shape != (features.height, samples.height):
            raise DimensionsDiffer(
                f"{name}: layer {matrix.layer} is {matrix.values.shape[0]:,} features x {matrix.values.shape[1]:,} "
                f"samples, the tables have {features.height:,} x {samples.height:,}."
            )
    dataset = replace(dataset, samples=samples, features=features)
    findings = [*_gene_dates(features)]
    for matrix in dataset.matrices:
        findings += _value_findings(dataset, matrix, name)
    return replace(dataset, findings=(*dataset.findings, *findings))


def _with_identifiers(
    table: pl.DataFrame, column: str, name: str, duplicate: type[DuplicateSampleId | DuplicateFeatureId]
) -> pl.DataFrame:
    what = column.removesuffix("_id")
    if column not in table.columns:
        raise MalformedFile(f"{name}: the {what} table has no column {column}.")
    ids = table[column].cast(pl.String).fill_null("").str.strip_chars().str.normalize("NFC")
    empty = ids == ""
    if empty.any():
        raise MalformedFile(f"{name}: {what} {(empty.arg_max() or 0) + 1:,} has no id. Name it, then upload again.")
    if ids.n_unique() != len(ids):
        refuse_duplicates(ids.to_list(), name, duplicate)
    return table.with_columns(ids.alias(column)).select(column, pl.exclude(column))


def _gene_dates(features: pl.DataFrame) -> list[Finding]:
    """Find gene symbols that a spreadsheet has turned into dates (MARCH1 -> 1-Mar; Ziemann et al. 2016)."""
    dates: list[str] = []
    for column in ("feature_id", "symbol"):
        values = features[column]
        dates += [
            d for d in values.filter(values.str.contains(_GENE_DATE).fill_null(False)).to_list() if d not in dates
        ]
    if not dates:
        return []
    return [
        Finding(
            "GENE_SYMBOL_DATE",
            f"{len(dates):,} gene names look like dates, as spreadsheets make of MARCH1 or SEPT2: {listing(dates)}. "
            "Restore them from the original table.",
        )
    ]


def says_counts(matrix: Matrix, data_type: str | None) -> bool:
    """Whether a layer's name or the data type declares raw counts, so that values below zero cannot be."""
    for text in (matrix.layer.replace("_", " "), (data_type or "").replace("_", " ")):
        if _COUNTS.search(text) and not _NOT_RAW.search(text):
            return True
    return False


def _value_findings(dataset: Dataset, matrix: Matrix, name: str) -> list[Finding]:
    """Look at the values once, a slice of features at a time."""
    n_features, n_samples = matrix.values.shape
    if not n_features or not n_samples:
        return []
    counts = says_counts(matrix, dataset.data_type)
    zero = np.ones(n_samples, dtype=bool)
    missing = np.ones(n_samples, dtype=bool)
    infinite = 0
    fractions = 0
    for first, rows in matrix.slices():
        # One sum tells a slice without missing and infinite values, as most are, from one that needs a closer look.
        with np.errstate(invalid="ignore", over="ignore"):
            complete = bool(np.isfinite(rows.sum()))
        absent = None if complete else np.isnan(rows)
        if missing.any():
            missing &= False if absent is None else absent.all(axis=0)
        if zero.any():
            zero &= (rows == 0 if absent is None else (rows == 0) | absent).all(axis=0)
        if not complete:
            infinite += int(np.isinf(rows).sum())
        if counts:
            below = rows < 0
            if below.any():
                i, j = (int(k) for k in np.argwhere(below)[0])
                feature, sample = dataset.features["feature_id"][first + i], dataset.samples["sample_id"][j]
                raise InvalidValue(
                    f"{name}: layer {matrix.layer} declares counts, but feature {feature} of sample {sample} is "
                    f"{rows[i, j]:g}. Correct the values or the data type, then upload again."
                )
            fractions += int(np.count_nonzero(np.isfinite(rows) & (rows != np.trunc(rows))))
    ids = dataset.samples["sample_id"]
    found: list[Finding] = []
    if missing.any():
        found.append(
            Finding("ALL_MISSING_SAMPLE", f"{matrix.layer}: no value for {listing(ids.filter(missing).to_list())}.")
        )
    if (zero & ~missing).any() and dataset.format not in _ZERO_IS_A_CALL:
        zeros = listing(ids.filter(zero & ~missing).to_list())
        found.append(Finding("ALL_ZERO_SAMPLE", f"{matrix.layer}: only zeros for {zeros}."))
    if infinite:
        found.append(Finding("INFINITE_VALUE", f"{matrix.layer}: {infinite:,} values are infinite."))
    if fractions:
        found.append(
            Finding("NON_INTEGER_COUNT", f"{matrix.layer}: {fractions:,} values of declared counts are no integers.")
        )
    return found
