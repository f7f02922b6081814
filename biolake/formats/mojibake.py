"""Text whose UTF-8 was once read as Windows-1252 and written again: `SIRPÎ±` for SIRPα.

What a file says is repaired for reading and searching; the raw text stays in the dataset's metadata. Ids are never
touched: an id is what its owner calls it.
"""

import re
from dataclasses import replace
from typing import Any

import polars as pl

from biolake.formats.models import Dataset, Finding

RAW_TEXT = "raw_text"
"""Key of the dataset's metadata under which the text is as the file has it."""

_RUN = re.compile(r"[^\x00-\x7f]{2,}")
_LEAD = r"[\u00c2-\u00f4][\u0080-\u2122]"
_TIMES = 3
# Proper characters in a row may look like one that was encoded twice: the end of “40×” like Hebrew ה, é–“ like 間. They
# are believed where they make a Latin, Greek or Cyrillic letter, punctuation or a mathematical sign.
_LIKELY = re.compile(r"[\u0080-\u017f\u02c6-\u02dd\u0370-\u04ff\u2000-\u23ff]")


def repaired(text: str) -> str:
    """Return text with double-encoded characters restored; other text comes back as it is."""
    for _ in range(_TIMES):
        again = _RUN.sub(_decoded, text)
        if again == text:
            break
        text = again
    return text


def _decoded(run: re.Match[str]) -> str:
    """Return a run of characters decoded once more, itself where it is not the UTF-8 of something."""
    try:
        raw = b"".join(
            character.encode("latin-1") if "\x80" <= character <= "\x9f" else character.encode("cp1252")
            for character in run[0]
        )
        text = raw.decode()
    except UnicodeError:
        return run[0]
    return text if all(_LIKELY.match(character) for character in text) else run[0]


def with_repaired_text(dataset: Dataset) -> Dataset:
    """Return the dataset with title, summary and samples' texts repaired, the raw text in its metadata."""
    raw: dict[str, Any] = {}
    changes: dict[str, Any] = {}
    for field in ("title", "summary"):
        before = getattr(dataset, field)
        if not before.isascii() and (after := repaired(before)) != before:
            raw[field] = before
            changes[field] = after
    samples, raw_samples = _repaired_table(dataset.samples)
    if raw_samples:
        raw["samples"] = raw_samples
        changes["samples"] = samples
    if not raw:
        return dataset
    places = [*(place for place in raw if place != "samples"), *(f"samples.{column}" for column in raw_samples)]
    finding = Finding(
        "DOUBLE_ENCODED_TEXT",
        f"Text was encoded twice and is repaired in {', '.join(places)}; the raw text is in metadata.{RAW_TEXT}.",
    )
    metadata = {**dataset.metadata, RAW_TEXT: raw}
    return replace(dataset, **changes, metadata=metadata, findings=(*dataset.findings, finding))


def _repaired_table(samples: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, dict[str, str]]]:
    raw: dict[str, dict[str, str]] = {}
    for column in samples.columns:
        if column == "sample_id" or samples.schema[column] != pl.String:
            continue
        if not samples[column].str.contains(_LEAD).any():
            continue
        before = samples[column].to_list()
        after = [value if value is None else repaired(value) for value in before]
        changed = {
            id: old for id, old, new in zip(samples["sample_id"].to_list(), before, after, strict=True) if old != new
        }
        if changed:
            raw[column] = changed
            samples = samples.with_columns(pl.Series(column, after, dtype=pl.String))
    return samples, raw
