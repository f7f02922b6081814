"""GEO series matrix files, read as users upload them."""

import gzip
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from biolake.formats.errors import (
    DuplicateFeatureId,
    DuplicateSampleId,
    MalformedFile,
    NonNumericValue,
    RaggedRow,
    SamplesDiffer,
    Truncated,
)
from biolake.formats.models import Dataset, Limits, Upload
from biolake.formats.read import read

SERIES = '''!Series_title	"Response to ""X"""
!Series_geo_accession	"GSE1"
!Series_status	"Public on May 20 2014"
!Series_submission_date	"Dec 12 2012"
!Series_summary	"First paragraph."
!Series_summary	"Second paragraph."
!Series_overall_design	"Two and two."
!Series_type	"Expression profiling by array"
!Series_contact_name	"Ada,,Lovelace"
!Series_contact_country	"UK"
!Series_platform_id	"GPL1"

!Sample_title	"one"	"two"
!Sample_geo_accession	"GSM1"	"GSM2"
!Sample_organism_ch1	"Homo sapiens"	"Mus musculus"
!Sample_characteristics_ch1	"tissue: liver"	"cell line: A375"
!Sample_characteristics_ch1	"treatment: drug: 5 mg"	"tissue: skin"
!Sample_characteristics_ch1	"treatment: washout"	"no colon here"
!Sample_characteristics_ch2	"tissue: pool"	""
!Sample_characteristics_ch1	"title: chosen"	""
!Sample_description	"a"	"b"
!Sample_description	"c"	""
!Sample_platform_id	"GPL1"	"GPL1"
!Sample_contact_name	"Ada,,Lovelace"	"Ada,,Lovelace"
!series_matrix_table_begin
'''
TABLE = """"ID_REF"	"GSM1"	"GSM2"
"1007_s_at"	1.5	
"NA"	null	-2
!series_matrix_table_end
"""


def _read(folder: Path, text: str, name: str = "GSE1_series_matrix.txt") -> Dataset:
    path = folder / "uploaded"
    path.write_text(text)
    return read(Upload(name, path))


def test_everything_that_the_file_says_is_kept(tmp_path):
    dataset = _read(tmp_path, SERIES + TABLE)
    assert (dataset.format, dataset.accession, dataset.platform) == ("geo_series_matrix", "GSE1", "GPL1")
    assert dataset.title == 'Response to "X"'
    assert dataset.summary == "First paragraph.\n\nSecond paragraph.\n\nTwo and two."
    assert dataset.organism == ("Homo sapiens", "Mus musculus")
    assert dataset.data_type == "Expression profiling by array"
    assert dataset.metadata["year"] == 2014
    assert dataset.metadata["submission_date"] == "2012-12-12"
    assert dataset.metadata["contact"] == {"name": "Ada,,Lovelace", "country": "UK"}
    assert dataset.metadata["series"]["summary"] == ["First paragraph.", "Second paragraph."]
    first, second = dataset.samples.to_dicts()
    assert (first["sample_id"], first["title"], first["tissue"]) == ("GSM1", "one", "liver")
    assert first["treatment"] == "drug: 5 mg\nwashout"
    assert first["tissue (ch2)"] == "pool"
    assert first["characteristics_ch1: title"] == "chosen"
    assert first["description"] == "a\nc"
    assert (second["tissue"], second["cell line"], second["treatment"]) == ("skin", "A375", None)
    assert second["characteristics_ch1"] == "no colon here"
    assert "contact_name" not in first
    assert dataset.features["feature_id"].to_list() == ["1007_s_at", "NA"]
    np.testing.assert_array_equal(dataset.matrices[0].values.rows(0, 2), [[1.5, np.nan], [np.nan, -2]])


def test_a_series_on_several_platforms_is_one_dataset_for_each(tmp_path):
    text = SERIES.replace('"GPL1"\n\n', '"GPL1"\n!Series_platform_id	"GPL2"\n\n')
    assert _read(tmp_path, text + TABLE).accession == "GSE1_GPL1"


def test_samples_come_in_the_order_of_the_matrix(tmp_path):
    dataset = _read(tmp_path, SERIES + TABLE.replace('"GSM1"	"GSM2"', '"GSM2"	"GSM1"'))
    assert dataset.samples["title"].to_list() == ["two", "one"]


def test_a_series_without_values_is_a_dataset_of_metadata(tmp_path):
    dataset = _read(tmp_path, SERIES + '"ID_REF"	"GSM1"	"GSM2"\n!series_matrix_table_end\n')
    assert dataset.matrices == ()
    assert (dataset.samples.height, dataset.features.height) == (2, 0)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        (SERIES + TABLE.replace('"GSM1"	"GSM2"', '"GSM1"	"GSM3"'), SamplesDiffer, r"\(1\): GSM3.*\(1\): GSM2"),
        (SERIES + TABLE.replace('"GSM1"	"GSM2"', '"GSM1"	"GSM1"'), DuplicateSampleId, "GSM1"),
        (SERIES + TABLE.replace('"NA"', "1007_s_at"), DuplicateFeatureId, "1007_s_at"),
        (SERIES + TABLE.replace("-2", "low"), NonNumericValue, "line 28: feature NA, sample GSM2: 'low'"),
        (SERIES + TABLE.replace("null\t", ""), RaggedRow, "line 28 has 2 fields"),
        (SERIES + TABLE.replace("!series_matrix_table_end\n", ""), Truncated, "table_end is missing"),
        (SERIES, Truncated, "before the matrix"),
        (SERIES.replace("!series_matrix_table_begin\n", ""), Truncated, "table_begin is missing"),
        (SERIES + TABLE + "more\n", MalformedFile, "line 30 follows the end"),
        (SERIES.replace('"one"	"two"', '"one"'), RaggedRow, "2 values for 1 samples"),
        (SERIES.replace("!Series_type", "?Series_type") + TABLE, MalformedFile, "line 8 is no attribute"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path, text, error, words):
    with pytest.raises(error, match=words):
        _read(tmp_path, text)


def test_a_cut_off_upload_is_truncated(tmp_path):
    path = tmp_path / "GSE1_series_matrix.txt.gz"
    path.write_bytes(gzip.compress((SERIES + TABLE).encode())[:-20])
    with pytest.raises(Truncated):
        read(Upload(path.name, path))


@pytest.mark.shared_data
def test_values_equal_those_of_pandas_and_the_header_is_whole(shared_data):
    path = shared_data / "omics/geo_series_matrix/GSE42872_series_matrix.txt.gz"
    dataset = read(Upload(path.name, path), Limits())
    expected = pd.read_csv(path, sep="\t", comment="!", index_col=0, float_precision="round_trip")
    assert dataset.features["feature_id"].to_list() == [str(id) for id in expected.index]
    assert dataset.samples["sample_id"].to_list() == list(expected.columns)
    np.testing.assert_array_equal(dataset.matrices[0].values.rows(0, len(expected)), expected.to_numpy())
    assert (dataset.accession, dataset.platform, dataset.organism) == ("GSE42872", "GPL6244", ("Homo sapiens",))
    assert dataset.samples["cell line"].to_list() == ["A375"] * 6
    lines = gzip.decompress(path.read_bytes()).decode().split("!series_matrix_table_begin")[0].splitlines()
    said = repr(dataset.metadata) + dataset.title + dataset.summary + "\n".join(map(str, dataset.samples.rows()))
    said = said.replace("\\n", "\n").replace("\\'", "'")
    for line in lines:
        for value in line.split("\t")[1:]:
            text = value.strip('" ').partition(": ")[2] if "characteristics" in line else value.strip('" ')
            assert text in said, line


@pytest.mark.shared_data
def test_missing_values_are_those_of_pandas(shared_data, tmp_path):
    path = shared_data / "omics/geo_series_matrix/GSE42872_series_matrix.txt.gz"
    head, _, table = gzip.decompress(path.read_bytes()).decode().partition("!series_matrix_table_begin\n")
    rows = table.splitlines()
    cells = [row.split("\t") for row in rows[1:500]]
    generator = np.random.default_rng(1)
    for row in cells:
        for column in range(1, 7):
            if generator.random() < 0.2:
                row[column] = str(generator.choice(["", "null", "NA", "NaN"]))
    body = "\n".join([rows[0], *("\t".join(row) for row in cells)])
    changed = tmp_path / "changed.txt"
    changed.write_text(f"{head}!series_matrix_table_begin\n{body}\n!series_matrix_table_end\n")
    expected = pd.read_csv(io.StringIO(body), sep="\t", index_col=0, float_precision="round_trip")
    values = read(Upload("changed.txt", changed)).matrices[0].values.rows(0, 499)
    assert np.isnan(values).sum() > 400
    np.testing.assert_array_equal(values, expected.to_numpy())
