"""GCT 1.2 and 1.3: matrices with annotated rows and columns, as the Broad Institute's tools write them.

The HDF5 variant is in `biolake.formats.gctx`. Format: https://clue.io/connectopedia/gct_format
"""

from pathlib import Path

import polars as pl

from biolake.formats.annotations import with_symbol
from biolake.formats.checks import refuse_duplicates, refuse_too_many_cells
from biolake.formats.errors import DimensionsDiffer, DuplicateSampleId, MalformedFile, RaggedRow, Truncated
from biolake.formats.fields import header_fields
from biolake.formats.models import Dataset, DenseValues, Limits, Matrix, Upload
from biolake.formats.registry import Format
from biolake.formats.tabular import MISSING_VALUES, TableLayout, parse_table, unique_names
from biolake.formats.text import TextReader, identifier

LAYER = "values"

_ABSENT = ("-666", *MISSING_VALUES)
"""The Connectivity Map, where the format comes from, writes -666 for what is missing; its own readers agree."""


def matches(path: Path, head: bytes) -> bool:
    """Whether the first line is the version of a GCT file."""
    return head.startswith((b"#1.2", b"#1.3"))


def read(upload: Upload, limits: Limits) -> Dataset:
    """Read a GCT file.

    Raises:
        FormatError: The file breaks the format; `DimensionsDiffer` where its second line is not what follows.
    """
    with TextReader(upload.data, upload.name, limit_bytes=limits.memory_bytes) as text:
        version = _line(text).strip().removeprefix("#")
        if version not in ("1.2", "1.3"):
            raise MalformedFile(f"{upload.name}: GCT version {version!r} is not read, only 1.2 and 1.3.")
        n_rows, n_samples, n_row_fields, n_sample_fields = _dimensions(_line(text), version, upload.name)
        refuse_too_many_cells(n_rows * n_samples, upload.name, limits)
        columns = _fields(text)
        n_text = 1 + n_row_fields
        if len(columns) != n_text + n_samples:
            raise DimensionsDiffer(
                f"{upload.name}: line 2 declares {n_samples:,} samples and {n_row_fields:,} row annotations, the "
                f"header has {len(columns):,} columns instead of {n_text + n_samples:,}. Correct line 2 or the header."
            )
        sample_ids = [identifier(column) for column in columns[n_text:]]
        refuse_duplicates(sample_ids, upload.name, DuplicateSampleId)
        annotations = [_sample_annotation(text, columns) for _ in range(n_sample_fields)]
        layout = TableLayout(tuple(columns), tuple(range(n_text, len(columns))), missing=_ABSENT)
        table = parse_table(text.blocks(), layout, upload.name, limits)
    if table.text.height != n_rows:
        raise DimensionsDiffer(
            f"{upload.name}: line 2 declares {n_rows:,} features, the file has {table.text.height:,}. "
            "The file may be cut short: upload it again, or correct line 2."
        )
    features = table.text
    features.columns = ["feature_id", *unique_names(features.columns[1:], ("feature_id",))]
    features = features.with_columns(_absent_as_null(pl.exclude("feature_id")))
    names = unique_names((row[0] for row in annotations), ("sample_id",))
    samples = pl.DataFrame(
        [
            pl.Series("sample_id", sample_ids, dtype=pl.String),
            *(pl.Series(name, row[n_text:], dtype=pl.String) for name, row in zip(names, annotations, strict=True)),
        ]
    )
    return Dataset(
        format=FORMAT.name,
        accession=None,
        title="",
        summary="",
        organism=(),
        data_type=None,
        platform=None,
        samples=samples.with_columns(_absent_as_null(pl.exclude("sample_id"))),
        features=with_symbol(features),
        matrices=(Matrix(LAYER, DenseValues(table.numbers)),),
        metadata={"gct_version": version},
    )


def _absent_as_null(columns: pl.Expr) -> pl.Expr:
    stripped = columns.str.strip_chars()
    return pl.when(stripped.is_in(list(_ABSENT))).then(None).otherwise(stripped).name.keep()


def _line(text: TextReader) -> str:
    line = text.line()
    if line is None:
        raise Truncated(f"{text.name}: the file ends after line {text.line_number}. Upload it again.")
    return line


def _fields(text: TextReader) -> list[str]:
    return header_fields(_line(text), "\t", True, f"{text.name}: line {text.line_number + 1}")


def _dimensions(line: str, version: str, name: str) -> tuple[int, int, int, int]:
    """Return the declared numbers of features, samples, row annotations and sample annotations."""
    fields = line.rstrip("\t ").split("\t")
    expected = 2 if version == "1.2" else 4
    if len(fields) != expected or not all(field.strip().isascii() and field.strip().isdigit() for field in fields):
        raise MalformedFile(
            f"{name}: line 2 of GCT {version} is {expected} numbers separated by tabs, not {line[:60]!r}."
        )
    numbers = [int(field) for field in fields]
    return (numbers[0], numbers[1], 1, 0) if version == "1.2" else (numbers[0], numbers[1], numbers[2], numbers[3])


def _sample_annotation(text: TextReader, columns: list[str]) -> list[str]:
    fields = _fields(text)
    if len(fields) != len(columns):
        raise RaggedRow(
            f"{text.name}: line {text.line_number:,} (sample annotation {fields[0]}) has {len(fields):,} fields, the "
            f"header names {len(columns):,}. Correct the line, then upload again."
        )
    return fields


FORMAT = Format(name="gct", title="GCT", matches=matches, read=read, isolated=False, extensions=(".gct",))
