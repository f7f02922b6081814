"""Telling formats, and what every dataset must hold whatever its format."""

import csv
import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from biolake.formats.checks import checked, listing
from biolake.formats.errors import (
    DimensionsDiffer,
    DuplicateFeatureId,
    DuplicateSampleId,
    EmptyFile,
    FormatError,
    InvalidValue,
    MalformedFile,
    TooLarge,
    WrongFormat,
)
from biolake.formats.models import Dataset, DenseValues, Limits, Matrix, SparseValues, Upload
from biolake.formats.mojibake import repaired, with_repaired_text
from biolake.formats.read import read
from biolake.formats.registry import MODULES, detect, format_named, formats


def _dataset(values: list[list[float]], layer: str = "values", **changes: object) -> Dataset:
    array = np.array(values, dtype=float)
    dataset = Dataset(
        format="csv_matrix",
        accession=None,
        title="",
        summary="",
        organism=(),
        data_type=None,
        platform=None,
        samples=pl.DataFrame({"sample_id": [f"S{i}" for i in range(array.shape[1])]}),
        features=pl.DataFrame({"feature_id": [f"g{i}" for i in range(array.shape[0])]}),
        matrices=(Matrix(layer, DenseValues(array)),),
    )
    return replace(dataset, **changes)


def _codes(dataset: Dataset) -> list[str]:
    return [finding.code for finding in checked(dataset, "file", Limits()).findings]


def test_every_listed_format_is_there_with_a_name_of_its_own():
    names = [format.name for format in formats()]
    assert len(set(names)) == len(names) == len(MODULES)
    assert format_named("gct").title == "GCT"
    with pytest.raises(WrongFormat, match="csv_matrix"):
        format_named("word")


@pytest.mark.parametrize(
    ("content", "name", "format"),
    [
        (b"#1.3\n", "anything.txt", "gct"),
        (b"#1.2\r\n", "a.gct", "gct"),
        (b'!Series_title\t"x"\n', "GSE1_series_matrix.txt", "geo_series_matrix"),
        (b"^SAMPLE = GSM1\n", "GSM1.txt", "geo_soft"),
        (b"^Annotation\n", "GPL1.annot", "geo_soft"),
        (b"id,S1\n", "a.csv", "csv_matrix"),
        (b"\xef\xbb\xbfid\tS1\n", "a.txt", "csv_matrix"),
    ],
)
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_formats_are_told_by_content(tmp_path, compress, content, name, format):
    path = tmp_path / "object"
    path.write_bytes(compress(content))
    assert detect(Upload(name, path)).name == format


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"id,S1\ng,1\n", "a.h5ad", "promises .*content is CSV"),
        (b"id,S1\ng,1\n", "a.gct.gz", "promises GCT, the content is CSV"),
        (b"#1.3\n", "A.SOFT", "promises GEO SOFT, the content is GCT"),
        (b"%PDF-1.7", "paper.txt", "PDF"),
        (b"BZh91AY", "a.txt.bz2", "bzip2"),
        (b"\xfd7zXZ\x00abc", "a.xz", "xz"),
        (b"<html>,", "a.txt", "HTML"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "a.xls", "Excel"),
        (b'{"a": 1, "b": 2}', "a.json", "JSON"),
        (b"\x00\x01\x02,\t", "a.bin", "no format the platform reads"),
    ],
)
def test_foreign_content_is_named_for_what_it_is(tmp_path, content, name, words):
    path = tmp_path / "object"
    path.write_bytes(content)
    with pytest.raises(WrongFormat, match=words):
        read(Upload(name, path))


def test_hdf5_within_gzip_is_to_be_decompressed(tmp_path):
    path = tmp_path / "object"
    path.write_bytes(gzip.compress(b"\x89HDF\r\n\x1a\n" + bytes(100)))
    with pytest.raises(WrongFormat, match="gunzip"):
        read(Upload("a.h5ad.gz", path))


@pytest.mark.parametrize("content", [b"", gzip.compress(b"")])
def test_an_empty_file_is_named_whatever_its_name(tmp_path, content):
    path = tmp_path / "object"
    path.write_bytes(content)
    for name in ("a.h5ad", "a.csv", "a.vcf.gz"):
        with pytest.raises(EmptyFile):
            read(Upload(name, path))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"samples": pl.DataFrame({"sample_id": ["a", "a "]})}, DuplicateSampleId),
        ({"features": pl.DataFrame({"feature_id": ["\u00fc", "u\u0308"]})}, DuplicateFeatureId),
        ({"samples": pl.DataFrame({"sample_id": ["a", None]})}, MalformedFile),
        ({"samples": pl.DataFrame({"id": ["a", "b"]})}, MalformedFile),
        ({"samples": pl.DataFrame({"sample_id": ["a", "b", "c"]})}, DimensionsDiffer),
        ({"features": pl.DataFrame({"feature_id": ["a"]})}, DimensionsDiffer),
    ],
)
def test_what_no_dataset_may_hold_is_refused(changes, error):
    with pytest.raises(error):
        checked(_dataset([[1, 2], [3, 4]], **changes), "file", Limits())


def test_two_layers_of_one_name_and_too_many_cells_are_refused():
    dataset = _dataset([[1, 2]])
    with pytest.raises(MalformedFile, match="two layers"):
        checked(replace(dataset, matrices=dataset.matrices * 2), "file", Limits())
    with pytest.raises(TooLarge):
        checked(dataset, "file", Limits(cells=1))


def test_ids_come_first_as_text_and_features_have_a_symbol():
    dataset = _dataset([[1]], samples=pl.DataFrame({"age": [5], "sample_id": [7]}))
    result = checked(dataset, "file", Limits())
    assert result.samples.to_dict(as_series=False) == {"sample_id": ["7"], "age": [5]}
    assert result.features.schema == {"feature_id": pl.String, "symbol": pl.String}


def test_gene_names_that_a_spreadsheet_turned_into_dates_are_found():
    ids = ["1-Mar", "2-Sep", "MARCH1", "SEP-15 protein", "Dec-01", "11-Oct-x"]
    dataset = _dataset([[1]] * 6, features=pl.DataFrame({"feature_id": ids}))
    result = checked(dataset, "file", Limits())
    assert [finding.code for finding in result.findings] == ["GENE_SYMBOL_DATE"]
    assert "3 gene names" in result.findings[0].message
    assert "1-Mar, 2-Sep, Dec-01" in result.findings[0].message


@pytest.mark.parametrize("where", [{"layer": "counts"}, {"layer": "raw_counts"}, {"data_type": "Raw counts"}])
def test_declared_counts_are_not_negative_and_fractions_are_found(where):
    with pytest.raises(InvalidValue, match="feature g1 of sample S0 is -1"):
        checked(_dataset([[1, 2], [-1, 3]], **where), "file", Limits())
    assert _codes(_dataset([[1.5, 2], [np.nan, 3]], **where)) == ["NON_INTEGER_COUNT"]


@pytest.mark.parametrize(
    "where", [{}, {"layer": "normalized_counts"}, {"data_type": "log counts per million"}, {"data_type": "account"}]
)
def test_other_values_may_be_negative(where):
    assert _codes(_dataset([[1.5, 2], [-1, 3]], **where)) == []


def test_samples_without_information_and_infinite_values_are_found():
    assert _codes(_dataset([[0, np.nan, 1], [np.nan, np.nan, np.inf]])) == [
        "ALL_MISSING_SAMPLE",
        "ALL_ZERO_SAMPLE",
        "INFINITE_VALUE",
    ]


def test_sparse_matrices_are_checked_as_dense_ones():
    matrix = sparse.csr_matrix(np.array([[0, -2.0], [0, 1]]))
    dataset = _dataset([[0, 0], [0, 0]], matrices=(Matrix("counts", SparseValues(matrix)),))
    with pytest.raises(InvalidValue, match="feature g0 of sample S1 is -2"):
        checked(dataset, "file", Limits())


def test_a_list_in_a_message_is_short():
    assert listing(["a", "b"]) == "a, b"
    assert listing(map(str, range(25))).endswith("19 and 5 more")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("SIRPÎ±", "SIRPα"),
        ("dâ€™Ivoire", "d’Ivoire"),
        ("β and SIRPÎ±", "β and SIRPα"),
        ("ÃƒÂ©", "é"),
        ("37 Â°C", "37 °C"),
    ],
)
def test_text_encoded_twice_is_repaired(raw, text):
    assert repaired(raw) == text


@given(st.text(alphabet="abc ,.αβγμ°±éüñ’“”–→≥"))
def test_repair_undoes_double_encoding(text):
    raw = text.encode()
    # Windows-1252 leaves five bytes undefined; programs pass them through.
    twice = "".join(bytes([b]).decode("cp1252") if b not in b"\x81\x8d\x8f\x90\x9d" else chr(b) for b in raw)
    assert repaired(text) == text
    assert repaired(twice) == text


@pytest.mark.parametrize(
    "text",
    ["café", "10 μM", "µ", "naïve", "Åsa Öberg", "±5 °C", "日本", "“objective 40×”", "CAFÉ®", "KÖ–B", "café–“le”"],
)
def test_proper_text_is_left_alone(text):
    assert repaired(text) == text


def test_repaired_text_keeps_the_raw_in_the_metadata():
    samples = pl.DataFrame({"sample_id": ["Î±", "b"], "treatment": ["TNFÎ±", None]})
    dataset = with_repaired_text(_dataset([[1, 2]], title="SIRPÎ±", samples=samples))
    assert dataset.title == "SIRPα"
    assert dataset.samples.to_dict(as_series=False) == {"sample_id": ["Î±", "b"], "treatment": ["TNFα", None]}
    assert dataset.metadata["raw_text"] == {"title": "SIRPÎ±", "samples": {"treatment": {"Î±": "TNFÎ±"}}}
    assert [finding.code for finding in dataset.findings] == ["DOUBLE_ENCODED_TEXT"]


@pytest.mark.shared_data
def test_real_text_that_was_encoded_twice_is_repaired(shared_data):
    with gzip.open(shared_data / "search/Top_Gemma_Candidates.tsv.gz", "rt", encoding="utf-8") as file:
        texts = [" ".join(row) for row in csv.reader(file, delimiter="\t")]
    broken = [text for text in texts if repaired(text) != text]
    assert broken
    assert not any("Î±" in repaired(text) for text in texts)


@pytest.mark.shared_data
@pytest.mark.parametrize("folder", ["geo_series_matrix", "geo_soft", "rnaseq_csv", "gct"])
def test_every_real_file_is_a_dataset_or_a_named_error(shared_data, folder):
    n_datasets = 0
    for path in sorted((shared_data / "omics" / folder).iterdir()):
        try:
            dataset = read(Upload(path.name, path))
        except FormatError as error:
            assert path.name in str(error)  # noqa: PT017 - some of the files are broken, on purpose
            continue
        assert dataset.format in {format.name for format in formats()}
        assert dataset.samples.height > 0
        n_datasets += 1
    assert n_datasets > 0


def test_a_dataset_is_told_from_a_folder_only_by_formats_of_folders(tmp_path: Path):
    with pytest.raises(WrongFormat):
        read(Upload("folder", tmp_path))
