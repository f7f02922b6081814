"""The columns CHROM to INFO of VCF records, as the table of features.

The sample columns are read in `biolake.formats.vcf_genotypes`. Specification:
https://samtools.github.io/hts-specs/VCFv4.3.pdf, section 1.6.1.
"""

import re

import polars as pl

from biolake.formats.errors import DuplicateFeatureId, MalformedFile, RaggedRow, TooLarge
from biolake.formats.models import Finding
from biolake.formats.vcf_genes import GeneNames
from biolake.formats.vcf_genotypes import SampleFields
from biolake.formats.vcf_header import Header

_COLUMNS = ("CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER")
_MAY_BE_MISSING = frozenset({"ID", "QUAL", "FILTER"})
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:inf(?:inity)?|nan)", re.IGNORECASE)
_BYTES_PER_ABSENT_TEXT = 16
_NAMED_LINES = 10


class Sites:
    """Gathers the records of a file, block after block."""

    def __init__(self, header: Header, name: str, *, memory_bytes: int) -> None:
        self._header = header
        self._name = name
        self._memory_bytes = memory_bytes
        self._genes = GeneNames(header)
        self._ids: dict[str, tuple[int, int]] = {}
        self._symbols: list[str | None] = []
        self._columns: dict[str, list[str | None]] = {column: [] for column in _COLUMNS}
        self._info: dict[str, tuple[list[int], list[str]]] = {}
        self._repeated: list[int] = []
        self._repeated_keys: list[int] = []
        self._empty_line: int | None = None

    @property
    def count(self) -> int:
        """Number of records so far."""
        return len(self._symbols)

    def add(self, lines: list[str], first_line: int) -> SampleFields:
        """Take up the records on successive lines and return their sample columns, one entry per record taken.

        Raises:
            RaggedRow: Fewer or more columns than the header names.
            MalformedFile: A column that breaks the specification.
            DuplicateFeatureId: Two records of one variant that say different things.
            TooLarge: More INFO keys than fit into memory.
        """
        numbers: list[int] = []
        formats: list[str] = []
        cells: list[str] = []
        alternates: list[int] = []
        sites = min(self._header.columns, 9)
        for number, raw in enumerate(lines, first_line):
            line = raw.removesuffix("\r")
            if not line:
                self._empty_line = self._empty_line or number
                continue
            if self._empty_line is not None:
                raise RaggedRow(f"{self._name}: line {self._empty_line} is empty. Remove it, then upload again.")
            parts = line.split("\t", 9)
            if len(parts) < sites or (len(parts) > sites) != (self._header.columns > 9):
                found = line.count("\t") + 1
                raise RaggedRow(
                    f"{self._name}: line {number} has {found} columns, the header names {self._header.columns}. "
                    "Columns are separated by tabs; correct the line, then upload again."
                )
            if self._add(parts, number, hash(line)):
                numbers.append(number)
                formats.append(parts[8] if len(parts) > 8 else "")
                cells.append(parts[9] if len(parts) > 9 else "")
                alternates.append(0 if parts[4] == "." else parts[4].count(",") + 1)
        return SampleFields(numbers, formats, cells, alternates)

    def _add(self, parts: list[str], number: int, content: int) -> bool:
        self._check(parts, number)
        chromosome, position, _, reference, alternate = parts[:5]
        feature = f"{chromosome}:{position}:{reference}:{alternate}"
        earlier = self._ids.setdefault(feature, (number, content))
        if earlier[0] != number:
            if earlier[1] != content:
                raise DuplicateFeatureId(
                    f"{self._name}: lines {earlier[0]} and {number} are both {feature[:100]}, but differ elsewhere. "
                    "Keep one of them (bcftools norm --rm-dup exact does) and upload again."
                )
            self._repeated.append(number)
            return False
        row = self.count
        info = self._read_info(parts[7], number)
        self._symbols.append(self._genes.symbol(info))
        for column, value in zip(_COLUMNS, parts, strict=False):
            self._columns[column].append(None if value == "." and column in _MAY_BE_MISSING else value)
        for key, value in info.items():
            if key not in self._info:
                self._info[key] = ([], [])
            rows, values = self._info[key]
            if value != ".":
                rows.append(row)
                values.append(value)
        if len(self._info) * (row + 1) * _BYTES_PER_ABSENT_TEXT > self._memory_bytes:
            raise TooLarge(
                f"{self._name}: {len(self._info):,} INFO keys in {row + 1:,} records do not fit into "
                f"{self._memory_bytes:,} bytes. Remove keys (bcftools annotate -x) or upload the file in parts."
            )
        return True

    def _check(self, parts: list[str], number: int) -> None:
        chromosome, position, _, reference, alternate, quality = parts[:6]
        wrong: str | None = None
        if not chromosome or chromosome.startswith("#") or any(c.isspace() for c in chromosome):
            wrong = f"CHROM is {chromosome[:40]!r}"
        elif not (position.isascii() and position.isdigit()):
            wrong = f"POS is {position[:40]!r}, not a position"
        elif not reference or any(c.isspace() for c in reference) or "," in reference:
            wrong = f"REF is {reference[:40]!r}"
        elif "" in alternate.split(",") or any(c.isspace() for c in alternate):
            wrong = f"ALT is {alternate[:40]!r}"
        elif quality != "." and _NUMBER.fullmatch(quality) is None:
            wrong = f"QUAL is {quality[:40]!r}, not a number"
        if wrong:
            raise MalformedFile(f"{self._name}: line {number}: {wrong}. Correct the line, then upload again.")

    def _read_info(self, text: str, number: int) -> dict[str, str]:
        info: dict[str, str] = {}
        if text == ".":
            return info
        for item in text.split(";"):
            key, equals, value = item.partition("=")
            if not key:
                # `AC=1;` and `AC=1;;AN=2` are common and lose nothing.
                if equals:
                    raise MalformedFile(f"{self._name}: line {number}: INFO holds {item[:40]!r} without a key.")
                continue
            value = value if equals else "true"
            if key in info:
                # A semicolon cannot be within a value, so that both remain told apart.
                value = f"{info[key]};{value}"
                self._repeated_keys.append(number)
            info[key] = value
        return info

    def features(self) -> pl.DataFrame:
        """Return one row per record: `feature_id`, `symbol`, the fixed columns and `INFO/<key>`, all as text."""
        columns = [
            pl.Series("feature_id", list(self._ids), dtype=pl.String),
            pl.Series("symbol", self._symbols, dtype=pl.String),
            *(pl.Series(column, values, dtype=pl.String) for column, values in self._columns.items()),
        ]
        for key, (rows, values) in self._info.items():
            whole: list[str | None] = [None] * self.count
            for row, value in zip(rows, values, strict=True):
                whole[row] = value
            columns.append(pl.Series(f"INFO/{key}", whole, dtype=pl.String))
        return pl.DataFrame(columns)

    def findings(self) -> tuple[Finding, ...]:
        """Return what was read differently from how it stands."""
        found: list[Finding] = []
        if self._repeated:
            found.append(
                Finding(
                    "REPEATED_RECORD",
                    f"Records that are an earlier one letter by letter are stored once: {_lines(self._repeated)}.",
                )
            )
        if self._repeated_keys:
            found.append(
                Finding(
                    "REPEATED_INFO_KEY",
                    "Values of an INFO key that a record names again are stored together, separated by semicolons: "
                    f"{_lines(self._repeated_keys)}.",
                )
            )
        return tuple(found)


def _lines(numbers: list[int]) -> str:
    unique = list(dict.fromkeys(numbers))
    more = f" and {len(unique) - _NAMED_LINES:,} more" if len(unique) > _NAMED_LINES else ""
    return f"line{'s' if len(unique) > 1 else ''} {', '.join(map(str, unique[:_NAMED_LINES]))}{more}"
