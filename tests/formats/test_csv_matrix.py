"""CSV and TSV matrices."""

import csv
import io
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from biolake.formats.errors import (
    DuplicateFeatureId,
    DuplicateSampleId,
    EmptyFile,
    FormatError,
    MalformedFile,
    NonNumericValue,
    NotText,
    RaggedRow,
    TooLarge,
    WrongFormat,
)
from biolake.formats.models import Dataset, Limits, Upload
from biolake.formats.read import read


def _read(folder: Path, content: str | bytes, name: str = "counts.csv", limits: Limits | None = None) -> Dataset:
    path = folder / "uploaded"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read(Upload(name, path), limits)


def test_a_matrix_with_known_annotation_columns(tmp_path):
    dataset = _read(tmp_path, "# by hand\ngene_id,gene_name,Biotype,S1,S2\ng1,TP53,coding,1,2\ng2,NA,,3,NA\n")
    assert dataset.samples["sample_id"].to_list() == ["S1", "S2"]
    assert dataset.features.to_dicts() == [
        {"feature_id": "g1", "symbol": "TP53", "Biotype": "coding"},
        {"feature_id": "g2", "symbol": "NA", "Biotype": None},
    ]
    assert dataset.metadata == {"comments": ["by hand"]}


@pytest.mark.parametrize(
    "content",
    ["S1\tS2\ng1\t1\t2\n", "\tS1\tS2\ng1\t1\t2\n", '"","S1","S2"\n"g1",1,2\n', "\ufeffid,S1,S2\r\ng1,1,2\r\n"],
)
def test_headers_as_r_pandas_and_spreadsheets_write_them(tmp_path, content):
    dataset = _read(tmp_path, content, "matrix.txt")
    assert dataset.samples["sample_id"].to_list() == ["S1", "S2"]
    assert dataset.features["feature_id"].to_list() == ["g1"]
    assert dataset.matrices[0].values.rows(0, 1).tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        ("id,S1,S1\ng,1,2\n", DuplicateSampleId, "1 sample id occurs more than once: S1"),
        ("id,Mu\u0308,M\u00fc\ng,1,2\n", DuplicateSampleId, "Mü"),
        ("id,S1\ng,1\ng,2\n", DuplicateFeatureId, "1 feature id occurs more than once: g"),
        ("id,S1\n,1\n", MalformedFile, "feature 1 has no id"),
        ("id,S1,\ng,1,2\n", MalformedFile, "sample 2 has no id"),
        ("id;S1\ng;1\n", MalformedFile, "semicolons"),
        ("id,S1\rg,1\r", MalformedFile, "carriage return"),
        ("id,S1\ng,1,2\nh,1\n", RaggedRow, "line 2 has 3 fields, the header names 2"),
        ("S1,S2\ng,1,2\nh,1\n", RaggedRow, "line 3 has 2 fields, the header names 3"),
        ("id,S1,S2\ng,1,2\nh,1\n", RaggedRow, "line 3 has 2 fields, the header names 3"),
        ("id,S1,S2\ng,1,2\nh,1,low\n", NonNumericValue, "line 3: feature h, sample S2: 'low'"),
        ("id,symbol\ng,TP53\n", MalformedFile, "names no sample"),
        ("# only,a comment\n", WrongFormat, "promises"),
        ("# a\n" * 30_000 + "x,y", WrongFormat, "promises"),
        ("just a sentence.\n", WrongFormat, "promises"),
        ("id,Müller\ng,1\n".encode("latin-1"), NotText, "0xfc at offset 4"),
        ("id,S1\ng,1\n".encode("utf-16"), NotText, "0xff at offset 0"),
        (b"", EmptyFile, "empty"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, content, error, words):
    with pytest.raises(error, match=words):
        _read(tmp_path, content)


def test_more_cells_than_allowed_are_refused(tmp_path):
    with pytest.raises(TooLarge, match="10 values or more"):
        _read(tmp_path, "id,S1,S2\n" + "".join(f"g{i},1,2\n" for i in range(5)), limits=Limits(cells=9))


def test_a_table_of_samples_is_no_matrix(tmp_path):
    with pytest.raises(NonNumericValue, match="sample dex: 'control'"):
        _read(tmp_path, "id,dex\nS1,control\n")


@pytest.mark.shared_data
@pytest.mark.parametrize("file", ["airway_rawcounts.csv", "airway_scaledcounts.csv", "SRP026387_scaledcounts.csv"])
def test_every_cell_equals_that_of_pandas(shared_data, file):
    path = shared_data / "omics/rnaseq_csv" / file
    companion = path.with_name(file.split("_")[0] + "_metadata.csv")
    dataset = read(Upload(file, path, samples=companion))
    expected = pd.read_csv(path, index_col=0, float_precision="round_trip")
    assert dataset.features["feature_id"].to_list() == list(expected.index)
    assert dataset.samples["sample_id"].to_list() == list(expected.columns)
    np.testing.assert_array_equal(dataset.matrices[0].values.rows(0, len(expected)), expected.to_numpy(dtype=float))
    table = pd.read_csv(companion, index_col=0).loc[list(expected.columns)]
    for column in table.columns:
        assert dataset.samples[column].to_list() == table[column].tolist()


_NAMES = st.text(st.characters(exclude_characters="\n\r", exclude_categories=("Cs", "Cc", "Z")), min_size=1, max_size=6)


@given(
    samples=st.lists(_NAMES, min_size=1, max_size=5),
    rows=st.lists(st.tuples(_NAMES, st.lists(st.one_of(st.none(), st.floats()), min_size=5, max_size=5)), max_size=6),
    separator=st.sampled_from("\t,"),
)
@settings(max_examples=150, deadline=None)
def test_any_matrix_comes_back_or_its_ids_are_refused(tmp_path_factory, samples, rows, separator):
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator, lineterminator="\n")
    writer.writerow(["feature", *(f"s{name}" for name in samples)])
    for id, cells in rows:
        writer.writerow([id, *("" if cell is None else repr(cell) for cell in cells[: len(samples)])])
    try:
        dataset = _read(tmp_path_factory.mktemp("csv"), buffer.getvalue())
    except (DuplicateSampleId, DuplicateFeatureId, MalformedFile):
        return
    expected = [[math.nan if c is None else c for c in cells[: len(samples)]] for _, cells in rows]
    values = dataset.matrices[0].values.rows(0, len(rows))
    np.testing.assert_array_equal(values, np.array(expected).reshape(len(rows), len(samples)))


@given(st.binary(max_size=200) | st.text(alphabet='ab,1.\t"\n\r#;-é', max_size=60).map(str.encode))
@example(b"\x1f\x8b\x08")
@example(b"\xef\xbb\xbf")
@example(b"!Series_title\t\n!series_matrix_table_begin\n")
@example(b"!Sample_title\t\n!series_matrix_table_begin\nID_REF\n!series_matrix_table_end")
@example(b"^SAMPLE\n!sample_table_begin\n\n!sample_table_end")
@example(b"^SAMPLE = a\n!sample_table_begin\n!sample_table_end")
@example(b"^DATASET = a\n!dataset_table_begin\n!dataset_table_end")
@example(b"^SERIES = a")
@example(b"#1.3\n0\t0\t0\t0\nid\n")
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_a_dataset_or_a_named_error(tmp_path_factory, content):
    try:
        dataset = _read(tmp_path_factory.mktemp("bytes"), content, "anything")
    except FormatError:
        return
    assert dataset.samples["sample_id"].n_unique() == dataset.samples.height


_SOFT = ["^SAMPLE = a\n", "^SERIES = b\n", "^PLATFORM = p\n", "^DATASET = d\n", "^SUBSET = s\n", "!Sample_x = 1\n"]
_SOFT += ["!sample_table_begin\n", "!sample_table_end\n", "ID_REF\tVALUE\n", "1\t2\n", "x\ty\n", "#VALUE = v\n", "\n"]
_MATRIX = ['!Series_title\t"t"\n', "!Sample_geo_accession\tA\tB\n", "!Sample_characteristics_ch1\t:\ta: b\n"]
_MATRIX += ["!series_matrix_table_begin\n", "ID_REF\tA\tB\n", "x\t1\t2\n", "y\t\n", "!series_matrix_table_end\n"]


@given(st.lists(st.sampled_from(_SOFT), max_size=14) | st.lists(st.sampled_from(_MATRIX), max_size=10))
@settings(max_examples=300, deadline=None)
def test_any_lines_of_geo_give_a_dataset_or_a_named_error(tmp_path_factory, lines):
    try:
        dataset = _read(tmp_path_factory.mktemp("geo"), "".join(lines), "anything")
    except FormatError:
        return
    for matrix in dataset.matrices:
        assert matrix.values.shape == (dataset.features.height, dataset.samples.height)
