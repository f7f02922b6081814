"""Curated GEO datasets (GDS): one matrix, its samples grouped by subsets.

Series and samples in SOFT are in `biolake.formats.geo_soft_family`. Format:
https://www.ncbi.nlm.nih.gov/geo/info/datasets.html
"""

import re

import polars as pl

from biolake.formats.annotations import with_symbol
from biolake.formats.checks import refuse_duplicates
from biolake.formats.errors import DuplicateSampleId, MalformedFile, SamplesDiffer, Truncated
from biolake.formats.geo_entities import MAIN_LAYER, VALUES_SEPARATOR, dates, distinct, organisms
from biolake.formats.geo_soft_columns import numbers_of
from biolake.formats.geo_soft_entities import SoftEntity
from biolake.formats.models import Dataset, DenseValues, Matrix

_SAMPLE = re.compile(r"GSM\d+")
_DESCRIPTION = re.compile(r"Value for \S+?: (?P<title>.*?)(?:; src: (?P<source>.*))?")


def curated_dataset(format: str, name: str, parts: list[SoftEntity], subsets: list[SoftEntity]) -> Dataset:
    """Return the dataset of a GDS file.

    Args:
        format: Name of the format.
        name: The file's name for messages.
        parts: The dataset's entity, which the file opens before the subsets and again for the table.
        subsets: Groups of samples; a subset's type becomes a column of the samples, its description the value.

    Raises:
        FormatError: The table is missing or its columns are not the subsets' samples.
    """
    if len({part.accession for part in parts}) > 1:
        raise MalformedFile(f"{name}: the file holds several datasets. Upload each as a file of its own.")
    tables = [part for part in parts if part.table is not None]
    if len(tables) != 1 or tables[0].table is None:
        raise Truncated(f"{name}: the dataset has {len(tables)} tables instead of one. Download it again from GEO.")
    dataset = SoftEntity("dataset", parts[0].accession)
    for part in parts:
        for attribute, values in part.attributes.items():
            for value in values:
                dataset.add(attribute, value)
    table, columns = tables[0].table, tables[0].columns
    grouped = distinct(id.strip() for subset in subsets for id in ",".join(subset.all("sample_id")).split(","))
    sample_ids = [column for column in table.columns[1:] if column in grouped or _SAMPLE.fullmatch(column)]
    refuse_duplicates([c for c in tables[0].header if c in sample_ids], name, DuplicateSampleId)
    absent = [id for id in grouped if id and id not in sample_ids]
    if absent or not sample_ids:
        raise SamplesDiffer(
            f"{name}: {len(absent):,} samples of the subsets are not in the table: {', '.join(absent[:20]) or 'all'}. "
            "Download the file again from GEO."
        )
    numbers = numbers_of(table, sample_ids, name)
    features = table.select(pl.exclude(sample_ids)).rename({table.columns[0]: "feature_id"})
    features = with_symbol(features.rename({"IDENTIFIER": "symbol"}, strict=False))
    return Dataset(
        format=format,
        accession=dataset.accession or None,
        title=dataset.first("title") or "",
        summary=dataset.text("description"),
        organism=organisms([dataset]),
        data_type=dataset.first("type"),
        platform=dataset.first("platform"),
        samples=_samples(sample_ids, columns, subsets),
        features=features,
        matrices=(Matrix(MAIN_LAYER, DenseValues(numbers)),),
        metadata={**dates(dataset), "dataset": dataset.as_json(), "subsets": [subset.as_json() for subset in subsets]},
    )


def _samples(sample_ids: list[str], columns: dict[str, str], subsets: list[SoftEntity]) -> pl.DataFrame:
    described = [_DESCRIPTION.fullmatch(columns.get(id, "")) for id in sample_ids]
    frame: dict[str, list[str | None]] = {
        "sample_id": list(sample_ids),
        "title": [
            match["title"] if match else columns.get(id) for id, match in zip(sample_ids, described, strict=True)
        ],
        "source_name": [match["source"] if match else None for match in described],
    }
    for subset in subsets:
        column = frame.setdefault(subset.first("type") or "subset", [None] * len(sample_ids))
        members = {id.strip() for id in ",".join(subset.all("sample_id")).split(",")}
        for position, id in enumerate(sample_ids):
            if id in members:
                before, group = column[position], subset.first("description") or subset.accession
                column[position] = group if before is None else f"{before}{VALUES_SEPARATOR}{group}"
    return pl.DataFrame(frame, schema=dict.fromkeys(frame, pl.String))
