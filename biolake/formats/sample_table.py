"""The table of samples that comes beside a matrix: CSV or TSV, first column the sample id as the matrix writes it.

The metadata document about the dataset as a whole is in `biolake.formats.metadata_document`.
"""

from dataclasses import replace
from pathlib import Path

import polars as pl

from biolake.formats.checks import listing, refuse_duplicates
from biolake.formats.csv_matrix import separator_of
from biolake.formats.errors import DuplicateSampleId, EmptyFile, SamplesDiffer, UnreadableMetadata
from biolake.formats.fields import header_fields
from biolake.formats.models import Dataset, Finding, Limits
from biolake.formats.tabular import TableLayout, parse_table, unique_names
from biolake.formats.text import TextReader, identifier, read_head

_TABLE_BYTES = 512 * 1024**2


def read_sample_table(path: Path) -> pl.DataFrame:
    """Return a table of samples: `sample_id`, then one column of text per characteristic.

    Raises:
        FormatError: The file is empty or no table, a row is ragged, or a sample occurs twice.
    """
    name = path.name
    if b"\0" in read_head(path, name):
        raise UnreadableMetadata(f"{name}: the sample table is no text. Save it as CSV (UTF-8) and upload it again.")
    with TextReader(path, name, limit_bytes=_TABLE_BYTES) as text:
        header = text.line()
        while header is not None and (not header.strip() or header.startswith("#")):
            header = text.line()
        if header is None:
            raise EmptyFile(f"{name}: the sample table has no header. Upload a table with content.")
        where = f"{name}: line {text.line_number:,}"
        separator = separator_of(header, where)
        columns = header_fields(header, separator, True, where)
        layout = TableLayout(tuple(columns), (), separator=separator)
        table = parse_table(text.blocks(), layout, name, Limits()).text
    table.columns = ["sample_id", *unique_names(table.columns[1:], ("sample_id",))]
    ids = [identifier(id or "") for id in table["sample_id"].to_list()]
    if "" in ids:
        raise UnreadableMetadata(f"{name}: row {ids.index('') + 1:,} names no sample. Fill in its first column.")
    refuse_duplicates(ids, name, DuplicateSampleId)
    return table.with_columns(pl.Series("sample_id", ids, dtype=pl.String))


def with_sample_table(dataset: Dataset, path: Path, name: str) -> Dataset:
    """Return the dataset with the columns of the sample table joined to its samples, in the matrix' order.

    A dataset without samples and matrices takes the table's. A column that the file has as well is the table's; the
    file's own is kept as `<column> (file)` where the two differ.

    Raises:
        SamplesDiffer: A sample is in one of the two only; the message lists both differences.
        FormatError: The table cannot be read.
    """
    table = read_sample_table(path)
    if not dataset.samples.height and not dataset.matrices:
        return replace(dataset, samples=table)
    ids = [identifier(str(id)) for id in dataset.samples["sample_id"].to_list()]
    in_table = set(table["sample_id"].to_list())
    only_matrix = [id for id in ids if id not in in_table]
    only_table = [id for id in table["sample_id"].to_list() if id not in set(ids)]
    if only_matrix or only_table:
        raise SamplesDiffer(
            f"{name} and {path.name} name different samples. "
            f"Only in the matrix ({len(only_matrix):,} of {len(ids):,}): {listing(only_matrix) or 'none'}. "
            f"Only in the sample table ({len(only_table):,} of {table.height:,}): {listing(only_table) or 'none'}. "
            "Correct one of them, then upload both again."
        )
    position = {id: row for row, id in enumerate(table["sample_id"].to_list())}
    joined = table[[position[id] for id in ids]]
    samples = dataset.samples
    renamed: list[str] = []
    for column in joined.columns[1:]:
        if column in samples.columns:
            if samples[column].cast(pl.String).equals(joined[column]):
                samples = samples.drop(column)
                continue
            samples = samples.rename({column: f"{column} (file)"})
            renamed.append(column)
    findings = dataset.findings
    if renamed:
        message = f"{path.name} and {name} disagree on {listing(renamed)}; the table's values are used."
        findings = (*findings, Finding("SAMPLE_COLUMN_REPLACED", message))
    return replace(dataset, samples=samples.hstack(joined.drop("sample_id")), findings=findings)
