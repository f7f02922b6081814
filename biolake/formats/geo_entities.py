"""What GEO's text formats say of series, samples and platforms, and what becomes of it in a dataset.

Finding the entities in a file is the work of `biolake.formats.geo_series_matrix` and `biolake.formats.geo_soft`.
Attributes: https://www.ncbi.nlm.nih.gov/geo/info/soft.html
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from biolake.formats.text import identifier

VALUES_SEPARATOR = "\n"
"""Joins the values of a repeated attribute; GEO's values are single lines, so it can be undone."""

MAIN_LAYER = "values"
"""Name of the layer that holds GEO's VALUE column."""

_CHARACTERISTICS = re.compile(r"characteristics_ch(\d+)")
_DAY = re.compile(r"([A-Z][a-z]{2}) (\d{1,2}),? (\d{4})")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ORGANISM = re.compile(r"organism_ch\d+")


@dataclass
class GeoEntity:
    """A series, sample, platform, dataset or subset with its attributes, their prefix (`Sample_`) taken off.

    Attributes:
        kind: `series`, `sample`, `platform`, `dataset`, `subset`, `database` or `annotation`.
        accession: What follows `^SAMPLE = `; the accession or a name its author chose.
        attributes: Values by attribute, in the file's order.
    """

    kind: str
    accession: str
    attributes: dict[str, list[str]] = field(default_factory=dict)

    def add(self, attribute: str, value: str) -> None:
        """Add a value to an attribute; attributes may repeat."""
        self.attributes.setdefault(attribute, []).append(value.strip())

    def all(self, attribute: str) -> list[str]:
        """Return an attribute's values that are not empty."""
        return [value for value in self.attributes.get(attribute, ()) if value]

    def first(self, attribute: str) -> str | None:
        """Return an attribute's first value, None where it has none."""
        values = self.all(attribute)
        return values[0] if values else None

    def text(self, *attributes: str) -> str:
        """Return the values of attributes as paragraphs."""
        return "\n\n".join(value for attribute in attributes for value in self.all(attribute))

    def as_json(self) -> dict[str, Any]:
        """Return the attributes for a dataset's metadata, single values as text, repeated ones as lists."""
        return {
            attribute: values[0] if len(values) == 1 else values
            for attribute in self.attributes
            if (values := self.all(attribute))
        }


def distinct(values: Iterable[str]) -> tuple[str, ...]:
    """Return values in order of first occurrence."""
    return tuple(dict.fromkeys(values))


def organisms(entities: Iterable[GeoEntity]) -> tuple[str, ...]:
    """Return the scientific names that samples, platforms or datasets state, in order of first occurrence."""
    return distinct(
        value
        for entity in entities
        for attribute in entity.attributes
        if attribute in ("organism", "platform_organism", "sample_organism") or _ORGANISM.fullmatch(attribute)
        for value in entity.all(attribute)
    )


def platforms(samples: Iterable[GeoEntity], series: GeoEntity | None) -> tuple[str, ...]:
    """Return the platforms of the samples, or the series' where no sample states one."""
    of_samples = distinct(value for sample in samples for value in sample.all("platform_id"))
    return of_samples or (distinct(series.all("platform_id")) if series else ())


def dates(entity: GeoEntity) -> dict[str, Any]:
    """Return `submission_date`, `public_date`, `last_update_date` (ISO 8601) and the `year` of the first public one."""
    submitted = _date(entity.first("submission_date"))
    public = _date((entity.first("status") or "").removeprefix("Public on "))
    updated = _date(entity.first("last_update_date") or entity.first("update_date"))
    found = {"submission_date": submitted, "public_date": public, "last_update_date": updated}
    result: dict[str, Any] = {name: day.isoformat() for name, day in found.items() if day}
    told = public or submitted or updated
    return {**result, "year": told.year} if told else result


def _date(text: str | None) -> date | None:
    """Read `Mar 14 2018`; months are English whatever the locale."""
    match = _DAY.fullmatch(text or "")
    if match is None or match[1] not in _MONTHS:
        return None
    try:
        return date(int(match[3]), _MONTHS.index(match[1]) + 1, int(match[2]))
    except ValueError:
        return None


def samples_frame(samples: Sequence[GeoEntity]) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Return the table of samples, and the contact that all samples share where they do.

    `characteristics_ch1: Key: value` becomes a column `Key`, of further channels `Key (ch2)`; without a colon it stays
    under `characteristics_ch1`. Values of a repeated key or attribute are joined by `VALUES_SEPARATOR`.
    """
    columns: dict[str, list[list[str]]] = {}

    def put(column: str, position: int, value: str) -> None:
        cells = columns.get(column)
        if cells is None:
            cells = columns[column] = [[] for _ in samples]
        cells[position].append(value)

    plain = distinct(a for sample in samples for a in sample.attributes if not _CHARACTERISTICS.fullmatch(a))
    for attribute in plain:
        if attribute not in ("geo_accession", "sample_id"):
            for position, sample in enumerate(samples):
                for value in sample.all(attribute):
                    put(attribute, position, value)
    reserved = {*columns, "sample_id", "geo_accession"}
    for position, sample in enumerate(samples):
        for attribute in sample.attributes:
            channel = _CHARACTERISTICS.fullmatch(attribute)
            if channel is None:
                continue
            for value in sample.all(attribute):
                key, colon, rest = value.partition(":")
                if not colon or not key.strip():
                    put(attribute, position, value)
                    continue
                column = key.strip() if channel[1] == "1" else f"{key.strip()} (ch{channel[1]})"
                put(f"{attribute}: {column}" if column in reserved else column, position, rest.strip())
    contact = _shared_contact(columns)
    frame = pl.DataFrame(
        [
            pl.Series("sample_id", [identifier(sample.accession) for sample in samples], dtype=pl.String),
            *(
                pl.Series(name, [VALUES_SEPARATOR.join(cell) if cell else None for cell in cells], dtype=pl.String)
                for name, cells in columns.items()
                if name not in contact
            ),
        ]
    )
    return frame, contact


def _shared_contact(columns: dict[str, list[list[str]]]) -> dict[str, Any]:
    """Return the contact attributes that are the same for all samples: they say nothing about a sample."""
    return {
        name: VALUES_SEPARATOR.join(cells[0])
        for name, cells in columns.items()
        if name.startswith("contact_") and all(cell == cells[0] for cell in cells)
    }
