"""Parsing tables of numbers."""

import csv
import io
import math
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolake.formats.errors import FormatError, MalformedFile, NonNumericValue, RaggedRow, TooLarge
from biolake.formats.fields import split_fields
from biolake.formats.geo_soft_columns import is_numeric
from biolake.formats.models import Limits
from biolake.formats.tabular import (
    MISSING_VALUES,
    Table,
    TableLayout,
    parse_table,
    unique_names,
)
from biolake.formats.text import Block


def _parse(data: bytes, columns: str = "id S1 S2", separator: str = "\t", limits: Limits | None = None) -> Table:
    names = tuple(columns.split(" "))
    layout = TableLayout(names, tuple(range(1, len(names))), separator=separator)
    return parse_table([Block(data, 2)], layout, "file", limits or Limits())


@pytest.mark.parametrize("mark", MISSING_VALUES)
def test_marks_of_missing_values_are_missing(mark):
    table = _parse(f"a\t{mark}\t1\n".encode())
    assert np.isnan(table.numbers[0, 0])
    assert table.numbers[0, 1] == 1


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        *[("1", 1.0), ("-2.5", -2.5), ("+3", 3.0), ("1e-3", 0.001), ("1E5", 1e5), (".5", 0.5), (" 7 ", 7.0)],
        *[('"8"', 8.0), ("inf", math.inf), ("-Infinity", -math.inf), ("0.1234567890123456789", 0.12345678901234568)],
    ],
)
def test_spellings_of_numbers(cell, value):
    assert _parse(f"a\t{cell}\t1\n".encode()).numbers[0, 0] == value


@pytest.mark.parametrize("cell", ["1,5", "abc", "0x10", "1_0", "1-Mar", "-", "1e", "true", "１", "1.2.3", "12 %"])
def test_a_cell_that_is_no_number_is_named(cell):
    with pytest.raises(NonNumericValue) as caught:
        _parse(f"a\t1\t2\nb\t3\t{cell}\nc\tx\ty\n".encode())
    message = str(caught.value)
    assert "line 3" in message
    assert "feature b" in message
    assert "sample S2" in message
    assert repr(cell) in message


@pytest.mark.parametrize(
    ("rows", "line", "fields"),
    [
        (b"a\t1\t2\nb\t3\n", 3, 2),
        (b"a\t1\t2\nb\t3\t4\t5\n", 3, 4),
        (b"a\t1\t2\t3\nb\t4\n", 2, 4),
        (b"a\t1\t2\n\nb\t3\t4\n", 3, 0),
        (b'"a\tb"\t1\t2\n"b\t3\t4"\n', 3, 1),
        (b'a\t1\t2\n"b\t3\t4"\n', 3, 1),
    ],
)
def test_a_ragged_row_is_named_with_its_line(rows, line, fields):
    with pytest.raises(RaggedRow, match=rf"line {line} has {fields} fields, the header names 3"):
        _parse(rows)


def test_line_numbers_count_over_blocks():
    layout = TableLayout(("id", "S1"), (1,))
    blocks = [Block(b"a\t1\nb\t2\n", 2), Block(b"c\t3\nd\tx\n", 4)]
    with pytest.raises(NonNumericValue, match="line 5: feature d, sample S1"):
        parse_table(blocks, layout, "file", Limits())


def test_blank_lines_at_the_end_are_no_rows():
    assert _parse(b"a\t1\t2\r\n\r\n\n").text.to_series().to_list() == ["a"]


def test_words_of_text_columns_are_never_missing():
    table = _parse(b"NA\t1\tNA\nnull\t2\t3\n")
    assert table.text.to_series().to_list() == ["NA", "null"]
    assert np.isnan(table.numbers[0, 1])


def test_quoted_fields_may_hold_separators_and_quotes():
    table = _parse(b'"a, ""b""",1,2\n"c",3,"4"\n', separator=",")
    assert table.text.to_series().to_list() == ['a, "b"', "c"]
    assert table.numbers.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("rows", [b'"a\t1\t2\nb\t3\t4\n', b'"a"b\t1\t2\n', b'"a\nb"\t1\t2\n'])
def test_quotes_that_do_not_close_are_refused(rows):
    with pytest.raises(MalformedFile, match="quote"):
        _parse(rows)


def test_the_limit_of_cells_stops_the_parser():
    with pytest.raises(TooLarge, match="3 are allowed"):
        _parse(b"a\t1\t2\nb\t3\t4\n", limits=Limits(cells=3))


def test_names_of_columns_become_unique():
    assert unique_names(["a", "a", "", "a.2", "b"], ["b"]) == ["a", "a.2", "column", "a.2.2", "b.2"]


def test_fields_are_split_as_the_csv_module_does():
    for line in ['a,"b,c",d', '"a""b",', ",,", 'x,"",y', 'a"b,c']:
        assert split_fields(line, ",", "here") == next(csv.reader([line]))


def test_columns_of_words_are_not_numeric():
    table = parse_table([Block(b"a\tP\t1\t\nb\tA\tNA\t\n", 1)], TableLayout(("i", "c", "n", "e"), ()), "f", Limits())
    assert [is_numeric(table.text[c]) for c in ("c", "n", "e")] == [False, True, False]


_IDS = st.text(st.characters(exclude_characters="\n\r", exclude_categories=("Cs", "Cc")), min_size=1, max_size=8)
_CELLS = st.one_of(st.floats(width=64), st.sampled_from(["", "NA", "null", "NaN"]))


@st.composite
def _matrices(draw):
    width = draw(st.integers(1, 5))
    ids = draw(st.lists(_IDS, max_size=8))
    cells = [draw(st.lists(_CELLS, min_size=width, max_size=width)) for _ in ids]
    return width, ids, cells


@given(
    matrix=_matrices(),
    separator=st.sampled_from("\t,"),
    line_end=st.sampled_from(["\n", "\r\n"]),
    wide_from=st.sampled_from([1, 4000]),
)
@settings(max_examples=300, deadline=None)
def test_any_matrix_written_by_the_csv_module_comes_back(matrix, separator, line_end, wide_from):
    width, ids, cells = matrix
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator, lineterminator=line_end)
    for id, row in zip(ids, cells, strict=True):
        writer.writerow([id, *(repr(cell) if isinstance(cell, float) else cell for cell in row)])
    columns = " ".join(["id", *(f"S{i}" for i in range(width))])
    with patch("biolake.formats.tabular.WIDE_COLUMNS", wide_from):
        table = _parse(buffer.getvalue().encode(), columns, separator)
    assert table.text.to_series().to_list() == ids
    expected = [[cell if isinstance(cell, float) else math.nan for cell in row] for row in cells]
    np.testing.assert_array_equal(table.numbers, np.array(expected).reshape(len(ids), width))


def _outcome(data: bytes, wide_from: int) -> object:
    try:
        with patch("biolake.formats.tabular.WIDE_COLUMNS", wide_from):
            table = _parse(data)
    except FormatError as error:
        return str(error)
    assert table.numbers.shape == (table.text.height, 2)
    return table.text.rows(), repr(table.numbers.tolist())


@given(data=st.text(alphabet='a1.\t,"\n\r NA-e').map(str.encode) | st.text().map(str.encode))
@settings(max_examples=300, deadline=None)
def test_any_text_gives_a_table_or_a_named_error_and_the_same_whatever_its_width(data):
    assert _outcome(data, 1) == _outcome(data, 4000)


def test_a_wide_table_is_parsed_and_its_mistakes_are_named():
    columns = " ".join(["id", *(f"S{i}" for i in range(5000))])
    row = "\t".join(["1.5", "", "NA", *(["2"] * 4997)])
    table = _parse(f"a\t{row}\nb\t{row}\n".encode(), columns)
    assert table.numbers.shape == (2, 5000)
    assert np.isnan(table.numbers).sum() == 4
    assert table.numbers[1, [0, -1]].tolist() == [1.5, 2]
    with pytest.raises(RaggedRow, match=r"line 3 has 5,000 fields, the header names 5,001"):
        _parse(f"a\t{row}\nb\t{row[:-2]}\n".encode(), columns)
    with pytest.raises(NonNumericValue, match="line 3: feature b, sample S0: 'x'"):
        _parse(f"a\t{row}\nb\tx{row[3:]}\n".encode(), columns)
