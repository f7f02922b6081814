"""SOFT's lines cut into entities (`^`), attributes (`!`), column descriptions (`#`) and data tables.

What a set of entities means as a dataset is in `biolake.formats.geo_soft`. Format:
https://www.ncbi.nlm.nih.gov/geo/info/soft.html
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from biolake.formats.checks import refuse_too_many_cells
from biolake.formats.errors import MalformedFile, Truncated
from biolake.formats.fields import header_fields
from biolake.formats.geo_entities import GeoEntity
from biolake.formats.models import Limits
from biolake.formats.tabular import TableLayout, parse_table, unique_names
from biolake.formats.text import TextReader, identifier


@dataclass
class SoftEntity(GeoEntity):
    """An entity of a SOFT file with its table.

    Attributes:
        columns: Descriptions of the table's columns.
        header: Names of the table's columns as the file writes them.
        table: The data table as text, its first column the row's id; None where the entity has none.
    """

    columns: dict[str, str] = field(default_factory=dict)
    header: tuple[str, ...] = ()
    table: pl.DataFrame | None = None


def read_entities(text: TextReader, limits: Limits) -> Iterator[SoftEntity]:
    """Yield the entities in the file's order, each once it is read to its end.

    An entity that is taken up again (`^DATASET` before and after its subsets) is yielded once for each part.

    Raises:
        MalformedFile: A line that is none of SOFT's, or outside of an entity.
        Truncated: A table that does not end.
        RaggedRow: A row of a table with more or fewer fields than its header.
        TooLarge: The tables hold more cells than the limits allow.
    """
    entity: SoftEntity | None = None
    cells = 0
    while (line := text.line()) is not None:
        if not line.strip():
            continue
        if line.startswith("^"):
            if entity is not None:
                yield entity
            kind, _, accession = line[1:].partition("=")
            entity = SoftEntity(kind.strip().lower(), identifier(accession))
            continue
        if entity is None:
            raise MalformedFile(_misplaced(text, line))
        if line.startswith("!") and line.rstrip().endswith("_table_begin"):
            if entity.table is not None:
                raise MalformedFile(_misplaced(text, line))
            end = line.strip().replace("_table_begin", "_table_end")
            entity.header = _table_header(text, end)
            entity.table = _table(text, entity.header, end, limits)
            cells += entity.table.height * entity.table.width
            refuse_too_many_cells(cells, text.name, limits)
        elif line.startswith("!") and not line.rstrip().endswith("_table_end"):
            label, _, value = line[1:].partition("=")
            attribute = label.strip().partition("_")[2] or label.strip()
            entity.add(attribute, value)
        elif line.startswith("#"):
            column, _, description = line[1:].partition("=")
            entity.columns[column.strip()] = description.strip()
        else:
            raise MalformedFile(_misplaced(text, line))
    if entity is not None:
        yield entity


def _misplaced(text: TextReader, line: str) -> str:
    return (
        f"{text.name}: line {text.line_number:,} is not expected here: {line[:80]!r}. "
        "Download the file again from GEO, or correct the line."
    )


def _table_header(text: TextReader, end: str) -> tuple[str, ...]:
    """Return the names of a table's columns; none where the table ends at once, as its end is left to be read."""
    following = text.peek()
    if following is not None and following.startswith(end):
        return ()
    header = text.line()
    if header is None:
        raise Truncated(f"{text.name}: the line {end} is missing: the file ends early. Upload it again.")
    return tuple(header_fields(header, "\t", False, f"{text.name}: line {text.line_number:,}"))


def _table(text: TextReader, header: tuple[str, ...], end: str, limits: Limits) -> pl.DataFrame:
    layout = TableLayout(tuple(unique_names(header)), (), quoted=False)
    return parse_table(text.blocks(end), layout, text.name, limits).text
