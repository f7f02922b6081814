"""GEO SOFT files, against GEOparse."""

import contextlib
import gzip
import io
from pathlib import Path

import numpy as np
import pytest

from biolake.formats.errors import (
    DuplicateFeatureId,
    DuplicateSampleId,
    EmptyFile,
    MalformedFile,
    NonNumericValue,
    NotADataset,
    RaggedRow,
    SamplesDiffer,
    SeveralPlatforms,
    Truncated,
)
from biolake.formats.models import Dataset, Upload
from biolake.formats.read import read

FAMILY = """^DATABASE = GeoMiame
!Database_name = Gene Expression Omnibus (GEO)
^SERIES = GSE1
!Series_title = A series
!Series_geo_accession = GSE1
!Series_status = Public on Oct 24 2017
!Series_summary = What was done.
!Series_sample_id = GSM1
!Series_sample_id = GSM2
!Series_platform_id = GPL1
^PLATFORM = GPL1
!Platform_title = A platform
!Platform_organism = Homo sapiens
#ID = probe
!platform_table_begin
ID	Gene Symbol	Note
p1	TP53	"quoted
p2	BRAF	
p3	EGFR	unused
!platform_table_end
^SAMPLE = GSM1
!Sample_title = first
!Sample_organism_ch1 = Homo sapiens
!Sample_characteristics_ch1 = tissue: liver
!Sample_platform_id = GPL1
#VALUE = log2
!sample_table_begin
ID_REF	VALUE	CALL	PVAL
p2	2.5	P	0.1
p1	1.5	A	0.2
!sample_table_end
^SAMPLE = GSM2
!Sample_title = second
!Sample_platform_id = GPL1
!sample_table_begin
ID_REF	VALUE	CALL
p1	null	P
x9	-3	A
!sample_table_end
"""


def _read(folder: Path, text: str, name: str = "GSE1_family.soft") -> Dataset:
    path = folder / "uploaded"
    path.write_text(text)
    return read(Upload(name, path))


def test_samples_of_a_family_become_one_matrix(tmp_path):
    dataset = _read(tmp_path, FAMILY)
    assert (dataset.accession, dataset.title, dataset.platform) == ("GSE1", "A series", "GPL1")
    assert dataset.samples["sample_id"].to_list() == ["GSM1", "GSM2"]
    assert dataset.samples["tissue"].to_list() == ["liver", None]
    assert dataset.features["feature_id"].to_list() == ["p1", "p2", "x9"]
    assert dataset.features["symbol"].to_list() == ["TP53", "BRAF", None]
    assert dataset.features["Note"].to_list() == ['"quoted', None, None]
    layers = {matrix.layer: matrix.values.rows(0, 3) for matrix in dataset.matrices}
    np.testing.assert_array_equal(layers["values"], [[1.5, np.nan], [2.5, np.nan], [np.nan, -3]])
    np.testing.assert_array_equal(layers["PVAL"], [[0.2, np.nan], [0.1, np.nan], [np.nan, np.nan]])
    assert [finding.code for finding in dataset.findings] == ["COLUMN_NOT_STORED", "ALL_MISSING_SAMPLE"]
    assert dataset.metadata["year"] == 2017


def test_a_family_without_samples_is_a_dataset_of_metadata(tmp_path):
    dataset = _read(tmp_path, FAMILY.partition("^SAMPLE")[0])
    assert dataset.samples["sample_id"].to_list() == ["GSM1", "GSM2"]
    assert dataset.matrices == ()
    assert [finding.code for finding in dataset.findings] == ["SAMPLES_NOT_DESCRIBED"]


def test_a_sample_that_the_series_names_and_the_file_lacks_is_a_finding(tmp_path):
    dataset = _read(tmp_path, FAMILY.partition("^SAMPLE = GSM2")[0])
    assert [(f.code, "GSM2" in f.message) for f in dataset.findings] == [("SAMPLES_NOT_DESCRIBED", True)]


def test_a_family_without_a_platform_is_a_dataset_without_one(tmp_path):
    text = FAMILY.replace("!Series_platform_id = GPL1\n", "").replace("!Sample_platform_id = GPL1\n", "")
    before, _, rest = text.partition("^PLATFORM")
    dataset = _read(tmp_path, before + rest[rest.index("^SAMPLE") :])
    assert dataset.platform is None
    assert dataset.features["feature_id"].to_list() == ["p2", "p1", "x9"]


def test_a_sample_alone_is_a_dataset_of_one_sample(tmp_path):
    text = FAMILY[FAMILY.index("^SAMPLE") : FAMILY.index("^SAMPLE = GSM2")]
    dataset = _read(tmp_path, text, "GSM1.txt")
    assert (dataset.accession, dataset.samples.height) == ("GSM1", 1)
    assert dataset.features["CALL"].to_list() == ["P", "A"]
    assert dataset.matrices[0].values.rows(0, 2).tolist() == [[2.5], [1.5]]


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        (FAMILY.replace("!Sample_platform_id = GPL1", "!Sample_platform_id = GPL2", 1), SeveralPlatforms, "GPL2, GPL1"),
        (FAMILY + "^SERIES = GSE2\n!Series_title = b\n", NotADataset, "2 series"),
        (FAMILY[FAMILY.index("^PLATFORM") : FAMILY.index("^SAMPLE")], NotADataset, "no samples"),
        (FAMILY.replace("^SAMPLE = GSM2", "^SAMPLE = GSM1"), DuplicateSampleId, "GSM1"),
        (FAMILY.replace("p1	1.5", "p2	1.5"), DuplicateFeatureId, "GSM1.* p2"),
        (FAMILY.replace("-3", "low"), NonNumericValue, "GSM2: feature x9, sample or column VALUE: 'low'"),
        (FAMILY.replace("p1	1.5	A	0.2", "p1	1.5"), RaggedRow, "line 30 has 2 fields"),
        (FAMILY.removesuffix("!sample_table_end\n"), Truncated, "sample_table_end is missing"),
        (FAMILY.replace("!Sample_title = second", "second"), MalformedFile, "line 33"),
        ("^DATASET = GDS1\n!dataset_title = x\n", Truncated, "0 tables"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, error, words):
    with pytest.raises(error, match=words):
        _read(tmp_path, text)


GDS = """^DATASET = GDS1
!dataset_title = A dataset
!dataset_platform = GPL1
!dataset_sample_organism = Homo sapiens
^SUBSET = GDS1_1
!subset_description = tumour
!subset_sample_id = GSM1,GSM2
!subset_type = disease state
^SUBSET = GDS1_2
!subset_description = 5 mg
!subset_sample_id = GSM2
!subset_type = dose
^DATASET = GDS1
#GSM1 = Value for GSM1: Liver one; src: liver
#GSM2 = Value for GSM2: Liver two; src: liver
!dataset_table_begin
ID_REF	IDENTIFIER	GSM1	GSM2	Gene title
p1	TP53	1	null	tumor protein
!dataset_table_end
"""


def test_subsets_of_a_curated_dataset_become_columns_of_its_samples(tmp_path):
    dataset = _read(tmp_path, GDS, "GDS1.soft")
    assert dataset.samples.to_dicts() == [
        {"sample_id": "GSM1", "title": "Liver one", "source_name": "liver", "disease state": "tumour", "dose": None},
        {"sample_id": "GSM2", "title": "Liver two", "source_name": "liver", "disease state": "tumour", "dose": "5 mg"},
    ]
    assert dataset.features.to_dicts() == [{"feature_id": "p1", "symbol": "TP53", "Gene title": "tumor protein"}]
    np.testing.assert_array_equal(dataset.matrices[0].values.rows(0, 1), [[1, np.nan]])


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (GDS.replace("GSM1	GSM2	", "GSM2	GSM2	"), DuplicateSampleId),
        (GDS.replace("= GSM1,GSM2", "= GSM1,GSM3"), SamplesDiffer),
        (GDS.replace("TP53	1", "TP53	?"), NonNumericValue),
    ],
)
def test_what_is_wrong_with_a_curated_dataset_is_named(tmp_path, text, error):
    with pytest.raises(error):
        _read(tmp_path, text, "GDS1.soft")


def _geoparse(path: Path, geotype: str):
    import GEOparse

    with contextlib.redirect_stderr(io.StringIO()):
        return GEOparse.get_GEO(filepath=str(path), geotype=geotype, silent=True)


@pytest.mark.shared_data
def test_a_curated_dataset_equals_that_of_geoparse(shared_data):
    path = shared_data / "omics/geo_soft/GDS507.soft.gz"
    dataset = read(Upload(path.name, path))
    expected = _geoparse(path, "GDS").table
    samples = dataset.samples["sample_id"].to_list()
    assert samples == list(expected.columns[2:])
    assert dataset.features["feature_id"].to_list() == expected["ID_REF"].tolist()
    assert dataset.features["symbol"].to_list() == expected["IDENTIFIER"].tolist()
    np.testing.assert_array_equal(
        dataset.matrices[0].values.rows(0, len(expected)), expected[samples].to_numpy(dtype=float)
    )
    assert dataset.samples["disease state"].to_list() == ["RCC"] * 9 + ["normal"] * 8


@pytest.mark.shared_data
def test_a_family_equals_that_of_geoparse(shared_data):
    path = shared_data / "omics/geo_soft/geoparse_soft_ex_family.txt"
    dataset = read(Upload(path.name, path))
    family = _geoparse(path, "GSE")
    for matrix in dataset.matrices:
        expected = family.pivot_samples("VALUE" if matrix.layer == "values" else matrix.layer)
        expected = expected.loc[[int(id) for id in dataset.features["feature_id"]], dataset.samples["sample_id"]]
        np.testing.assert_allclose(matrix.values.rows(0, 20), expected.to_numpy(), rtol=1e-15)
    assert len(dataset.matrices) == 5
    assert dataset.features["symbol"].to_list()[:2] == ["Nfatc2", "Gpr3"]


@pytest.mark.shared_data
@pytest.mark.parametrize("file", ["GSM11805.txt.gz", "geoparse_GSM32878.txt"])
def test_a_sample_equals_that_of_geoparse(shared_data, file):
    path = shared_data / "omics/geo_soft" / file
    dataset = read(Upload(file, path))
    expected = _geoparse(path, "GSM").table
    assert dataset.features["feature_id"].to_list() == [str(id) for id in expected["ID_REF"]]
    np.testing.assert_allclose(
        dataset.matrices[0].values.rows(0, len(expected))[:, 0], expected["VALUE"].to_numpy(), rtol=1e-15
    )


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("file", "error"),
    [
        ("GPL97.annot.gz", NotADataset),
        ("geoparse_GPL4133.txt", NotADataset),
        ("geoparse_GPL4134.txt", NotADataset),
        ("GPLbroken.soft.gz", EmptyFile),
        # Its platform's table runs into that of a sample whose beginning is missing.
        ("geoparse_GPL20814_family.soft", RaggedRow),
    ],
)
def test_files_that_are_no_dataset_say_why(shared_data, file, error):
    with pytest.raises(error):
        read(Upload(file, shared_data / "omics/geo_soft" / file))


@pytest.mark.shared_data
@pytest.mark.parametrize("file", ["geoparse_GSE105845_family.soft", "geoparse_GSM2795971.txt"])
def test_sequencing_records_without_values_are_metadata(shared_data, file):
    dataset = read(Upload(file, shared_data / "omics/geo_soft" / file))
    assert dataset.matrices == ()
    assert dataset.samples.height > 0
    assert dataset.organism


@pytest.mark.shared_data
def test_a_truncated_curated_dataset_is_named(shared_data, tmp_path):
    content = (shared_data / "omics/geo_soft/GDS507.soft.gz").read_bytes()
    path = tmp_path / "GDS507.soft.gz"
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(Truncated):
        read(Upload(path.name, path))
    path.write_bytes(gzip.compress(gzip.decompress(content)[:2_000_000]))
    with pytest.raises((Truncated, RaggedRow)):
        read(Upload(path.name, path))
