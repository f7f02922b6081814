"""mwTab of the Metabolomics Workbench, text and JSON: metabolites (or NMR bins) are the features.

The two spellings are read in `mwtab_text` and `mwtab_json` into `mwtab_analysis`. Not read: the table of extended data
(further values per metabolite and sample) and results kept in a file outside. Specification:
https://www.metabolomicsworkbench.org/data/mwTab_specification.pdf
"""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biolake.formats.checks import listing, refuse_duplicates, refuse_too_many_cells
from biolake.formats.errors import (
    DuplicateFeatureId,
    DuplicateSampleId,
    MalformedFile,
    NonNumericValue,
    NotADataset,
    SamplesDiffer,
    WrongFormat,
)
from biolake.formats.models import Dataset, DenseValues, Finding, Limits, Matrix, Upload
from biolake.formats.mwtab_analysis import FACTORS, IDENTITY, Analysis, Row, Table
from biolake.formats.mwtab_json import read_json
from biolake.formats.mwtab_text import BEGINNING, read_text
from biolake.formats.registry import Format
from biolake.formats.tabular import MISSING_VALUES
from biolake.formats.text import TextReader, identifier

_MISSING = frozenset({*MISSING_VALUES, "-", "ND", "nd", "N.D."})
"""Marks of missing values; those for `not detected` are customary in metabolomics."""
_SUBJECT = "Subject ID"
_ADDITIONAL = "Additional sample data/"


def matches(path: Path, head: bytes) -> bool:
    """Whether the content is mwTab in one of its spellings."""
    if head.startswith(BEGINNING.encode()):
        return True
    return head.lstrip().startswith(b"{") and f'"{IDENTITY}"'.encode() in head


def read(upload: Upload, limits: Limits) -> Dataset:
    """Read an mwTab file.

    Raises:
        NotADataset: The file describes an analysis, but holds no measurements.
        SamplesDiffer: Samples are measured that SUBJECT_SAMPLE_FACTORS does not name.
        FormatError: As its subclasses say.
    """
    name = upload.name
    analysis = _analysis(upload, limits)
    if analysis.data is None or not analysis.data.rows or len(analysis.data.columns) < 2:
        raise NotADataset(f"{name}: {_where_results_are(analysis)}")
    data = analysis.data
    sample_ids = [identifier(column) for column in data.columns[1:]]
    feature_ids = [identifier(row.cells[0]) for row in data.rows]
    refuse_too_many_cells(len(sample_ids) * len(feature_ids), name, limits)
    refuse_duplicates(feature_ids, name, DuplicateFeatureId)
    refuse_duplicates(sample_ids, name, DuplicateSampleId)
    features, unjoined = _features(feature_ids, analysis.metabolites, name)
    measured = set(sample_ids)
    unmeasured = [id for id in analysis.samples if id not in measured]
    unknown = [id for id in sample_ids if id not in analysis.samples]
    if unknown:
        raise SamplesDiffer(
            f"{name}: {len(unknown):,} measured samples are not in {FACTORS}: {listing(unknown)}"
            + (f"; not measured, but there: {listing(unmeasured)}" if unmeasured else "")
            + ". Give both the same names, then upload again."
        )
    kind = analysis.kind or ""
    metadata: dict[str, Any] = dict(analysis.sections)
    if analysis.units:
        metadata["units"] = {kind: analysis.units}
    if unjoined:
        metadata["metabolites_without_data"] = unjoined
    return Dataset(
        format="mwtab",
        accession=analysis.said(IDENTITY, "ANALYSIS_ID"),
        title=analysis.said("STUDY", "STUDY_TITLE") or analysis.said("PROJECT", "PROJECT_TITLE") or "",
        summary="\n\n".join(
            text
            for section, key in (("STUDY", "STUDY_SUMMARY"), ("PROJECT", "PROJECT_SUMMARY"))
            if (text := analysis.said(section, key))
        ),
        organism=_organisms(analysis),
        data_type=analysis.said("ANALYSIS", "ANALYSIS_TYPE"),
        platform=analysis.said("MS", "INSTRUMENT_NAME") or analysis.said("NM", "INSTRUMENT_NAME"),
        metadata=metadata,
        samples=_samples(sample_ids, analysis),
        features=features,
        matrices=(Matrix(kind, DenseValues(_values(data, sample_ids))),),
        findings=_findings(analysis, unmeasured, unjoined),
    )


def _analysis(upload: Upload, limits: Limits) -> Analysis:
    with TextReader(upload.data, upload.name, limit_bytes=min(limits.memory_bytes, 2**31)) as text:
        first = text.line() or ""
    with TextReader(upload.data, upload.name, limit_bytes=min(limits.memory_bytes, 2**31)) as text:
        if first.startswith(BEGINNING):
            return read_text(text)
        document = b"".join(block.data for block in text.blocks()).decode()
    if not document.lstrip().startswith("{"):
        raise WrongFormat(f"{upload.name}: the file begins neither with {BEGINNING} nor as JSON; it is not mwTab.")
    return read_json(document, upload.name)


def _where_results_are(analysis: Analysis) -> str:
    for section in analysis.sections.values():
        for key, value in section.items():
            if key.endswith("RESULTS_FILE"):
                return f"the measurements are in another file, {value[:100]}. Upload that file as a table."
    return "there is no table of measurements. Upload the file that holds them."


def _organisms(analysis: Analysis) -> tuple[str, ...]:
    named = (analysis.said("SUBJECT", "SUBJECT_SPECIES") or "").split("|")
    return tuple(dict.fromkeys(name.strip() for name in named if name.strip() not in ("", "-")))


def _samples(sample_ids: list[str], analysis: Analysis) -> pl.DataFrame:
    """Return the measured samples in the order of their columns, with their factors."""
    columns: dict[str, list[str | None]] = {}
    for position, id in enumerate(sample_ids):
        sample = analysis.samples[id]
        said = {_SUBJECT: sample.subject_id} if sample.subject_id else {}
        for key, value in sample.factors.items():
            if key in ("sample_id", _SUBJECT):
                raise MalformedFile(f"{sample.place}: a factor cannot be called {key}. Rename it, then upload again.")
            said[key] = value
        said |= {f"{_ADDITIONAL}{key}": value for key, value in sample.additional.items()}
        for key, value in said.items():
            columns.setdefault(key, [None] * len(sample_ids))[position] = value or None
    # The subject comes first wherever it is named at all.
    ordered = sorted(columns, key=lambda column: column != _SUBJECT)
    table = {"sample_id": sample_ids, **{column: columns[column] for column in ordered}}
    return pl.DataFrame(table, schema=dict.fromkeys(table, pl.String))


def _features(
    feature_ids: list[str], annotations: Table | None, name: str
) -> tuple[pl.DataFrame, list[dict[str, str]]]:
    """Return the metabolites with their annotations, and the annotations that belong to none by their name.

    Names are compared as they are written. Where two annotations of one name differ, neither is taken.
    """
    columns = [] if annotations is None else list(annotations.columns[1:])
    if len(set(columns)) != len(columns) or {"feature_id", "symbol", ""} & set(columns):
        raise MalformedFile(f"{name}: the table METABOLITES has two columns of one name, or one called {columns}.")
    rows = () if annotations is None else annotations.rows
    wanted = set(feature_ids)
    by_name: dict[str, set[tuple[str, ...]]] = {}
    for row in rows:
        by_name.setdefault(identifier(row.cells[0]), set()).add(row.cells[1:])
    clear = {id: next(iter(cells)) for id, cells in by_name.items() if id in wanted and len(cells) == 1}
    unjoined = [
        dict(zip(("Metabolite", *columns), row.cells, strict=True))
        for row in rows
        if identifier(row.cells[0]) not in clear
    ]
    features: dict[str, list[str | None]] = {"feature_id": list(feature_ids), "symbol": [None] * len(feature_ids)}
    for position, column in enumerate(columns):
        features[column] = [clear[id][position] or None if id in clear else None for id in feature_ids]
    return pl.DataFrame(features, schema=dict.fromkeys(features, pl.String)), unjoined


def _values(data: Table, sample_ids: list[str]) -> NDArray[np.float64]:
    values = np.full((len(data.rows), len(sample_ids)), np.nan)
    for position, row in enumerate(data.rows):
        for sample, text in enumerate(row.cells[1:]):
            if text not in _MISSING:
                values[position, sample] = _number(text, row, sample_ids[sample])
    return values


def _number(text: str, row: Row, sample: str) -> float:
    try:
        # float() takes 1_0 for 10.
        return float(text if "_" not in text and text.isascii() else "")
    except ValueError as error:
        raise NonNumericValue(
            f"{row.place}: {row.cells[0][:60]} of sample {sample} is {text[:40]!r}, not a number. "
            "Correct it, or leave it empty where the value is missing."
        ) from error


def _findings(analysis: Analysis, unmeasured: list[str], unjoined: list[dict[str, str]]) -> tuple[Finding, ...]:
    found: list[Finding] = []
    if unmeasured:
        found.append(Finding("SAMPLES_WITHOUT_DATA", f"{FACTORS} names samples without data: {listing(unmeasured)}."))
    if unjoined:
        found.append(
            Finding(
                "ANNOTATIONS_WITHOUT_DATA",
                f"{len(unjoined):,} metabolites of the table METABOLITES have no row of data of their exact name, or "
                f"several annotations: {listing(item['Metabolite'] for item in unjoined)}.",
            )
        )
    if analysis.extended:
        found.append(Finding("EXTENDED_DATA_NOT_READ", "The table of extended data is not read."))
    if analysis.unended:
        found.append(Finding("END_MARK_MISSING", "The line #END is missing; whole sections may be, too."))
    return tuple(found)


FORMAT = Format(
    name="mwtab",
    title="mwTab (Metabolomics Workbench)",
    matches=matches,
    read=read,
    isolated=False,
    extensions=(".mwtab",),
)
