"""A GEO series with its samples and its platform in SOFT (`GSE..._family.soft`), or samples (GSM) alone.

Each sample has a table of its own; here they become matrices over the features of all. Curated datasets are in
`biolake.formats.geo_soft_dataset`.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biolake.formats.annotations import with_symbol
from biolake.formats.checks import listing, refuse_duplicates
from biolake.formats.errors import DuplicateFeatureId, DuplicateSampleId, SeveralPlatforms
from biolake.formats.geo_entities import MAIN_LAYER, distinct, organisms, platforms, samples_frame
from biolake.formats.geo_series_matrix import sample_metadata, series_metadata
from biolake.formats.geo_soft_columns import is_numeric, numbers_of
from biolake.formats.geo_soft_entities import SoftEntity
from biolake.formats.models import Dataset, DenseValues, Finding, Matrix
from biolake.formats.tabular import unique_names
from biolake.formats.text import identifier

_VALUE = "VALUE"


def family_dataset(
    format: str, name: str, series: SoftEntity | None, samples: list[SoftEntity], described: list[SoftEntity]
) -> Dataset:
    """Return the dataset of a series and its samples, or of samples alone.

    Args:
        format: Name of the format.
        name: The file's name for messages.
        series: The series, None for samples alone.
        samples: The samples with their tables. Where there is none, the series' own list of samples is taken.
        described: The platforms that the file describes.

    Raises:
        SeveralPlatforms: The samples were measured on several platforms, whose features differ.
        DuplicateSampleId, DuplicateFeatureId: A sample, or a feature of one, occurs twice.
        NonNumericValue: A cell of the column VALUE is no number.
    """
    stated = platforms(samples, series) or distinct(platform.accession for platform in described)
    if len(stated) > 1:
        raise SeveralPlatforms(
            f"{name}: the samples were measured on {len(stated)} platforms ({listing(stated)}), whose features differ. "
            "Upload the series matrix file of each platform instead."
        )
    findings: list[Finding] = []
    listed = [identifier(id) for id in series.all("sample_id")] if series else []
    if not samples:
        samples = [SoftEntity("sample", id) for id in distinct(listed)]
        findings.append(
            Finding("SAMPLES_NOT_DESCRIBED", f"The file names {len(samples):,} samples without their data.")
        )
    elif absent := [id for id in listed if id not in {sample.accession for sample in samples}]:
        findings.append(
            Finding("SAMPLES_NOT_DESCRIBED", f"The series names samples that are absent: {listing(absent)}.")
        )
    refuse_duplicates([sample.accession for sample in samples], name, DuplicateSampleId)
    measured = [_keyed(sample, name) for sample in samples]
    platform = next((p for p in described if p.accession in stated or len(described) == 1), None)
    annotation = _annotation(platform, name)
    feature_ids = _feature_ids(measured, annotation)
    features = annotation.join(feature_ids, on="feature_id", how="right", maintain_order="right")
    features = with_symbol(features.select("feature_id", pl.exclude("feature_id")))
    layers, text_columns = _layers(measured, feature_ids, name)
    if text_columns and len(samples) == 1:
        # Of a single sample, a column of words says something of each feature.
        own = measured[0].table.select(measured[0].table.columns[0], *text_columns)
        own = own.rename({own.columns[0]: "feature_id"})
        own.columns = ["feature_id", *unique_names(own.columns[1:], features.columns)]
        features = features.join(own, on="feature_id", how="left", maintain_order="left")
    elif text_columns:
        findings.append(
            Finding("COLUMN_NOT_STORED", f"Columns of words in the samples' tables: {listing(text_columns)}.")
        )
    frame, contact = samples_frame(samples)
    head = series or samples[0]
    metadata = series_metadata(series, contact) if series else sample_metadata(head, contact)
    if platform is not None:
        metadata["platform"] = platform.as_json()
    if columns := next((sample.columns for sample in samples if sample.columns), None):
        metadata["columns"] = columns
    return Dataset(
        format=format,
        accession=head.accession or head.first("geo_accession"),
        title=head.first("title") or "",
        summary=series.text("summary", "overall_design") if series else head.text("description"),
        organism=organisms(samples) or organisms(described),
        data_type="; ".join(series.all("type")) or None if series else None,
        platform=stated[0] if stated else None,
        samples=frame,
        features=features,
        matrices=tuple(Matrix(layer, DenseValues(values)) for layer, values in layers),
        metadata=metadata,
        findings=tuple(findings),
    )


@dataclass(frozen=True)
class _Measured:
    """A sample's table and the ids of its rows."""

    accession: str
    table: pl.DataFrame
    ids: pl.Series


def _keyed(sample: SoftEntity, name: str) -> _Measured:
    table = sample.table if sample.table is not None and sample.table.width else pl.DataFrame({"ID_REF": []})
    ids = _identifiers(table.to_series(0))
    if ids.n_unique() != len(ids):
        refuse_duplicates(ids.to_list(), f"{name}: {sample.accession}", DuplicateFeatureId)
    return _Measured(sample.accession, table, ids)


def _identifiers(ids: pl.Series) -> pl.Series:
    return ids.cast(pl.String).fill_null("").str.strip_chars().str.normalize("NFC").alias("feature_id")


def _annotation(platform: SoftEntity | None, name: str) -> pl.DataFrame:
    """Return the platform's table with its first column as `feature_id`, empty where there is none."""
    if platform is None or platform.table is None or not platform.table.width:
        return pl.DataFrame(schema={"feature_id": pl.String})
    names = ["feature_id", *unique_names(platform.table.columns[1:], ("feature_id",))]
    table = platform.table.rename(dict(zip(platform.table.columns, names, strict=True)))
    table = table.with_columns(_identifiers(table["feature_id"]))
    if table["feature_id"].n_unique() != table.height:
        refuse_duplicates(table["feature_id"].to_list(), f"{name}: {platform.accession}", DuplicateFeatureId)
    return table


def _feature_ids(measured: list[_Measured], annotation: pl.DataFrame) -> pl.DataFrame:
    """Return the features that any sample has, in the platform's order, then in the samples'."""
    ids = pl.Series("feature_id", [], dtype=pl.String)
    for one in measured:
        if not one.ids.equals(ids):
            ids = pl.concat([ids, one.ids]).unique(maintain_order=True)
    known = annotation["feature_id"].filter(annotation["feature_id"].is_in(ids.implode()))
    return pl.concat([known, ids]).unique(maintain_order=True).to_frame()


def _layers(
    measured: list[_Measured], feature_ids: pl.DataFrame, name: str
) -> tuple[list[tuple[str, NDArray[np.float64]]], list[str]]:
    """Return the matrices, and the columns of words that are none.

    VALUE must be numbers; another column is a layer where all of its cells are numbers or missing in all samples.
    """
    columns = distinct(column for one in measured for column in one.table.columns[1:])
    having = {column: [one for one in measured if column in one.table.columns] for column in columns}
    numeric = [
        column for column in columns if column == _VALUE or all(is_numeric(one.table[column]) for one in having[column])
    ]
    numeric.sort(key=lambda column: column != _VALUE)
    if not feature_ids.height:
        return [], []
    rows = {one.accession: _positions(one.ids, feature_ids) for one in measured}
    layers: list[tuple[str, NDArray[np.float64]]] = []
    for column in numeric:
        values = np.full((feature_ids.height, len(measured)), np.nan)
        for position, one in enumerate(measured):
            if column in one.table.columns:
                values[rows[one.accession], position] = numbers_of(one.table, [column], f"{name}: {one.accession}")[
                    :, 0
                ]
        layers.append((MAIN_LAYER if column == _VALUE else column, values))
    return layers, [column for column in columns if column not in numeric]


def _positions(ids: pl.Series, feature_ids: pl.DataFrame) -> NDArray[np.int64] | slice:
    """Return where a sample's features are among all."""
    if ids.equals(feature_ids["feature_id"]):
        return slice(None)
    found = ids.to_frame().join(feature_ids.with_row_index("row"), on="feature_id", how="left", maintain_order="left")
    return found["row"].to_numpy().astype(np.int64)
