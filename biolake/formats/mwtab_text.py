"""The text spelling of mwTab: sections, `KEY<tab>value` lines and tables between `_START` and `_END`."""

import re

from biolake.formats.checks import refuse_duplicates
from biolake.formats.errors import DuplicateSampleId, MalformedFile, RaggedRow, Truncated
from biolake.formats.mwtab_analysis import (
    FACTORS,
    IDENTITY,
    MEASUREMENTS,
    Analysis,
    Row,
    Sample,
    Table,
    add_sample,
    parse_additional,
    parse_factors,
)
from biolake.formats.text import TextReader, identifier

BEGINNING = "#METABOLOMICS WORKBENCH"
_NAMES = {"NMR": "NM"}
"""Sections whose name in JSON is another; the JSON name is the one kept."""
_FIRST_COLUMNS = ("samples", "metabolite_name", "metabolite name", "bin range(ppm)")


def read_text(text: TextReader) -> Analysis:
    """Read the text spelling.

    Raises:
        FormatError: As its subclasses say, with the line.
    """
    analysis = Analysis()
    section = IDENTITY
    ended = False
    while (line := text.line()) is not None:
        place = f"{text.name}: line {text.line_number}"
        if not line.strip():
            continue
        if line.startswith(BEGINNING):
            if text.line_number > 1:
                raise MalformedFile(f"{place}: a second analysis begins. Upload each analysis as a file of its own.")
            pairs = dict(re.findall(r"([A-Z_]+):(\S+)", line))
            analysis.sections[IDENTITY] = pairs
        elif line.startswith("#END"):
            ended = True
        elif line.startswith("#"):
            section = line[1:].split(":")[0].strip()
            section = _NAMES.get(section, section)
            if section in MEASUREMENTS:
                if analysis.kind not in (None, section):
                    raise MalformedFile(f"{place}: {section} follows {analysis.kind}; a file holds one of them.")
                analysis.kind = section
        elif line.startswith(FACTORS):
            add_sample(analysis, _sample(line, place))
        elif line.rstrip().endswith("_START"):
            _read_table(analysis, line.strip().removesuffix("_START"), text)
        else:
            _read_field(analysis, section, line, place)
    analysis.unended = not ended
    return analysis


def _sample(line: str, place: str) -> Sample:
    parts = [part.strip() for part in line.split("\t")]
    if len(parts) < 4:
        raise RaggedRow(f"{place}: {FACTORS} has {len(parts)} columns; subject, sample and factors are needed.")
    if len(parts) > 5 and any(parts[5:]):
        raise RaggedRow(f"{place}: {FACTORS} has {len(parts)} columns, 5 at most. Remove the tab too many.")
    return Sample(
        place=place,
        sample_id=identifier(parts[2]),
        subject_id=None if parts[1] in ("", "-") else parts[1],
        factors=parse_factors(parts[3], place),
        additional=parse_additional(parts[4], place) if len(parts) > 4 else {},
    )


def _read_field(analysis: Analysis, section: str, line: str, place: str) -> None:
    key, tab, value = line.partition("\t")
    if not tab:
        raise MalformedFile(f"{place}: {line[:60]!r} is no KEY<tab>value line. Correct it, then upload again.")
    key = key.strip().rpartition(":")[2]
    value = value.strip().replace("\t", " ")
    if section in MEASUREMENTS and key == "UNITS":
        analysis.units = value
        return
    fields = analysis.sections.setdefault(section, {})
    # A long text is broken over lines with one key.
    fields[key] = f"{fields[key]} {value}" if key in fields else value


def _read_table(analysis: Analysis, table: str, text: TextReader) -> None:
    rows: list[Row] = []
    while True:
        line = text.line()
        if line is None:
            raise Truncated(f"{text.name}: the line {table}_END is missing: the file ends early. Upload it again.")
        if line.strip() == f"{table}_END":
            break
        if line.strip("\t "):
            cells = tuple(_unquoted(cell) for cell in line.split("\t"))
            rows.append(Row(f"{text.name}: line {text.line_number}", cells))
    if table.startswith("EXTENDED_"):
        analysis.extended = True
        return
    if table not in (*MEASUREMENTS, "METABOLITES"):
        raise MalformedFile(f"{text.name}: {table}_START begins no table of the mwTab specification. Remove it.")
    if (analysis.metabolites if table == "METABOLITES" else analysis.data) is not None:
        raise MalformedFile(f"{text.name}: there are two tables {table}. Upload each analysis as a file of its own.")
    if not rows or rows[0].cells[0].lower() not in _FIRST_COLUMNS:
        raise MalformedFile(f"{text.name}: the table {table} does not begin with its column names. Restore them.")
    columns = _without_trailing_empty(rows[0].cells)
    if table == "METABOLITES":
        analysis.metabolites = Table(columns, tuple(_padded(row, columns) for row in rows[1:]))
        return
    analysis.kind = table
    has_factors = len(rows) > 1 and rows[1].cells[0] == "Factors"
    refuse_duplicates([identifier(column) for column in columns[1:]], text.name, DuplicateSampleId)
    if has_factors:
        _compare_factors(analysis, columns, rows[1])
    analysis.data = Table(columns, tuple(_cut(row, columns) for row in rows[1 + has_factors :]))


def _compare_factors(analysis: Analysis, columns: tuple[str, ...], row: Row) -> None:
    """Refuse a line of factors above the data that contradicts SUBJECT_SAMPLE_FACTORS."""
    for sample, factors in zip(columns[1:], row.cells[1:], strict=False):
        known = analysis.samples.get(identifier(sample))
        if known is not None and parse_factors(factors, row.place) != known.factors:
            raise MalformedFile(
                f"{row.place}: the factors of sample {sample} are {factors[:80]!r}, those of {FACTORS} are others. "
                "Correct one of them, then upload again."
            )


def _unquoted(cell: str) -> str:
    cell = cell.strip()
    return cell[1:-1].strip() if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell


def _without_trailing_empty(cells: tuple[str, ...]) -> tuple[str, ...]:
    end = len(cells)
    while end and not cells[end - 1]:
        end -= 1
    return cells[:end]


def _cut(row: Row, columns: tuple[str, ...]) -> Row:
    """Return the row with as many cells as there are columns; only empty ones beyond them are cut."""
    if len(row.cells) < len(columns) or any(row.cells[len(columns) :]):
        raise RaggedRow(f"{row.place} has {len(row.cells)} cells, the table {len(columns)} columns. Correct the line.")
    return Row(row.place, row.cells[: len(columns)])


def _padded(row: Row, columns: tuple[str, ...]) -> Row:
    """Return an annotation row with as many cells as there are columns; empty ones at the end may be left out."""
    return _cut(Row(row.place, row.cells + ("",) * (len(columns) - len(row.cells))), columns)
