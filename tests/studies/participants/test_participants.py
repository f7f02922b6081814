"""A metadata file is cleaned by its rules: a value enters in its unit and range, or its row is refused and said."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolake.studies.configuration.metadata import MetadataFile
from biolake.studies.configuration.timezones import timezone_name
from biolake.studies.configuration.units import convert, plausible, unit_in_name
from biolake.studies.errors import MetadataFileRejected, UnknownTimezone, UnknownUnit
from biolake.studies.participants.clean import clean


def rules(**changes: Any) -> MetadataFile:
    columns = {
        "subject": {"from": "ID", "type": "str", "regex": "[0-9]{4}"},
        "height_m": {"from": "H", "type": "float", "unit": "cm", "to_unit": "m", "min": 0.5, "max": 2.5},
        "sex": {"from": "Sex", "type": "enum", "values": {"M": "male", "F": "female"}, "required": False},
        "children": {"from": "N", "type": "int", "min": 0, "required": False},
        "worn_from": {"from": "W", "type": "datetime", "required": False},
        "timezone": {"from": "TZ", "type": "timezone", "required": False},
        "consent": {"from": "C", "type": "bool", "required": False},
    }
    content = {"pattern": "m.csv", "source": "raw", "columns": columns, **changes}
    return MetadataFile.model_validate(content)


def one(header: str, row: str, **changes: Any):
    [cleaned] = clean(f"{header}\n{row}\n".encode(), rules(**changes), "m.csv")
    return cleaned


def test_a_row_is_cleaned_and_converted():
    row = one("ID,H,Sex,N,W,TZ,C", " 1001 ,172,F,2,2024-03-01T10:00,Asia/Tokyo,yes")
    assert row.errors == ()
    assert row.values == {
        "subject": "1001",
        "height_m": 1.72,
        "sex": "female",
        "children": 2,
        "worn_from": "2024-03-01T10:00:00",
        "timezone": "Asia/Tokyo",
        "consent": True,
    }


@pytest.mark.parametrize(
    ("header", "row", "said"),
    [
        ("ID,H", "1001,1.72", "0.0172 m is not between 0.5 and 2.5 m. Is its unit right?"),
        ("ID,H", "12,172", "`12` does not match [0-9]{4}"),
        ("ID,H", ",172", "no value, and it is part of the key"),
        ("ID,H,Sex", "1001,172,X", "`X` is none of M, F"),
        ("ID,H,N", "1001,172,1.5", "`1.5` is no whole number"),
        ("ID,H", "1001,1_72", "`1_72` is no number"),
        ("ID,H", "1001,inf", "`inf` is no number"),
        ("ID,H", "1001,1e999", "`1e999` is no number"),
        ("ID,H", "1001,172 cm", "`172 cm` is no number"),
        ("ID,H,W", "1001,172,01/03/2024", "Write it as 2023-01-31T14:30"),
        ("ID,H,TZ", "1001,172,EST", "is no time zone with a place"),
        ("ID,H,C", "1001,172,maybe", "neither true nor false"),
        ("ID,H", "1001,172,5", "3 cells where the first row has 2"),
    ],
)
def test_a_row_that_breaks_a_rule_has_no_values(header: str, row: str, said: str):
    cleaned = one(header, row)
    assert any(said in error.message for error in cleaned.errors), cleaned.errors
    assert cleaned.values == {}


def test_no_value_yet_is_no_error():
    assert one("ID,H,Sex", "1001,NA,").values["height_m"] is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"ID;H\n1001;172\n", "no column ID, H in the first row"),
        (b"ID,H,H\n1001,172,173\n", "the column H is there twice"),
        (b"ID,H\n1001,172\n1001,180\n", "subject 1001 in lines 2 and 3"),
        (b"ID,H\n1001,\xff\n", "byte 10 is not utf-8"),
        (b'ID,H\n1001,"172\n', "Check quotes"),
    ],
)
def test_a_file_from_which_nothing_can_be_taken_is_rejected(content: bytes, said: str):
    with pytest.raises(MetadataFileRejected, match=said):
        clean(content, rules(), "m.csv")


def test_spreadsheets_are_read_as_they_come():
    content = "\ufeffID,H,ignored\r\n1001,172,x\r\n\r\n1002,,y\r\n".encode()
    rows = clean(content, rules(), "m.csv")
    assert [(row.number, row.subject, row.values.get("height_m")) for row in rows] == [
        (2, "1001", 1.72),
        (4, "1002", None),
    ]


def test_composed_and_decomposed_letters_are_one_subject():
    columns = {"subject": {"from": "ID", "type": "str"}}
    content = "ID\nZo\u00eb\nZoe\u0308\n".encode()
    with pytest.raises(MetadataFileRejected, match="lines 2 and 3"):
        clean(content, rules(columns=columns), "m.csv")


@given(content=st.binary(max_size=300))
def test_any_bytes_are_cleaned_or_rejected(content: bytes):
    try:
        rows = clean(b"ID,H\n" + content, rules(), "m.csv")
    except MetadataFileRejected:
        return
    for row in rows:
        assert bool(row.values) != bool(row.errors)
        height = row.values.get("height_m")
        assert height is None or (isinstance(height, float) and 0.5 <= height <= 2.5)


LENGTHS = st.sampled_from(["m", "cm", "mm", "in", "ft"])


@given(value=st.floats(0.001, 1e6), first=LENGTHS, second=LENGTHS)
def test_units_convert_there_and_back(value: float, first: str, second: str):
    assert math.isclose(convert(convert(value, first, second), second, first), value, rel_tol=1e-12)


@given(centimetres=st.integers(30, 280))
def test_whole_centimetres_become_the_metres_that_people_write(centimetres: int):
    assert convert(centimetres, "cm", "m") == float(f"{centimetres / 100:.2f}")


def test_temperatures_convert_with_their_offset():
    assert convert(98.6, "degF", "degC") == pytest.approx(37.0)
    assert convert(37.0, "degC", "degF") == pytest.approx(98.6)


def test_units_of_different_dimensions_do_not_convert():
    with pytest.raises(UnknownUnit, match=r"cm .length. does not convert to kg"):
        convert(1, "cm", "kg")
    with pytest.raises(UnknownUnit, match="`foot` is no unit"):
        convert(1, "foot", "m")


def test_names_promise_units_and_plausible_ranges():
    assert [unit_in_name(name) for name in ("height_m", "weight_kg", "age_years", "room")] == ["m", "kg", "years", None]
    limits = plausible("height_cm", None)
    assert limits is not None
    assert (limits.lowest, limits.highest) == (30, 280)
    assert plausible("heights_seen", None) is None


@pytest.mark.parametrize(
    "name", ["EST", "GMT+1", "Etc/GMT+5", "europe/london", "Mars/Olympus", "localtime", "", "../etc"]
)
def test_what_is_no_place_is_no_time_zone(name: str):
    with pytest.raises(UnknownTimezone):
        timezone_name(name)
