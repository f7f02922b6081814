"""GEO series matrix files: one series on one platform, its samples and the matrix that its authors submitted.

SOFT files are in `biolake.formats.geo_soft`. Format: https://www.ncbi.nlm.nih.gov/geo/info/download.html
"""

from pathlib import Path
from typing import Any

import polars as pl

from biolake.formats.checks import listing, refuse_duplicates
from biolake.formats.errors import (
    DuplicateSampleId,
    MalformedFile,
    NotADataset,
    RaggedRow,
    SamplesDiffer,
    Truncated,
)
from biolake.formats.fields import header_fields
from biolake.formats.geo_entities import MAIN_LAYER, GeoEntity, dates, distinct, organisms, platforms, samples_frame
from biolake.formats.models import Dataset, DenseValues, Limits, Matrix, Upload
from biolake.formats.registry import Format
from biolake.formats.tabular import TableLayout, parse_table
from biolake.formats.text import TextReader, identifier

_TABLE_BEGIN = "!series_matrix_table_begin"
_TABLE_END = "!series_matrix_table_end"


def matches(path: Path, head: bytes) -> bool:
    """Whether the content begins with a series' or a sample's attribute and has no SOFT entities."""
    return head.lstrip(b"\r\n").startswith((b"!Series_", b"!Sample_", b"!series_matrix"))


def read(upload: Upload, limits: Limits) -> Dataset:
    """Read a series matrix file.

    Raises:
        FormatError: The file is no series matrix, ends early, or its header and its table differ.
    """
    with TextReader(upload.data, upload.name, limit_bytes=limits.memory_bytes) as text:
        series, samples = _header(text)
        header = text.line()
        if header is None:
            raise Truncated(f"{upload.name}: the file ends before the matrix. Upload it again.")
        columns = header_fields(header, "\t", True, f"{upload.name}: line {text.line_number}")
        sample_ids = [identifier(column) for column in columns[1:]]
        refuse_duplicates(sample_ids, upload.name, DuplicateSampleId)
        samples = _in_order(samples, sample_ids, upload.name)
        layout = TableLayout(tuple(columns), tuple(range(1, len(columns))))
        table = parse_table(text.blocks(_TABLE_END), layout, upload.name, limits)
        while (line := text.line()) is not None:
            if line.strip():
                raise MalformedFile(
                    f"{upload.name}: line {text.line_number:,} follows the end of the matrix. One file is one series."
                )
    frame, contact = samples_frame(samples)
    features = pl.DataFrame({"feature_id": table.text.to_series(0).fill_null("")})
    platform = platforms(samples, series)
    matrices = (Matrix(MAIN_LAYER, DenseValues(table.numbers)),) if features.height else ()
    return Dataset(
        format=FORMAT.name,
        accession=_accession(series, platform),
        title=series.first("title") or "",
        summary=series.text("summary", "overall_design"),
        organism=organisms(samples),
        data_type="; ".join(series.all("type")) or None,
        platform=", ".join(platform) or None,
        samples=frame,
        features=features,
        matrices=matrices,
        metadata=series_metadata(series, contact),
    )


def series_metadata(series: GeoEntity, sample_contact: dict[str, Any]) -> dict[str, Any]:
    """Return what is said of a series as a whole: dates, contact and all attributes."""
    contact = {name.removeprefix("contact_"): value for name, value in series.as_json().items() if _is_contact(name)}
    shared = {name.removeprefix("contact_"): value for name, value in sample_contact.items()}
    metadata: dict[str, Any] = {**dates(series)}
    if contact:
        metadata["contact"] = contact
    if shared and shared != contact:
        metadata["sample_contact"] = shared
    metadata["series"] = {name: value for name, value in series.as_json().items() if not _is_contact(name)}
    return metadata


def sample_metadata(sample: GeoEntity, contact: dict[str, Any]) -> dict[str, Any]:
    """Return what is said of samples without a series as a whole: dates of the first, contact of all."""
    shared = {name.removeprefix("contact_"): value for name, value in contact.items()}
    return {**dates(sample), **({"contact": shared} if shared else {})}


def _is_contact(attribute: str) -> bool:
    return attribute.startswith("contact_")


def _accession(series: GeoEntity, platform: tuple[str, ...]) -> str | None:
    """Return the series' accession; with the platform where the series has a matrix for each of several."""
    accession = series.first("geo_accession")
    if accession and len(distinct(series.all("platform_id"))) > 1 and len(platform) == 1:
        return f"{accession}_{platform[0]}"
    return accession


def _header(text: TextReader) -> tuple[GeoEntity, list[GeoEntity]]:
    """Read the attributes up to the matrix."""
    series = GeoEntity("series", "")
    samples: list[GeoEntity] = []
    while (line := text.line()) is not None:
        if line.startswith(_TABLE_BEGIN):
            return series, samples
        if not line.strip():
            continue
        attribute, *values = (_unquoted(value) for value in line.split("\t"))
        if attribute.startswith("!Series_"):
            for value in values:
                series.add(attribute.removeprefix("!Series_"), value)
        elif attribute.startswith("!Sample_"):
            if not samples:
                samples = [GeoEntity("sample", "") for _ in values]
            if len(values) != len(samples):
                raise RaggedRow(
                    f"{text.name}: line {text.line_number:,} ({attribute}) has {len(values):,} values for "
                    f"{len(samples):,} samples. Download the file again from GEO."
                )
            for sample, value in zip(samples, values, strict=True):
                sample.add(attribute.removeprefix("!Sample_"), value)
                if attribute == "!Sample_geo_accession":
                    sample.accession = identifier(value)
        else:
            raise MalformedFile(
                f"{text.name}: line {text.line_number:,} is no attribute of a series or a sample: {line[:80]!r}. "
                "Download the file again from GEO."
            )
    if not series.attributes and not samples:
        raise NotADataset(f"{text.name}: no series and no sample is described. Upload a series matrix file.")
    raise Truncated(f"{text.name}: the line {_TABLE_BEGIN} is missing: the file ends early. Upload it again.")


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = value[1:-1].replace('""', '"')
    return value.strip()


def _in_order(samples: list[GeoEntity], sample_ids: list[str], name: str) -> list[GeoEntity]:
    """Return the described samples in the matrix' order."""
    described = [sample.accession for sample in samples]
    refuse_duplicates(described, name, DuplicateSampleId)
    undescribed = sorted(set(sample_ids) - set(described))
    absent = sorted(set(described) - set(sample_ids))
    if undescribed or absent:
        raise SamplesDiffer(
            f"{name}: header and matrix name other samples. Only in the matrix ({len(undescribed)}): "
            f"{listing(undescribed) or 'none'}. Only in the header ({len(absent)}): {listing(absent) or 'none'}. "
            "Download the file again from GEO."
        )
    by_accession = {sample.accession: sample for sample in samples}
    return [by_accession[id] for id in sample_ids]


FORMAT = Format(
    name="geo_series_matrix",
    title="GEO series matrix",
    matches=matches,
    read=read,
    isolated=False,
)
