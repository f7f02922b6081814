"""The JSON spelling of mwTab: the same sections as objects, tables as lists of objects."""

import json
from typing import Any

from biolake.formats.errors import MalformedFile, RaggedRow, Truncated
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
    put,
)
from biolake.formats.text import identifier

_NAME_COLUMNS = ("Metabolite", "Bin range(ppm)")


def read_json(document: str, name: str) -> Analysis:
    """Read the JSON spelling.

    Raises:
        FormatError: As its subclasses say, with the section.
    """
    analysis = Analysis()
    for section, content in _parsed(document, name).items():
        place = f"{name}: {section}"
        if section == FACTORS:
            for number, item in enumerate(_list(content, place), 1):
                add_sample(analysis, _sample(item, f"{place} {number}"))
        elif section in MEASUREMENTS:
            if analysis.kind is not None:
                raise MalformedFile(f"{name}: there are {analysis.kind} and {section}; a file holds one of them.")
            analysis.kind = section
            _read_measurements(analysis, _object(content, place), place)
        else:
            fields = _object(content, place)
            analysis.sections[section] = {key: _field(value, f"{place}: {key}") for key, value in fields.items()}
    if IDENTITY not in analysis.sections:
        raise MalformedFile(f"{name}: there is no section {IDENTITY}. Restore it.")
    return analysis


class _RepeatedKey(ValueError):
    pass


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        raise _RepeatedKey(next(key for key, _ in pairs if key in seen or seen.add(key)))
    return result


def _parsed(document: str, name: str) -> dict[str, Any]:
    try:
        # Numbers stay as they are written, so that both spellings give the same text.
        content = json.loads(
            document, object_pairs_hook=_unique_pairs, parse_int=str, parse_float=str, parse_constant=str
        )
    except _RepeatedKey as error:
        raise MalformedFile(
            f"{name}: {str(error)[:60]!r} occurs twice in one object: a sample or a section is given twice. "
            "Remove or rename one, then upload again."
        ) from error
    except json.JSONDecodeError as error:
        if document[error.pos :].strip() == "" or error.msg.startswith("Unterminated string"):
            raise Truncated(
                f"{name}: the JSON document ends early, in line {error.lineno}. Upload it again."
            ) from error
        raise MalformedFile(f"{name}: line {error.lineno}: {error.msg}. Correct the JSON document.") from error
    except RecursionError as error:
        raise MalformedFile(f"{name}: the JSON document is nested too deeply for mwTab.") from error
    return _object(content, name)


def _sample(item: Any, place: str) -> Sample:
    fields = _object(item, place)
    subject = _field(fields.get("Subject ID", ""), place)
    return Sample(
        place=place,
        sample_id=identifier(_field(fields.get("Sample ID", ""), place)),
        subject_id=None if subject in ("", "-") else subject,
        factors=_pairs(fields.get("Factors", {}), place, parse_factors),
        additional=_pairs(fields.get("Additional sample data", {}), place, parse_additional),
    )


def _pairs(content: Any, place: str, parse: Any) -> dict[str, str]:
    """Return named texts, whether they are an object or a text as in the other spelling."""
    if isinstance(content, str):
        return parse(content, place)
    items: dict[str, str] = {}
    for key, value in _object(content, place).items():
        put(items, key.strip(), _field(value, f"{place}: {key}"), place)
    return items


def _read_measurements(analysis: Analysis, content: dict[str, Any], place: str) -> None:
    analysis.units = _field(content.get("Units", ""), f"{place}: Units") or None
    analysis.extended = bool(content.get("Extended"))
    if "Data" in content:
        analysis.data = _table(_list(content["Data"], f"{place}: Data"), f"{place}: Data", same_columns=True)
    if "Metabolites" in content:
        annotations = _list(content["Metabolites"], f"{place}: Metabolites")
        analysis.metabolites = _table(annotations, f"{place}: Metabolites", same_columns=False)


def _table(items: list[Any], place: str, *, same_columns: bool) -> Table:
    """Return a list of objects as a table.

    Args:
        items: The objects.
        place: For messages.
        same_columns: Whether every object must have the names of the first.
    """
    objects = [_object(item, f"{place} {number}") for number, item in enumerate(items, 1)]
    columns = list(dict.fromkeys(key for item in objects for key in item))
    if not columns:
        return Table(("Metabolite",), ())
    named = next((column for column in _NAME_COLUMNS if column in columns), None)
    if named is None:
        raise MalformedFile(f"{place}: no object names its Metabolite. Name it, then upload again.")
    columns = [named, *(column for column in columns if column not in _NAME_COLUMNS)]
    rows: list[Row] = []
    for number, item in enumerate(objects, 1):
        where = f"{place} {number}"
        if same_columns and not item.keys() >= set(columns):
            absent = [column for column in columns if column not in item]
            raise RaggedRow(f"{where} has no value for {', '.join(absent[:5])}. Add it, or leave its text empty.")
        rows.append(Row(where, tuple(_field(item.get(column, ""), f"{where}: {column}") for column in columns)))
    return Table(tuple(columns), tuple(rows))


def _object(content: Any, place: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise MalformedFile(f"{place}: an object is needed here. Correct the JSON document.")
    return content


def _list(content: Any, place: str) -> list[Any]:
    if not isinstance(content, list):
        raise MalformedFile(f"{place}: a list is needed here. Correct the JSON document.")
    return content


def _field(content: Any, place: str) -> str:
    if content is None:
        return ""
    if isinstance(content, bool):
        return "true" if content else "false"
    if not isinstance(content, str):
        raise MalformedFile(f"{place}: a text is needed here. Correct the JSON document.")
    return content.strip()
