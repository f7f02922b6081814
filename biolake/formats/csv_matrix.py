"""Comma- and tab-separated matrices: first column the feature, further columns the samples, first row their names.

Columns between the two may describe the feature where `biolake.formats.annotations` knows their names. The table of
samples that comes beside a matrix is in `biolake.formats.sample_table`. Dialect: RFC 4180 with LF or CRLF; what R's
`write.table` writes, a header without a name for the first column, is read as well.
"""

from pathlib import Path

import polars as pl

from biolake.formats.annotations import ANNOTATION_COLUMNS, FEATURE_COLUMNS, normalized, with_symbol
from biolake.formats.checks import refuse_duplicates
from biolake.formats.errors import DuplicateSampleId, EmptyFile, MalformedFile
from biolake.formats.fields import header_fields, split_fields
from biolake.formats.models import Dataset, DenseValues, Limits, Matrix, Upload
from biolake.formats.registry import Format
from biolake.formats.tabular import TableLayout, parse_table, unique_names
from biolake.formats.text import TextReader, identifier

LAYER = "values"

_NOT_A_TABLE = (b"{", b"[", b"<", b"^", b"!", b"%", b"PK", b"@")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def matches(path: Path, head: bytes) -> bool:
    """Whether the first line that is no comment has separators and the content is not binary."""
    if head.startswith(_UTF16):
        return True
    if b"\0" in head or head.startswith(_NOT_A_TABLE):
        return False
    for line in head.split(b"\n"):
        if line.strip() and not line.startswith(b"#"):
            return b"\t" in line or b"," in line or b";" in line
    return False


def separator_of(header: str, where: str) -> str:
    """Return the separator of a table: a tab where the header has one, else a comma.

    Raises:
        MalformedFile: The header has neither.
    """
    if "\t" in header:
        return "\t"
    if "," in header:
        return ","
    raise MalformedFile(
        f"{where}: the header {header[:60]!r} has neither tabs nor commas between its fields. "
        "Save the table as CSV with commas (not semicolons) or tabs, then upload again."
    )


def read(upload: Upload, limits: Limits) -> Dataset:
    """Read a matrix with one row per feature and one column per sample.

    Raises:
        FormatError: The table breaks the dialect, repeats a sample, or holds cells that are no numbers.
    """
    with TextReader(upload.data, upload.name, limit_bytes=limits.memory_bytes) as text:
        comments: list[str] = []
        while (line := text.line()) is not None and (not line.strip() or line.startswith("#")):
            comments += [line.lstrip("#").strip()] if line.strip() else []
        if line is None:
            raise EmptyFile(f"{upload.name}: the file has no header. Upload a file with content.")
        where = f"{upload.name}: line {text.line_number:,}"
        separator = separator_of(line, where)
        columns = header_fields(line, separator, True, where)
        first = text.peek()
        if first is not None:
            following = split_fields(first, separator, f"{upload.name}: line {text.line_number + 1:,}")
            if len(following) == len(columns) + 1 and normalized(columns[0]) not in FEATURE_COLUMNS:
                columns = ["", *columns]
        n_text = 1
        while n_text < len(columns) and normalized(columns[n_text]) in ANNOTATION_COLUMNS:
            n_text += 1
        sample_ids = [identifier(column) for column in columns[n_text:]]
        refuse_duplicates(sample_ids, upload.name, DuplicateSampleId)
        if not sample_ids:
            raise MalformedFile(f"{where}: the header names no sample after {', '.join(columns)}.")
        layout = TableLayout(tuple(columns), tuple(range(n_text, len(columns))), separator=separator)
        table = parse_table(text.blocks(), layout, upload.name, limits)
    features = table.text
    features.columns = ["feature_id", *unique_names(features.columns[1:], ("feature_id",))]
    return Dataset(
        format=FORMAT.name,
        accession=None,
        title="",
        summary="",
        organism=(),
        data_type=None,
        platform=None,
        samples=pl.DataFrame({"sample_id": sample_ids}),
        features=with_symbol(features),
        matrices=(Matrix(LAYER, DenseValues(table.numbers)),),
        metadata={"comments": comments} if comments else {},
    )


FORMAT = Format(
    name="csv_matrix",
    title="CSV or TSV matrix",
    matches=matches,
    read=read,
    isolated=False,
    extensions=(".csv", ".tsv"),
)
