"""VCF files against cyvcf2 cell by cell, and what is wrong with them against the errors that name it."""

import contextlib
import gzip
import struct
import zlib
from pathlib import Path

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
    NotText,
    RaggedRow,
    TooLarge,
    Truncated,
    WrongFormat,
)
from biolake.formats.models import Dataset, Limits, Upload
from biolake.formats.read import read
from biolake.formats.vcf import read as read_vcf

HEADER = """\
##fileformat=VCFv4.2
##fileDate=20200122
##reference=file:///human.fasta
##INFO=<ID=AC,Number=A,Type=Integer,Description="Allele count, by \\"allele\\"">
##INFO=<ID=DB,Number=0,Type=Flag,Description="In dbSNP">
##INFO=<ID=ANN,Number=.,Type=String,Description="'Allele | Annotation | Annotation_Impact | Gene_Name | Gene_ID' ">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">
##FORMAT=<ID=AF,Number=1,Type=Float,Description="Fraction">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Depth by allele">
##FILTER=<ID=q10,Description="Quality below 10">
##contig=<ID=1,length=249250621,assembly=b37,species="Homo sapiens">
"""
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"


def vcf(*records: str, samples: tuple[str, ...] = ("a", "b"), header: str = HEADER) -> str:
    names = "\t".join(["", "FORMAT", *samples]) if samples else ""
    lines = [record.replace(" ", "\t") for record in records]
    return header + COLUMNS + names + "\n" + "".join(line + "\n" for line in lines)


@pytest.fixture
def read_text(tmp_path: Path):
    def read_it(text: str | bytes, name: str = "calls.vcf", limits: Limits | None = None) -> Dataset:
        file = tmp_path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read(Upload(name, file), limits)

    return read_it


def values(dataset: Dataset, layer: str) -> list[list[float | None]]:
    (matrix,) = (matrix for matrix in dataset.matrices if matrix.layer == layer)
    rows = matrix.values.rows(0, matrix.values.shape[0])
    return [[None if np.isnan(value) else float(value) for value in row] for row in rows]


def test_a_record_becomes_a_feature_with_its_annotations_and_layers(read_text) -> None:
    dataset = read_text(
        vcf(
            "1 100 rs1 A G 29.5 PASS AC=2;DB GT:DP:AF:AD 0/1:7:0.25:3,4 1|1:.:1e-3:0,9",
            "1 200 . C <DEL> . q10;s50 . GT:AD ./.:. 0/0",
        )
    )
    assert dataset.format == "vcf"
    assert dataset.organism == ("Homo sapiens",)
    assert dataset.samples["sample_id"].to_list() == ["a", "b"]
    assert dataset.features.rows(named=True) == [
        {
            "feature_id": "1:100:A:G", "symbol": None, "CHROM": "1", "POS": "100", "ID": "rs1", "REF": "A", "ALT": "G",
            "QUAL": "29.5", "FILTER": "PASS", "INFO/AC": "2", "INFO/DB": "true",
        },
        {
            "feature_id": "1:200:C:<DEL>", "symbol": None, "CHROM": "1", "POS": "200", "ID": None, "REF": "C",
            "ALT": "<DEL>", "QUAL": None, "FILTER": "q10;s50", "INFO/AC": None, "INFO/DB": None,
        },
    ]  # fmt: skip
    assert [matrix.layer for matrix in dataset.matrices] == ["GT", "DP", "AF"]
    assert values(dataset, "GT") == [[1, 2], [None, 0]]
    assert values(dataset, "DP") == [[7, None], [None, None]]
    assert values(dataset, "AF") == [[0.25, 0.001], [None, None]]
    assert dataset.metadata["format_fields_not_stored"] == ["AD"]
    assert dataset.metadata["fileformat"] == "VCFv4.2"
    assert dataset.metadata["reference"] == "file:///human.fasta"
    assert dataset.metadata["contig"] == [
        {"ID": "1", "length": "249250621", "assembly": "b37", "species": "Homo sapiens"}
    ]
    assert dataset.metadata["INFO"][0]["Description"] == 'Allele count, by "allele"'


@pytest.mark.parametrize(
    ("alternate", "genotype", "count"),
    [
        ("G", "0/0", 0), ("G", "0|1", 1), ("G", "1/1", 2), ("G", "0", 0), ("G", "1", 1), ("G", ".", None),
        ("G", "./.", None), ("G", "0/.", None), ("G", ".|1", None), ("G", "0/0/1", 1), ("G,T", "1/2", 2),
        ("G,T", "0/2", 1), ("G,T", "2", 1), (".", "0/0", 0), ("G", "0/1/.", None), ("G", "|1|0", 1), ("G", "", None),
    ],
)  # fmt: skip
def test_a_genotype_is_the_number_of_its_alternate_alleles(read_text, alternate, genotype, count) -> None:
    dataset = read_text(vcf(f"1 1 . A {alternate} . . . GT {genotype} 0/0"))
    assert values(dataset, "GT") == [[count, 0]]
    half = "." in genotype and any(character.isdigit() for character in genotype)
    assert ("HALF_CALLED_GENOTYPE" in {finding.code for finding in dataset.findings}) == half


def test_several_alternates_stay_one_feature(read_text) -> None:
    dataset = read_text(vcf("1 1 . A G,T . . . GT 0/1 1/2"))
    assert dataset.features["feature_id"].to_list() == ["1:1:A:G,T"]


def test_records_may_differ_in_their_fields(read_text) -> None:
    dataset = read_text(vcf("1 1 . A G . . . DP 3 4", "1 2 . A G . . . GT 0/1 1/1", "1 3 . A G . . . GT:DP 0/0 1/1:9"))
    assert values(dataset, "GT") == [[None, None], [1, 2], [0, 2]]
    assert values(dataset, "DP") == [[3, 4], [None, None], [None, 9]]


def test_without_samples_there_are_features_only(read_text) -> None:
    dataset = read_text(vcf("1 1 . A G . . AC=1", samples=()))
    assert (dataset.samples.height, dataset.features.height, dataset.matrices) == (0, 1, ())


def test_a_header_alone_is_a_dataset_without_features_and_says_so(read_text) -> None:
    dataset = read_text(vcf())
    assert (dataset.samples.height, dataset.features.height, dataset.matrices) == (2, 0, ())
    assert [finding.code for finding in dataset.findings] == ["NO_RECORDS"]


def test_undeclared_depth_is_the_reserved_field_and_others_are_not_numbers(read_text) -> None:
    dataset = read_text(vcf("1 1 . A G . . . GT:DP:XY 0/1:5:1 0/1:6:2", header="##fileformat=VCFv4.0\n"))
    assert [matrix.layer for matrix in dataset.matrices] == ["GT", "DP"]
    assert dataset.metadata["format_fields_not_stored"] == ["XY"]


@pytest.mark.parametrize(
    ("annotation", "symbol"),
    [
        ("G|missense_variant|MODERATE|TP53|ENSG1", "TP53"),
        ("G|missense_variant|MODERATE|TP53|E,G|upstream_gene_variant|MODIFIER|WRAP53|E", "TP53"),
        ("G|missense_variant|MODERATE|TP53|E,G|intron_variant|MODIFIER|WRAP53|E", None),
        ("G|upstream_gene_variant|MODIFIER|WRAP53|E", "WRAP53"),
        ("G|intergenic_region|MODIFIER|A-B|E", None),
        ("G|missense_variant", None),
        (".", None),
    ],
)
def test_the_symbol_is_the_one_gene_that_a_variant_lies_in(read_text, annotation, symbol) -> None:
    dataset = read_text(vcf(f"1 1 . A G . . ANN={annotation} GT 0/1 0/0"))
    assert dataset.features["symbol"].to_list() == [symbol]


def test_a_repeated_record_is_stored_once_and_reported(read_text) -> None:
    record = "1 1 . A G . . . GT 0/1 0/0"
    dataset = read_text(vcf(record, "1 2 . A G . . . GT 0/0 0/0", record))
    assert values(dataset, "GT") == [[1, 0], [0, 0]]
    assert ("REPEATED_RECORD", "line 16") in [(f.code, f.message.split(": ")[1].rstrip(".")) for f in dataset.findings]


def test_a_repeated_info_key_loses_no_value(read_text) -> None:
    dataset = read_text(vcf("1 1 . A G . . AC=1;AC=2; GT 0/1 0/0"))
    assert dataset.features["INFO/AC"].to_list() == ["1;2"]
    assert "REPEATED_INFO_KEY" in {finding.code for finding in dataset.findings}


def test_line_ends_of_windows_and_of_nobody_are_read(read_text) -> None:
    text = vcf("1 1 . A G . . . GT 0/1 1/1", "1 2 . A G . . . GT 0/1 ./.")
    expected = read_text(text)
    for other in (text.replace("\n", "\r\n"), text[:-1], text + "\n\n"):
        dataset = read_text(other)
        assert dataset.features.equals(expected.features)
        assert values(dataset, "GT") == values(expected, "GT")


def test_unescaped_quotation_marks_in_a_description_are_kept(read_text) -> None:
    header = HEADER + '##INFO=<ID=Q,Number=1,Type=String,Description="a "quoted", word">\n'
    assert read_text(vcf(header=header)).metadata["INFO"][-1]["Description"] == 'a "quoted", word'


GOOD = "1 1 . A G . . . GT:DP 0/1:3 0/0:4"


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", EmptyFile, "empty"),
        (vcf(GOOD, header=""), WrongFormat, "line 1 is '#CHROM.*begins with ##fileformat=VCFv4.2"),
        (vcf(GOOD, header="##fileDate=1\n"), WrongFormat, "begins with ##fileformat"),
        (vcf(GOOD, header="##fileformat=VCFv3.3\n"), WrongFormat, "line 1 declares 'VCFv3.3'"),
        (HEADER, Truncated, "before the line #CHROM"),
        (vcf(GOOD)[:-10], Truncated, "the file ends within line 14"),
        (HEADER + "1\t1\t.\tA\tG\n", MalformedFile, "line 13: .* is not the line of column names"),
        (vcf(GOOD).replace("FORMAT\ta", "FORMAT a"), MalformedFile, "line 13"),
        ((HEADER + COLUMNS).replace("\t", " ") + "\n", MalformedFile, "separated by tabs"),
        (vcf(samples=("a", "")), MalformedFile, "line 13: column 11 has no sample name"),
        (vcf(samples=("a", "a")), DuplicateSampleId, "1 sample id occurs more than once: a"),
        (vcf(header="##fileformat=VCFv4.2\n##FORMAT=<ID=DP,Number\n"), MalformedFile, "line 2: .* is not <ID="),
        (vcf(header="##fileformat=VCFv4.2\n##FORMAT=<DP,Number>\n"), MalformedFile, "line 2: .* no list of KEY=value"),
        (vcf(header="##fileformat=VCFv4.2\n##FORMAT=<Number=1>\n"), MalformedFile, "line 2: the line names no ID"),
        (vcf(GOOD, GOOD.replace("0/1", "1/1")), DuplicateFeatureId, "lines 14 and 15 are both 1:1:A:G"),
        (vcf(GOOD, "1 2 . A G . . . GT 0/1"), RaggedRow, "line 15 has 1 sample columns, the header names 2"),
        (vcf(GOOD, "1 2 . A G . . . GT 0/1 0/1 0/1"), RaggedRow, "line 15 has 3 sample columns"),
        (vcf(GOOD, "1 2 . A G . . ."), RaggedRow, "line 15 has 8 columns, the header names 11"),
        (vcf("1 2 . A G . . . GT", samples=()), RaggedRow, "line 14 has 9 columns, the header names 8"),
        (vcf(GOOD, "", "1 2 . A G . . . GT 0/1 0/1"), RaggedRow, "line 15 is empty"),
        (vcf(GOOD, "1 2 . A G . . . GT 0/1 0/1:3"), RaggedRow, "line 15: sample b has 2 fields, FORMAT GT has 1"),
        (vcf(GOOD, "1 2 . A G . . . GT:GT 0/1 0/1"), MalformedFile, "line 15: FORMAT 'GT:GT'"),
        (vcf(GOOD, "1 x . A G . . . GT 0/1 0/1"), MalformedFile, "line 15: POS is 'x'"),
        (vcf(GOOD, "1 2 . A,C G . . . GT 0/1 0/1"), MalformedFile, "line 15: REF is 'A,C'"),
        (vcf(GOOD, "1 2 . A G, . . . GT 0/1 0/1"), MalformedFile, "line 15: ALT is 'G,'"),
        (vcf(GOOD, "1 2 . A G high . . GT 0/1 0/1"), MalformedFile, "line 15: QUAL is 'high'"),
        (vcf(GOOD, "#1 2 . A G . . . GT 0/1 0/1"), MalformedFile, "line 15: CHROM is '#1'"),
        (vcf(GOOD, "1 2 . A G . . =3 GT 0/1 0/1"), MalformedFile, "line 15: INFO holds '=3'"),
        (vcf(GOOD, "1 2 . A G . . . GT 0/1 A/B"), MalformedFile, "line 15: sample b: 'A/B' is no genotype"),
        (vcf(GOOD, "1 2 . A G . . . GT 0/2 0/1"), MalformedFile, "line 15: sample a: the genotype '0/2' names an"),
        (vcf(GOOD, "1 2 . A G . . . DP 3 many"), NonNumericValue, "line 15: sample b: DP is 'many'"),
        (vcf(GOOD, "1 2 . A G . . . DP 3 3,4"), NonNumericValue, "DP is '3,4'"),
        (vcf(GOOD).encode().replace(b"##fileDate=2020", b"##fileDate=\xe9"), NotText, "0xe9"),
        (gzip.compress(vcf(GOOD).encode())[:-20], Truncated, "gzip data ends"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(read_text, text, error, message) -> None:
    with pytest.raises(error, match=message) as caught:
        read_text(text)
    assert str(caught.value).startswith("calls.vcf: ")


def bgzip_block(content: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-15)
    data = deflate.compress(content) + deflate.flush()
    head = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0" + struct.pack("<H", len(data) + 25)
    return head + data + struct.pack("<II", zlib.crc32(content), len(content))


def test_bgzip_is_read_and_one_cut_between_two_blocks_is_noticed(read_text) -> None:
    content = vcf(GOOD, "1 2 . A G . . . GT 0/1 0/1").encode()
    cut = content.index(b"\n1\t2") + 1
    blocks = [bgzip_block(content[:cut]), bgzip_block(content[cut:]), bgzip_block(b"")]
    assert read_text(b"".join(blocks), "calls.vcf.gz").features.height == 2
    with pytest.raises(Truncated, match=r"calls\.vcf\.gz: the block that ends a bgzip file is missing"):
        read_text(blocks[0], "calls.vcf.gz")


def test_limits_hold(read_text) -> None:
    records = [f"1 {position} . A G . . X{position}=1 GT:DP 0/1:3 0/1:4" for position in range(1, 200)]
    with pytest.raises(TooLarge, match="796 values"):
        read_text(vcf(*records), limits=Limits(cells=700))
    with pytest.raises(TooLarge, match="INFO keys"):
        read_text(vcf(*records), limits=Limits(memory_bytes=100_000))


def test_blocks_join_into_one_dataset(read_text, monkeypatch: pytest.MonkeyPatch) -> None:
    records = [f"1 {n} . A G . . . {'GT:DP' if n > 500 else 'GT'} 0/1{':7' if n > 500 else ''} 1/1" for n in range(900)]
    whole = read_text(vcf(*records))
    import biolake.formats.vcf as module

    original = module.TextReader
    monkeypatch.setattr(module, "TextReader", lambda *a, **k: original(*a, **k, block_bytes=1000))
    parts = read_text(vcf(*records))
    assert parts.features.equals(whole.features)
    assert values(parts, "DP") == values(whole, "DP")
    assert values(parts, "GT") == [[1, 2]] * 900


SMALL = st.text(alphabet='01./|:;=,\t\nAGTDP#<>"ID nai5e-', max_size=60)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.one_of(st.binary(max_size=200), SMALL.map(str.encode)), where=st.integers(0, 700))
def test_any_bytes_give_a_dataset_or_a_named_error(tmp_path: Path, body: bytes, where: int) -> None:
    good = vcf("1 100 rs1 A G 29.5 PASS AC=2;DB GT:DP:AD 0/1:7:3,4 1|1:.:0,9", GOOD).encode()
    file = tmp_path / "garbage.vcf"
    file.write_bytes(good[: len(good) - where] + body + good[len(good) - where :])
    # Any exception but FormatError fails the test.
    with contextlib.suppress(FormatError):
        dataset = read_vcf(Upload("garbage.vcf", file), Limits())
        for matrix in dataset.matrices:
            assert matrix.values.shape == (dataset.features.height, dataset.samples.height)


CALLS = st.lists(st.sampled_from(["0", "1", "2", "."]), min_size=1, max_size=4)
CELL = st.tuples(CALLS, st.sampled_from("/|"), st.none() | st.floats(-1e9, 1e9), st.booleans())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=12))
def test_what_is_written_is_what_is_read(tmp_path: Path, table) -> None:
    records = []
    for position, row in enumerate(table, 1):
        cells = [
            mark.join(alleles) + ("" if short and number is None else f":{'.' if number is None else repr(number)}")
            for alleles, mark, number, short in row
        ]
        records.append(f"1 {position} . A C,G . . . GT:AF {' '.join(cells)}")
    file = tmp_path / "written.vcf"
    file.write_text(vcf(*records, samples=("a", "b", "c")))
    dataset = read_vcf(Upload("written.vcf", file), Limits())
    assert values(dataset, "GT") == [
        [None if "." in alleles else sum(allele != "0" for allele in alleles) for alleles, *_ in row] for row in table
    ]
    assert values(dataset, "AF") == [[number for *_, number, _ in row] for row in table]


REFUSED = {
    "empty.vcf": EmptyFile,
    "test-invalid-header.vcf": MalformedFile,
    "issue_198.vcf": DuplicateFeatureId,
    "test-genotypes.vcf": DuplicateFeatureId,
    "test.warnings.vcf.gz": MalformedFile,
}


@pytest.mark.shared_data
def test_every_real_file_agrees_with_cyvcf2_or_is_refused_by_name(shared_data: Path) -> None:
    files = sorted(file for file in (shared_data / "omics/vcf").iterdir() if file.name.endswith((".vcf", ".vcf.gz")))
    assert len(files) > 20
    cells = 0
    for file in files:
        if file.name in REFUSED:
            with pytest.raises(REFUSED[file.name]):
                read(Upload(file.name, file))
        else:
            cells += compare_with_cyvcf2(file)
    assert cells > 50_000


def compare_with_cyvcf2(file: Path) -> int:
    """Compare every cell and return how many there were."""
    from cyvcf2 import VCF

    dataset = read(Upload(file.name, file))
    reference = VCF(str(file))
    assert dataset.samples["sample_id"].to_list() == reference.samples
    layers = {matrix.layer: matrix.values.rows(0, matrix.values.shape[0]) for matrix in dataset.matrices}
    compared = 0
    variants = 0
    for row, variant in enumerate(reference):
        variants += 1
        compare_site(dataset.features.row(row, named=True), variant)
        for layer, read_values in layers.items():
            expected = expected_layer(variant, layer, len(reference.samples))
            if expected is not None:
                np.testing.assert_allclose(read_values[row], expected, rtol=1e-6, err_msg=f"{file.name} {row} {layer}")
                compared += len(expected)
    assert variants == dataset.features.height
    return compared


def compare_site(feature: dict[str, str | None], variant) -> None:
    alternates = ",".join(variant.ALT) or "."
    assert feature["feature_id"] == f"{variant.CHROM}:{variant.POS}:{variant.REF}:{alternates}"
    assert feature["ID"] == variant.ID
    quality = feature["QUAL"]
    if quality is None:
        assert variant.QUAL is None
    else:
        assert float(quality) == pytest.approx(variant.QUAL, rel=1e-6)
    assert feature["FILTER"] == (";".join(variant.FILTERS) or None)
    for key, value in variant.INFO:
        text = feature[f"INFO/{key}"]
        if value is None:
            assert text in (None, "")
        elif isinstance(value, bool):
            assert (text == "true") == value
        elif isinstance(value, str):
            assert text == value
        else:
            numbers = value if isinstance(value, tuple) else (value,)
            assert text is not None
            read_numbers = [None if part == "." else float(part) for part in text.split(",")]
            assert read_numbers == [None if n is None else pytest.approx(n, rel=1e-5, abs=1e-30) for n in numbers]


def expected_layer(variant, layer: str, samples: int) -> list[float] | None:
    if layer not in variant.FORMAT:
        return [np.nan] * samples
    if layer == "GT":
        genotypes = [alleles[:-1] for alleles in variant.genotypes]
        return [np.nan if -1 in alleles else float(sum(allele > 0 for allele in alleles)) for alleles in genotypes]
    values = variant.format(layer)
    if values is None:
        return None
    assert values.shape[1] == 1
    return [np.nan if value <= -2147483648 else float(value) for value in values[:, 0]]
