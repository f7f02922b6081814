"""Cleaning a metadata file into rows of participants' values: types, units, ranges, keys; every error with its row.

Storing rows, conflicts between files and looking values up is `store`. Cells are compared in NFC; nothing
is guessed: a value that breaks a rule rejects its row, and a file whose keys repeat is rejected whole.
"""

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from biolake.studies.configuration.metadata import MetadataColumn, MetadataFile
from biolake.studies.configuration.patterns import compiled
from biolake.studies.configuration.timezones import timezone_name
from biolake.studies.configuration.units import convert, plausible
from biolake.studies.errors import MetadataFileRejected, UnknownTimezone
from biolake.studies.models import fingerprint, identifier

Value = str | int | float | bool | None
"""A cleaned value; dates and times as ISO 8601 text."""

SIZE_LIMIT = 256 * 1024 * 1024


@dataclass(frozen=True)
class CellError:
    """What is wrong with one cell."""

    column: str
    message: str


@dataclass(frozen=True)
class ParticipantRow:
    """One row of a metadata file after cleaning.

    Attributes:
        number: Line of the file, the header being 1.
        subject: None where the cell is unusable.
        visit: Empty for files that have one row per subject.
        values: By column; empty where the row has errors.
        errors: What is wrong with it.
        sha256: Hash of the row as it was in the file.
    """

    number: int
    subject: str | None
    visit: str
    values: Mapping[str, Value]
    errors: tuple[CellError, ...]
    sha256: str


class _Invalid(ValueError):
    """A cell that breaks its column's rule; the message is for the row's error."""


def clean(content: bytes, rules: MetadataFile, name: str) -> list[ParticipantRow]:
    """Clean a metadata file.

    Args:
        content: Its bytes.
        rules: How it is to be read.
        name: What errors call it.

    Returns:
        One row for each row of the file, with values or with errors.

    Raises:
        MetadataFileRejected: No row of the file can be used: encoding, header, or repeated keys.
    """
    if len(content) > SIZE_LIMIT:
        raise MetadataFileRejected(f"{name}: more than {SIZE_LIMIT:,} bytes. Is it the right file? Split it.")
    encoding = "utf-8-sig" if rules.reader.encoding == "utf-8" else rules.reader.encoding
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        message = f"{name}: byte {error.start} is not {rules.reader.encoding}."
        raise MetadataFileRejected(f"{message} Correct `reader.encoding` or save the file anew.") from error
    table = csv.reader(io.StringIO(text, newline=""), delimiter=rules.reader.delimiter, strict=True)
    try:
        header = [identifier(cell) for cell in next(table, [])]
        places = _places(header, rules, name)
        rows = [
            _row(cells, table.line_num, len(header), places, rules)
            for cells in table
            if any(cell.strip() for cell in cells)
        ]
    except csv.Error as error:
        raise MetadataFileRejected(f"{name}: line {table.line_num}: {error}. Check quotes and delimiter.") from error
    _refuse_repeated(rows, rules, name)
    return rows


def _places(header: list[str], rules: MetadataFile, name: str) -> Mapping[str, int]:
    if not header:
        raise MetadataFileRejected(f"{name}: the file is empty. Upload it again.")
    missing = [c.from_ for c in rules.columns.values() if c.required and identifier(c.from_) not in header]
    if missing:
        found = ", ".join(header[:20])
        raise MetadataFileRejected(
            f"{name}: no column {', '.join(missing)} in the first row ({found}). "
            f"Correct `from` or `delimiter` in the configuration, or the file."
        )
    repeated = sorted({cell for cell in header if header.count(cell) > 1})
    names = {column: identifier(rule.from_) for column, rule in rules.columns.items()}
    places = {column: header.index(cell) for column, cell in names.items() if cell in header}
    twice = [cell for cell in repeated if any(header[place] == cell for place in places.values())]
    if twice:
        raise MetadataFileRejected(f"{name}: the column {', '.join(twice)} is there twice. Remove one.")
    return places


def _row(cells: list[str], number: int, width: int, places: Mapping[str, int], rules: MetadataFile) -> ParticipantRow:
    digest = fingerprint(cells)
    values: dict[str, Value] = {}
    errors: list[CellError] = []
    if len(cells) != width:
        errors.append(CellError("", f"{len(cells)} cells where the first row has {width}. Check the delimiter."))
    for column, place in places.items():
        rule = rules.columns[column]
        cell = identifier(cells[place]) if place < len(cells) else ""
        try:
            values[column] = _value(cell, column, rule, column in rules.key, rules.reader.missing)
        except _Invalid as error:
            errors.append(CellError(column, f"{rule.from_}: {error}"))
    subject, visit = values.get("subject"), values.get("visit") if "visit" in rules.key else ""
    return ParticipantRow(
        number=number,
        subject=subject if isinstance(subject, str) else None,
        visit=visit if isinstance(visit, str) else "",
        values={} if errors else values,
        errors=tuple(errors),
        sha256=digest,
    )


def _value(cell: str, column: str, rule: MetadataColumn, in_key: bool, missing: tuple[str, ...]) -> Value:
    if cell in missing:
        if in_key:
            raise _Invalid("no value, and it is part of the key.")
        # A value that is not there yet is waited for; it is no mistake of the row.
        return None
    match rule.type:
        case "str":
            if rule.regex is not None and compiled(rule.regex).fullmatch(cell) is None:
                raise _Invalid(f"`{cell}` does not match {rule.regex}.")
            return cell
        case "enum":
            values = rule.values or {}
            if cell in values:
                return values[cell]
            raise _Invalid(f"`{cell}` is none of {', '.join(values)}.")
        case "int" | "float":
            return _number(cell, column, rule)
        case "bool":
            known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
            if cell.lower() in known:
                return known[cell.lower()]
            raise _Invalid(f"`{cell}` is neither true nor false.")
        case "date" | "datetime":
            return _time(cell, rule.type)
        case "timezone":
            try:
                return timezone_name(cell)
            except UnknownTimezone as error:
                raise _Invalid(str(error)) from error


def _number(cell: str, column: str, rule: MetadataColumn) -> int | float:
    try:
        # `1_000` and `infinity` are numbers to Python and typing errors to a study.
        number = float(cell) if set(cell) <= set("0123456789+-.eE") else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        hint = " Write a point, not a comma." if cell.replace(",", "").replace(".", "").isdigit() else ""
        raise _Invalid(f"`{cell}` is no number.{hint}")
    if rule.type == "int" and not number.is_integer():
        raise _Invalid(f"`{cell}` is no whole number.")
    if rule.unit is not None and rule.to_unit is not None:
        number = convert(number, rule.unit, rule.to_unit)
    unit = f" {rule.final_unit}" if rule.final_unit else ""
    limits = plausible(column, rule.final_unit)
    lowest = max((v for v in (rule.min, limits.lowest if limits else None) if v is not None), default=-math.inf)
    highest = min((v for v in (rule.max, limits.highest if limits else None) if v is not None), default=math.inf)
    if not lowest <= number <= highest:
        remedy = "Is its unit right?" if rule.final_unit else "Correct it."
        raise _Invalid(f"{number:g}{unit} is not between {lowest:g} and {highest:g}{unit}. {remedy}")
    return int(number) if rule.type == "int" and rule.to_unit in (None, rule.unit) else number


def _time(cell: str, kind: str) -> str:
    try:
        return date.fromisoformat(cell).isoformat() if kind == "date" else datetime.fromisoformat(cell).isoformat()
    except ValueError as error:
        example = "2023-01-31" if kind == "date" else "2023-01-31T14:30"
        raise _Invalid(f"`{cell}` is no {kind}. Write it as {example}.") from error


def _refuse_repeated(rows: list[ParticipantRow], rules: MetadataFile, name: str) -> None:
    seen: dict[tuple[str, str], int] = {}
    for row in rows:
        if row.subject is None:
            continue
        key = (row.subject, row.visit)
        if key in seen:
            said = " ".join(part for part in key if part)
            raise MetadataFileRejected(
                f"{name}: {' and '.join(rules.key)} {said} in lines {seen[key]} and {row.number}. "
                f"No row was taken. Keep one of them and upload the file again."
            )
        seen[key] = row.number
