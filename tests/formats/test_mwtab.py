"""mwTab in both spellings against each other and against the mwtab package, and its errors by name."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biolake.formats.errors import (
    DuplicateFeatureId,
    DuplicateSampleId,
    EmptyFile,
    FormatError,
    MalformedFile,
    NonNumericValue,
    NotADataset,
    NotText,
    RaggedRow,
    SamplesDiffer,
    TooLarge,
    Truncated,
    WrongFormat,
)
from biolake.formats.models import Dataset, Limits, Upload
from biolake.formats.mwtab import read as read_mwtab
from biolake.formats.read import read
from biolake.formats.text import identifier

TEXT = """\
#METABOLOMICS WORKBENCH STUDY_ID:ST000001 ANALYSIS_ID:AN000002 PROJECT_ID:PR000003
VERSION             \t1
CREATED_ON          \t2016-09-17
#PROJECT
PR:PROJECT_TITLE    \tA project
PR:PROJECT_SUMMARY  \tAbout rats
#STUDY
ST:STUDY_TITLE      \tRats that run
ST:STUDY_SUMMARY    \tThe first half
ST:STUDY_SUMMARY    \tand the second.
#SUBJECT
SU:SUBJECT_SPECIES  \tRattus norvegicus | Homo sapiens
#SUBJECT_SAMPLE_FACTORS:         \tSUBJECT(optional)[tab]SAMPLE[tab]FACTORS(NAME:VALUE pairs separated by |)
SUBJECT_SAMPLE_FACTORS           \tR1\tS1\tDiet:Ad lib | Time:10:30\tRAW_FILE_NAME=a.raw; Batch=2
SUBJECT_SAMPLE_FACTORS           \t-\tS2\tDiet:Restricted\t
#ANALYSIS
AN:ANALYSIS_TYPE    \tMS
#MS
MS:INSTRUMENT_NAME  \tOrbitrap
#MS_METABOLITE_DATA
MS_METABOLITE_DATA:UNITS\tpeak area
MS_METABOLITE_DATA_START
Samples\tS1\tS2
Factors\tDiet:Ad lib | Time:10:30\tDiet:Restricted
Lactate\t1.5\t
Citrate\tNA\t2e3
MS_METABOLITE_DATA_END
#METABOLITES
METABOLITES_START
metabolite_name\tkegg_id\tpubchem_id
Lactate\tC00186\t
Glucose\tC00031\t5793
METABOLITES_END
#END
"""

DOCUMENT: dict[str, Any] = {
    "METABOLOMICS WORKBENCH": {
        "STUDY_ID": "ST000001", "ANALYSIS_ID": "AN000002", "PROJECT_ID": "PR000003", "VERSION": "1",
        "CREATED_ON": "2016-09-17",
    },
    "PROJECT": {"PROJECT_TITLE": "A project", "PROJECT_SUMMARY": "About rats"},
    "STUDY": {"STUDY_TITLE": "Rats that run", "STUDY_SUMMARY": "The first half and the second."},
    "SUBJECT": {"SUBJECT_SPECIES": "Rattus norvegicus | Homo sapiens"},
    "SUBJECT_SAMPLE_FACTORS": [
        {
            "Subject ID": "R1", "Sample ID": "S1", "Factors": {"Diet": "Ad lib", "Time": "10:30"},
            "Additional sample data": {"RAW_FILE_NAME": "a.raw", "Batch": "2"},
        },
        {"Subject ID": "-", "Sample ID": "S2", "Factors": {"Diet": "Restricted"}},
    ],
    "ANALYSIS": {"ANALYSIS_TYPE": "MS"},
    "MS": {"INSTRUMENT_NAME": "Orbitrap"},
    "MS_METABOLITE_DATA": {
        "Units": "peak area",
        "Data": [{"Metabolite": "Lactate", "S1": 1.5, "S2": ""}, {"Metabolite": "Citrate", "S1": "NA", "S2": "2e3"}],
        "Metabolites": [
            {"Metabolite": "Lactate", "kegg_id": "C00186", "pubchem_id": ""},
            {"Metabolite": "Glucose", "kegg_id": "C00031", "pubchem_id": 5793},
        ],
    },
}  # fmt: skip


@pytest.fixture
def read_content(tmp_path: Path):
    def read_it(content: str | bytes | dict[str, Any], limits: Limits | None = None) -> Dataset:
        file = tmp_path / "analysis"
        if isinstance(content, dict):
            content = json.dumps(content)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read(Upload("analysis", file), limits)

    return read_it


def values(dataset: Dataset) -> np.ndarray:
    (matrix,) = dataset.matrices
    return matrix.values.rows(0, matrix.values.shape[0])


@pytest.mark.parametrize("content", [TEXT, TEXT.replace("\n", "\r\n"), DOCUMENT], ids=["text", "windows", "json"])
def test_an_analysis_is_read_from_both_spellings(read_content, content) -> None:
    dataset = read_content(content)
    assert dataset.format == "mwtab"
    assert dataset.accession == "AN000002"
    assert dataset.title == "Rats that run"
    assert dataset.summary == "The first half and the second.\n\nAbout rats"
    assert dataset.organism == ("Rattus norvegicus", "Homo sapiens")
    assert (dataset.data_type, dataset.platform) == ("MS", "Orbitrap")
    assert dataset.samples.rows(named=True) == [
        {
            "sample_id": "S1", "Subject ID": "R1", "Diet": "Ad lib", "Time": "10:30",
            "Additional sample data/RAW_FILE_NAME": "a.raw", "Additional sample data/Batch": "2",
        },
        {
            "sample_id": "S2", "Subject ID": None, "Diet": "Restricted", "Time": None,
            "Additional sample data/RAW_FILE_NAME": None, "Additional sample data/Batch": None,
        },
    ]  # fmt: skip
    assert dataset.features.rows(named=True) == [
        {"feature_id": "Lactate", "symbol": None, "kegg_id": "C00186", "pubchem_id": None},
        {"feature_id": "Citrate", "symbol": None, "kegg_id": None, "pubchem_id": None},
    ]
    assert [matrix.layer for matrix in dataset.matrices] == ["MS_METABOLITE_DATA"]
    np.testing.assert_array_equal(values(dataset), [[1.5, np.nan], [np.nan, 2000]])
    assert dataset.metadata["units"] == {"MS_METABOLITE_DATA": "peak area"}
    assert dataset.metadata["METABOLOMICS WORKBENCH"]["STUDY_ID"] == "ST000001"
    assert dataset.metadata["metabolites_without_data"] == [
        {"Metabolite": "Glucose", "kegg_id": "C00031", "pubchem_id": "5793"}
    ]
    assert [finding.code for finding in dataset.findings] == ["ANNOTATIONS_WITHOUT_DATA"]


def test_binned_nmr_spectra_have_bins_as_features(read_content) -> None:
    text = TEXT[: TEXT.index("#MS\n")] + (
        "#NMR\nNM:INSTRUMENT_NAME\tAvance\n#NMR_BINNED_DATA\nNMR_BINNED_DATA_START\n"
        "Bin range(ppm)\tS1\tS2\n0.0...0.1\t1\t2\nNMR_BINNED_DATA_END\n#END\n"
    )
    document = {key: value for key, value in DOCUMENT.items() if not key.startswith("MS")}
    document["NM"] = {"INSTRUMENT_NAME": "Avance"}
    document["NMR_BINNED_DATA"] = {"Data": [{"Bin range(ppm)": "0.0...0.1", "S1": "1", "S2": "2"}]}
    for content in (text, document):
        dataset = read_content(content)
        assert dataset.matrices[0].layer == "NMR_BINNED_DATA"
        assert dataset.platform == "Avance"
        assert dataset.features["feature_id"].to_list() == ["0.0...0.1"]
        assert values(dataset).tolist() == [[1, 2]]


def test_samples_that_were_not_measured_are_a_finding(read_content) -> None:
    text = TEXT.replace("#ANALYSIS\n", "SUBJECT_SAMPLE_FACTORS           \t-\tS3\tDiet:Restricted\t\n#ANALYSIS\n")
    dataset = read_content(text)
    assert dataset.samples["sample_id"].to_list() == ["S1", "S2"]
    assert ("SAMPLES_WITHOUT_DATA", True) in [(f.code, "S3" in f.message) for f in dataset.findings]


def test_two_different_annotations_of_one_name_annotate_nothing(read_content) -> None:
    dataset = read_content(TEXT.replace("Glucose\t", "Lactate\t"))
    assert dataset.features["kegg_id"].to_list() == [None, None]
    assert [item["kegg_id"] for item in dataset.metadata["metabolites_without_data"]] == ["C00186", "C00031"]


def test_what_is_not_read_is_said(read_content) -> None:
    extended = "EXTENDED_MS_METABOLITE_DATA_START\nmetabolite_name\tsample_id\tpeak\nEXTENDED_MS_METABOLITE_DATA_END\n"
    dataset = read_content(TEXT.replace("#METABOLITES\n", extended + "#METABOLITES\n").replace("#END\n", ""))
    assert {"EXTENDED_DATA_NOT_READ", "END_MARK_MISSING"} <= {finding.code for finding in dataset.findings}


def changed(**sections: Any) -> dict[str, Any]:
    return {**DOCUMENT, **sections}


def measured(**fields: Any) -> dict[str, Any]:
    return changed(MS_METABOLITE_DATA={**DOCUMENT["MS_METABOLITE_DATA"], **fields})


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("", EmptyFile, "empty"),
        ("#METABOLOMICS", WrongFormat, "no format"),
        (TEXT[: TEXT.index("Citrate")], Truncated, "MS_METABOLITE_DATA_END is missing"),
        (TEXT + TEXT, MalformedFile, "line 35: a second analysis begins"),
        (TEXT.replace("\tOrbitrap", " Orbitrap"), MalformedFile, "line 19: .* is no KEY<tab>value line"),
        (TEXT.replace("Citrate\tNA", "Citrate"), RaggedRow, "line 26 has 2 cells, the table 3 columns"),
        (TEXT.replace("Citrate\tNA", "Citrate\tNA\t3"), RaggedRow, "line 26 has 4 cells"),
        (TEXT.replace("5793", "5793\tmore"), RaggedRow, "line 32 has 4 cells, the table 3 columns"),
        (TEXT.replace("1.5", "high"), NonNumericValue, "line 25: Lactate of sample S1 is 'high'"),
        (TEXT.replace("1.5", "1_5"), NonNumericValue, "'1_5'"),
        (TEXT.replace("Citrate", "Lactate"), DuplicateFeatureId, "Lactate"),
        (TEXT.replace("Samples\tS1\tS2", "Samples\tS1\tS1"), DuplicateSampleId, "S1"),
        (TEXT.replace("\tS2\tDiet", "\tS1\tDiet"), DuplicateSampleId, "line 15: sample S1 is described twice"),
        (TEXT.replace("\tS2\tDiet", "\t\tDiet"), MalformedFile, "line 15: the sample has no id"),
        (TEXT.replace("Samples\tS1\tS2", "Samples\tS1\tS9"), SamplesDiffer, "not in .*: S9; not measured, .*: S2"),
        (TEXT.replace("S2\tDiet:Restricted\t", "S2\tRestricted\t"), MalformedFile, "line 15: the factor 'Restricted'"),
        (
            TEXT.replace("S2\tDiet:Restricted\t", "S2\tDiet:a | Diet:b\t"),
            MalformedFile,
            "line 15: 'Diet' is given twice",
        ),
        (
            TEXT.replace("\tDiet:Restricted\nLac", "\tDiet:Other\nLac"),
            MalformedFile,
            "line 24: the factors of sample S2",
        ),
        (TEXT.replace("; Batch=2", "; Batch"), MalformedFile, "line 14: the additional sample data 'Batch'"),
        (TEXT.replace("Samples\t", "Probes\t"), MalformedFile, "does not begin with its column names"),
        (TEXT.replace("\tkegg_id", "\tpubchem_id"), MalformedFile, "two columns of one name"),
        (TEXT.replace("Diet:Restricted", "sample_id:1"), MalformedFile, "line 15: a factor cannot be called sample_id"),
        (TEXT[: TEXT.index("#MS_")] + "#END\n", NotADataset, "no table of measurements"),
        (
            TEXT[: TEXT.index("#MS_")] + "MS:MS_RESULTS_FILE\tresults.txt\tUNITS:area\n#END\n",
            NotADataset,
            r"in another file, results\.txt UNITS:area",
        ),
        (TEXT.encode().replace(b"Rats that", b"R\xe4ts that"), NotText, "0xe4"),
        (json.dumps(DOCUMENT)[:-40], Truncated, "JSON document ends early"),
        (json.dumps(DOCUMENT) + "x", MalformedFile, "line 1: Extra data"),
        (json.dumps(DOCUMENT).replace('"S2": ""', '"S1": ""'), MalformedFile, "'S1' occurs twice in one object"),
        (changed(SUBJECT_SAMPLE_FACTORS={}), MalformedFile, "SUBJECT_SAMPLE_FACTORS: a list is needed"),
        (changed(STUDY=[]), MalformedFile, "STUDY: an object is needed"),
        (changed(STUDY={"STUDY_TITLE": [1]}), MalformedFile, "STUDY: STUDY_TITLE: a text is needed"),
        (changed(NMR_METABOLITE_DATA={}), MalformedFile, "a file holds one of them"),
        (measured(Data=[]), NotADataset, "no table of measurements"),
        (measured(Data=[{"S1": "1"}]), MalformedFile, "no object names its Metabolite"),
        (measured(Data=[{"Metabolite": "a", "S1": "1"}, {"Metabolite": "b"}]), RaggedRow, "2 has no value for S1"),
        (
            measured(Data=[{"Metabolite": "a", "S1": "x"}]),
            NonNumericValue,
            "MS_METABOLITE_DATA: Data 1: a of sample S1",
        ),
        ('{"METABOLOMICS WORKBENCH":' + "[" * 100_000, MalformedFile, "nested too deeply"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(read_content, content, error, message) -> None:
    with pytest.raises(error, match=message) as caught:
        read_content(content)
    assert str(caught.value).startswith("analysis: ")


def test_limits_hold(read_content) -> None:
    with pytest.raises(TooLarge):
        read_content(TEXT, Limits(cells=3))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    document=st.booleans(),
    body=st.one_of(st.binary(max_size=80), st.text('\t\n#:|=;"{}[],_START END Samples1.', max_size=60).map(str.encode)),
    where=st.integers(0, 1500),
    removed=st.integers(0, 60),
)
def test_any_bytes_give_a_dataset_or_a_named_error(
    tmp_path: Path, document: bool, body: bytes, where: int, removed: int
) -> None:
    good = (json.dumps(DOCUMENT) if document else TEXT).encode()
    file = tmp_path / "garbage"
    file.write_bytes(good[:where] + body + good[where + removed :])
    # Any exception but FormatError fails the test.
    with contextlib.suppress(FormatError):
        dataset = read_mwtab(Upload("garbage", file), Limits())
        for matrix in dataset.matrices:
            assert matrix.values.shape == (dataset.features.height, dataset.samples.height)


NAME = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=12).filter(
    lambda name: not name.startswith(("#", "_", '"')) and "|" not in name and not name.endswith(("_START", "_END"))
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    metabolites=st.lists(NAME, min_size=1, max_size=6, unique_by=identifier),
    table=st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=12, max_size=12),
)
def test_both_spellings_give_what_was_written(tmp_path: Path, metabolites: list[str], table) -> None:
    cells = ["" if value is None else repr(value) for value in table]
    rows = [(name, cells[2 * number], cells[2 * number + 1]) for number, name in enumerate(metabolites)]
    start, end = TEXT.index("Lactate\t1.5"), TEXT.index("MS_METABOLITE_DATA_END")
    text = TEXT[:start] + "".join("\t".join(row) + "\n" for row in rows) + TEXT[end:]
    document = measured(Data=[dict(zip(("Metabolite", "S1", "S2"), row, strict=True)) for row in rows])
    expected = np.array([[np.nan if v is None else v for v in table[2 * n : 2 * n + 2]] for n in range(len(rows))])
    for content in (text, json.dumps(document)):
        (tmp_path / "written").write_text(content, newline="")
        dataset = read_mwtab(Upload("written", tmp_path / "written"), Limits())
        np.testing.assert_array_equal(values(dataset), expected)
        assert dataset.features.height == len(metabolites)


ANALYSES = ("ST000017_AN000035", "ST000040_AN000060")


@pytest.mark.shared_data
@pytest.mark.parametrize("analysis", ANALYSES)
def test_the_spellings_of_a_real_analysis_give_equal_datasets(shared_data: Path, analysis: str) -> None:
    text, document = (
        read(Upload(name, shared_data / "omics/mwtab" / name)) for name in (f"{analysis}.txt", f"{analysis}.json")
    )
    # The Workbench writes the project's identifier into the text only.
    assert text.metadata["METABOLOMICS WORKBENCH"].pop("PROJECT_ID").startswith("PR")
    for attribute in ("accession", "title", "summary", "organism", "data_type", "platform", "metadata", "findings"):
        assert getattr(text, attribute) == getattr(document, attribute), attribute
    assert text.samples.equals(document.samples)
    assert text.features.equals(document.features)
    assert [matrix.layer for matrix in text.matrices] == [matrix.layer for matrix in document.matrices]
    np.testing.assert_array_equal(values(text), values(document))


@pytest.mark.shared_data
@pytest.mark.parametrize("ending", [".txt", ".json"])
@pytest.mark.parametrize("analysis", ANALYSES)
def test_every_cell_of_a_real_analysis_agrees_with_the_mwtab_package(
    shared_data: Path, analysis: str, ending: str
) -> None:
    from mwtab.mwtab import MWTabFile

    file = shared_data / "omics/mwtab" / f"{analysis}{ending}"
    reference = MWTabFile(str(file))
    reference.read(io.StringIO(file.read_text(encoding="utf-8")))
    dataset = read(Upload(file.name, file))

    data = reference.get_metabolites_data_as_pandas()
    assert dataset.features["feature_id"].to_list() == data["Metabolite"].to_list()
    assert dataset.samples["sample_id"].to_list() == list(data.columns[1:])
    expected = data.iloc[:, 1:].replace("", "nan").astype(float).to_numpy()
    assert expected.size > 4000
    np.testing.assert_array_equal(values(dataset), expected)

    factors = {item["Sample ID"]: item["Factors"] for item in reference["SUBJECT_SAMPLE_FACTORS"]}
    for sample in dataset.samples.rows(named=True):
        assert {key: sample[key] for key in factors[sample["sample_id"]]} == factors[sample["sample_id"]]

    annotations = {row["Metabolite"]: row for row in reference.get_metabolites_as_pandas().to_dict("records")}
    joined = 0
    for feature in dataset.features.drop("symbol").rows(named=True):
        row = annotations.get(feature.pop("feature_id"), {})
        joined += bool(row)
        assert {key: value or "" for key, value in feature.items()} == {key: row.get(key, "") for key in feature}
    assert joined > 250

    for section in ("PROJECT", "STUDY", "SUBJECT", "COLLECTION", "TREATMENT", "SAMPLEPREP", "CHROMATOGRAPHY", "MS"):
        assert dataset.metadata[section] == {key: text.strip() for key, text in reference[section].items()}
    assert dataset.metadata["units"] == {"MS_METABOLITE_DATA": reference["MS_METABOLITE_DATA"]["Units"]}
