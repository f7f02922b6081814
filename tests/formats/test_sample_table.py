"""Sample tables and metadata documents that come beside a matrix."""

import json
from pathlib import Path

import pytest

from biolake.formats.errors import (
    DuplicateSampleId,
    EmptyFile,
    FormatError,
    MalformedFile,
    NotText,
    RaggedRow,
    SamplesDiffer,
    UnreadableMetadata,
)
from biolake.formats.models import Dataset, Upload
from biolake.formats.read import read

MATRIX = "id,S1,S2\ng1,1,2\n"
GSM = (
    "^SAMPLE = GSM1\n!Sample_title = one\n!Sample_organism_ch1 = Homo sapiens\n!Sample_submission_date = Oct 20 2003\n"
)


def _read(
    folder: Path, samples: str | bytes | None = None, metadata: object = None, data: str = MATRIX, name: str = "a.csv"
) -> Dataset:
    (folder / "data").write_text(data)
    table = document = None
    if samples is not None:
        table = folder / "samples.csv"
        table.write_bytes(samples.encode() if isinstance(samples, str) else samples)
    if metadata is not None:
        document = folder / "a.json"
        document.write_bytes(metadata if isinstance(metadata, bytes) else json.dumps(metadata).encode())
    return read(Upload(name, folder / "data", table, document))


@pytest.mark.parametrize(
    "table",
    [
        'id,tissue,Mito %\nS2,skin,NA\nS1,"liver, left",5\n',
        "id\ttissue\tMito %\nS2\tskin\tNA\nS1\tliver, left\t5\n",
        '\ufeff# from the lab\r\nid,tissue,Mito %\r\nS2,skin,NA\r\nS1,"liver, left",5\r\n',
    ],
)
def test_rows_are_joined_in_the_order_of_the_matrix(tmp_path, table):
    assert _read(tmp_path, table).samples.to_dicts() == [
        {"sample_id": "S1", "tissue": "liver, left", "Mito %": "5"},
        {"sample_id": "S2", "tissue": "skin", "Mito %": "NA"},
    ]


def test_ids_are_compared_in_composed_form(tmp_path):
    dataset = _read(tmp_path, "id,x\nMu\u0308,1\n", data="id,M\u00fc\ng,1\n")
    assert dataset.samples.to_dicts() == [{"sample_id": "M\u00fc", "x": "1"}]


def test_samples_that_differ_are_listed_from_both_sides(tmp_path):
    matrix = "id," + ",".join(f"S{i}" for i in range(30)) + "\ng," + ",".join("1" * 30) + "\n"
    with pytest.raises(SamplesDiffer) as caught:
        _read(tmp_path, "id,x\nS0,1\nT1,2\n", data=matrix)
    message = str(caught.value)
    assert "Only in the matrix (29 of 30): S1, S2, " in message
    assert "S20 and 9 more" in message
    assert "S21," not in message
    assert "Only in the sample table (1 of 2): T1" in message
    assert caught.value.code == "SAMPLES_DIFFER"


@pytest.mark.parametrize(
    ("table", "error", "words"),
    [
        ("id,x\nS1,1\nS1,2\nS2,3\n", DuplicateSampleId, "S1"),
        ("id,x\nS1,1\nS2\n", RaggedRow, "samples.csv: line 3"),
        ("id,x\nS1,1\n,2\n", UnreadableMetadata, "row 2"),
        ("id;x\nS1;1\n", MalformedFile, "semicolons"),
        ("", EmptyFile, "samples.csv"),
        ("# nothing\n", EmptyFile, "no header"),
        (b"id,x\nS1,\xfc\n", NotText, "samples.csv: byte 0xfc"),
        (b"PK\x03\x04\0\0", UnreadableMetadata, "no text"),
    ],
)
def test_what_is_wrong_with_a_table_is_named(tmp_path, table, error, words):
    with pytest.raises(error, match=words):
        _read(tmp_path, table)


def test_a_column_that_the_file_has_as_well_is_the_tables_and_the_files_is_kept(tmp_path):
    dataset = _read(tmp_path, "id,title,organism_ch1\nGSM1,chosen,Homo sapiens\n", data=GSM, name="GSM1.soft")
    row = dataset.samples.to_dicts()[0]
    assert (row["title"], row["title (file)"], row["organism_ch1"]) == ("chosen", "one", "Homo sapiens")
    assert "organism_ch1 (file)" not in row
    assert [finding.code for finding in dataset.findings] == ["SAMPLE_COLUMN_REPLACED"]


def test_a_document_describes_the_dataset(tmp_path):
    document = {"dataset_id": "D1", "title": "T", "description": "S", "organism": "Homo sapiens", "year": 2020}
    dataset = _read(tmp_path, metadata={**document, "data_type": "RNA-seq", "platform": "X", "lab": {"room": 5}})
    assert (dataset.accession, dataset.title, dataset.summary) == ("D1", "T", "S")
    assert (dataset.organism, dataset.data_type, dataset.platform) == (("Homo sapiens",), "RNA-seq", "X")
    assert dataset.metadata == {"year": 2020, "lab": {"room": 5}}


def test_what_a_document_replaces_is_kept(tmp_path):
    dataset = _read(tmp_path, metadata={"title": "better", "organism": [], "year": 2004}, data=GSM, name="GSM1.soft")
    assert dataset.title == "better"
    assert dataset.metadata["year"] == 2004
    assert dataset.metadata["data_file"] == {"title": "one", "organism": ["Homo sapiens"], "year": 2003}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"{", "line 1, column 2"),
        (b"[1]", "no JSON object"),
        (b'{"title": 5}', "title: .*string"),
        (b'{"year": "2020"}', "year"),
        (b'{"x": NaN}', "NaN"),
        (b'{"x": ' + b"[" * 200_000, "a.json"),
        (b'{"x": ' + b"9" * 5000 + b"}", "a.json"),
        (b'{"x": "\xfc"}', "byte offset 7"),
        (b"", "a.json"),
    ],
)
def test_a_document_that_cannot_be_used_says_why(tmp_path, document, words):
    with pytest.raises(UnreadableMetadata, match=words):
        _read(tmp_path, metadata=document)


def test_every_error_names_the_file_and_has_a_code(tmp_path):
    with pytest.raises(FormatError) as caught:
        _read(tmp_path, "id,x\nS1,1\n")
    assert "a.csv" in str(caught.value)
    assert "samples.csv" in str(caught.value)
