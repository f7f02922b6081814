"""The sample columns of VCF records as numbers: alternate-allele counts and the fields with one number per sample.

The columns before them are read in `biolake.formats.vcf_records`. Specification:
https://samtools.github.io/hts-specs/VCFv4.3.pdf, section 1.6.2.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biolake.formats.errors import MalformedFile, NonNumericValue, RaggedRow
from biolake.formats.vcf_header import Header

GENOTYPE = "GT"
_GENOTYPE = re.compile(r"[/|]?(\.|[0-9]{1,4})([/|](\.|[0-9]{1,4}))*")
"""Alleles separated by `/` (unphased) or `|` (phased); from 4.4 on the first may have a mark, too."""


@dataclass(frozen=True)
class SampleFields:
    """The text behind INFO of successive records.

    Attributes:
        lines: Number of each record's line.
        formats: FORMAT of each record.
        cells: The sample columns of each record, separated by tabs.
        alternates: Number of alternate alleles of each record.
    """

    lines: Sequence[int]
    formats: Sequence[str]
    cells: Sequence[str]
    alternates: Sequence[int]


@dataclass(frozen=True)
class Layers:
    """Numbers of successive records.

    Attributes:
        values: By FORMAT key, an array of records x samples; NaN where a value is missing.
        unstored: FORMAT keys whose values are no single numbers.
        half_calls: Number of genotypes that name some of their alleles only.
    """

    values: dict[str, NDArray[Any]]
    unstored: frozenset[str]
    half_calls: int


def read_layers(fields: SampleFields, header: Header, name: str) -> Layers:
    """Turn the sample columns of successive records into numbers.

    A genotype becomes the number of its alleles that are not the reference, whichever alternate they are and however
    many alleles it has: `0/1` is 1, `1|2` is 2, the haploid `1` is 1. It is missing where any of its alleles is.

    Raises:
        RaggedRow: A record with more or fewer columns than the header, or a sample with more fields than FORMAT.
        MalformedFile: A genotype that is none, or that names an allele which its record does not have.
        NonNumericValue: Text where the header declares a number.
    """
    values: dict[str, NDArray[Any]] = {}
    unstored: set[str] = set()
    half_calls = 0
    formats = np.array(fields.formats, dtype=object)
    for format in dict.fromkeys(fields.formats):
        rows = np.flatnonzero(formats == format)
        group = _Group(fields, rows, format.split(":"), header, name)
        for position, key in enumerate(group.keys):
            if key == GENOTYPE:
                read, halves = group.genotypes(position)
                half_calls += halves
            elif header.one_number(key):
                read = group.numbers(position, key)
            else:
                unstored.add(key)
                continue
            if key not in values:
                shape = (len(fields.lines), len(header.samples))
                values[key] = np.full(shape, np.nan, dtype=read.dtype)
            values[key][rows] = read
    return Layers(values, frozenset(unstored), half_calls)


class _Group:
    """Records of one FORMAT, their sample columns taken apart."""

    def __init__(
        self, fields: SampleFields, rows: NDArray[np.intp], keys: list[str], header: Header, name: str
    ) -> None:
        self.keys = keys
        self._header = header
        self._name = name
        self._lines = [fields.lines[row] for row in rows]
        self._alternates = np.array([fields.alternates[row] for row in rows])
        if "" in keys or len(set(keys)) != len(keys):
            raise MalformedFile(
                f"{name}: line {self._lines[0]}: FORMAT {':'.join(keys)!r} names a field twice or not at all."
            )
        samples = pl.Series([fields.cells[row] for row in rows], dtype=pl.String).str.split("\t")
        widths = samples.list.len().to_numpy()
        wrong = np.flatnonzero(widths != len(header.samples))
        if wrong.size:
            raise RaggedRow(
                f"{name}: line {self._lines[wrong[0]]} has {int(widths[wrong[0]])} sample columns, the header names "
                f"{len(header.samples)}. Correct the line, then upload again."
            )
        self._cells = samples.explode(empty_as_null=True).str.split(":")
        lengths = self._cells.list.len().to_numpy()
        long = np.flatnonzero(lengths > len(keys))
        if long.size:
            raise RaggedRow(
                f"{self._place(long[0])} has {int(lengths[long[0]])} fields, FORMAT {':'.join(keys)} has {len(keys)}. "
                "Correct the line, then upload again."
            )

    def numbers(self, position: int, key: str) -> NDArray[np.float64]:
        """Return a field as records x samples."""
        text = self._field(position)
        numbers = text.cast(pl.Float64, strict=False)
        wrong = (text.is_not_null() & numbers.is_null()).arg_true()
        if wrong.len():
            raise NonNumericValue(
                f"{self._place(wrong[0])}: {key} is {text[wrong[0]]!r}, the header declares one number. "
                "Correct the value or its declaration, then upload again."
            )
        return self._shaped(numbers.cast(pl.Float64).fill_null(float("nan")).to_numpy())

    def genotypes(self, position: int) -> tuple[NDArray[np.float32], int]:
        """Return alternate-allele counts as records x samples, and how many genotypes are called by half."""
        text = self._field(position)
        spellings = text.unique().drop_nulls().to_list()
        counts: list[float] = []
        highest: list[int] = []
        halves: list[bool] = []
        for spelling in spellings:
            if _GENOTYPE.fullmatch(spelling) is None:
                first = (text == spelling).arg_true()[0]
                raise MalformedFile(
                    f"{self._place(first)}: {spelling[:30]!r} is no genotype such as 0/1. Correct the line."
                )
            alleles = re.split(r"[/|]", spelling.lstrip("/|"))
            called = [int(allele) for allele in alleles if allele != "."]
            counts.append(float(sum(allele > 0 for allele in called)) if len(called) == len(alleles) else np.nan)
            highest.append(max(called, default=0))
            halves.append(0 < len(called) < len(alleles))
        table = pl.DataFrame(
            {"text": spellings, "count": counts, "highest": highest, "half": halves},
            schema={"text": pl.String, "count": pl.Float32, "highest": pl.Int32, "half": pl.Boolean},
        )
        read = pl.DataFrame({"text": text}).join(table, on="text", how="left", maintain_order="left")
        above = self._shaped(read["highest"].fill_null(0).to_numpy()) > self._alternates[:, None]
        if above.any():
            first = int(np.flatnonzero(above)[0])
            raise MalformedFile(
                f"{self._place(first)}: the genotype {text[first]!r} names an allele that the record does not have. "
                "Correct the line."
            )
        return self._shaped(read["count"].fill_null(float("nan")).to_numpy()), int(read["half"].sum() or 0)

    def _field(self, position: int) -> pl.Series:
        """Return a field of every sample, record by record; null where it is `.`, empty or left out at the end."""
        text = self._cells.list.get(position, null_on_oob=True)
        return text.set(text.is_in([".", ""]).fill_null(False), None)

    def _shaped(self, values: NDArray[Any]) -> NDArray[Any]:
        return values.reshape(len(self._lines), len(self._header.samples))

    def _place(self, cell: int | np.integer) -> str:
        record, sample = divmod(int(cell), len(self._header.samples))
        return f"{self._name}: line {self._lines[record]}: sample {self._header.samples[sample]}"
