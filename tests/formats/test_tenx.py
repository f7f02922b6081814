"""10x matrices as HDF5, folder and zip: against scanpy, and against what is wrong with them."""

import gzip
import shutil
import warnings
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import io, sparse

from biolake.formats.errors import (
    DimensionsDiffer,
    DuplicateFeatureId,
    EmptyFile,
    FormatError,
    MalformedFile,
    NonNumericValue,
    RaggedRow,
    SamplesDiffer,
    TooLarge,
    Truncated,
    WrongFormat,
)
from biolake.formats.models import Dataset, Limits, Upload
from biolake.formats.read import read

COUNTS = np.array([[0, 3, 0], [1, 0, 0], [0, 0, 70_000], [0, 0, 0]])
BARCODES = ["AAAC-1", "AAAG-1", "AAAT-1"]
GENES = [("ENSG1", "TP53"), ("ENSG2", "EGFR"), ("ENSG3", "MYC"), ("ENSG4", "KRAS")]


def dataset_of(path: Path) -> Dataset:
    return read(Upload(path.name, path))


def values_of(dataset: Dataset) -> np.ndarray:
    return dataset.matrices[0].values.rows(0, dataset.features.height)


def same_as_scanpy(dataset: Dataset, expected, genome: str | None = None) -> None:
    features = dataset.features
    rows = slice(None)
    if genome is not None:
        rows = (features["genome"] == genome).to_numpy()
        features = features.filter(rows)
    assert dataset.samples["sample_id"].to_list() == list(expected.obs_names)
    assert features["feature_id"].to_list() == [str(gene) for gene in expected.var["gene_ids"]]
    assert features["symbol"].to_list() == list(expected.var_names)
    if "feature_types" in expected.var:
        assert features["feature_type"].to_list() == list(expected.var["feature_types"])
    if "genome" in expected.var:
        assert features["genome"].to_list() == list(expected.var["genome"])
    np.testing.assert_array_equal(values_of(dataset)[rows], expected.X.toarray().T)


@pytest.fixture
def tenx(shared_data: Path) -> Path:
    return shared_data / "omics" / "tenx"


@pytest.fixture
def scanpy():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("scanpy")


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["1.2.0/filtered_gene_bc_matrices_h5.h5", "3.0.0/filtered_feature_bc_matrix.h5"])
def test_hdf5_is_read_as_scanpy_does(name: str, tenx: Path, scanpy):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same_as_scanpy(dataset_of(tenx / name), scanpy.read_10x_h5(tenx / name))


@pytest.mark.shared_data
def test_genomes_of_the_same_cells_are_one_dataset(tenx: Path, scanpy):
    path = tenx / "1.2.0" / "multiple_genomes.h5"
    dataset = dataset_of(path)
    assert dataset.features.height == 686
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for genome in ("hg19_chr21", "another_genome"):
            same_as_scanpy(dataset, scanpy.read_10x_h5(path, genome=genome), genome)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "name", ["1.2.0/filtered_gene_bc_matrices/hg19_chr21", "3.0.0/filtered_feature_bc_matrix", "int-ids"]
)
def test_folders_and_zips_are_read_as_scanpy_does(name: str, tenx: Path, scanpy, tmp_path: Path):
    folder = tenx / name
    plain = tmp_path / "plain"
    plain.mkdir()
    for file in folder.iterdir():
        shutil.copy(file, plain)
    if name == "int-ids":
        # scanpy takes a features.tsv for the gzip file of version 3.
        for file in plain.iterdir():
            (plain / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = scanpy.read_10x_mtx(plain)
    same_as_scanpy(dataset_of(folder), expected)
    archive = shutil.make_archive(str(tmp_path / "matrix"), "zip", folder.parent, folder.name)
    same_as_scanpy(dataset_of(Path(archive)), expected)


@pytest.mark.shared_data
def test_the_folder_above_a_genome_names_it(tenx: Path):
    dataset = dataset_of(tenx / "1.2.0" / "filtered_gene_bc_matrices")
    assert set(dataset.features["genome"]) == {"hg19_chr21"}


def write_folder(folder: Path, *, version: int = 3, prefix: str = "", counts=COUNTS, barcodes=BARCODES) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    io.mmwrite(folder / "m.mtx", sparse.coo_array(counts), symmetry="general")
    lines = [(*gene, "Gene Expression") if version == 3 else gene for gene in GENES]
    texts = {
        "matrix.mtx": (folder / "m.mtx").read_bytes(),
        "barcodes.tsv": "".join(f"{barcode}\n" for barcode in barcodes).encode(),
        "features.tsv" if version == 3 else "genes.tsv": "".join("\t".join(line) + "\n" for line in lines).encode(),
    }
    (folder / "m.mtx").unlink()
    for name, text in texts.items():
        if version == 3:
            (folder / f"{prefix}{name}.gz").write_bytes(gzip.compress(text))
        else:
            (folder / f"{prefix}{name}").write_bytes(text)
    return folder


def zipped(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder))
    return path


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("prefix", ["", "GSM1234_"])
@pytest.mark.parametrize("as_zip", [False, True])
def test_every_layout_is_the_same_dataset(version: int, prefix: str, as_zip: bool, tmp_path: Path):
    path = write_folder(tmp_path / "outs", version=version, prefix=prefix)
    if as_zip:
        path = zipped(path, tmp_path / "outs.zip")
    dataset = dataset_of(path)
    assert dataset.format == "tenx"
    assert dataset.samples["sample_id"].to_list() == BARCODES
    assert dataset.features["feature_id"].to_list() == [gene for gene, _ in GENES]
    assert dataset.features["symbol"].to_list() == [symbol for _, symbol in GENES]
    assert dataset.data_type == ("Gene Expression" if version == 3 else None)
    np.testing.assert_array_equal(values_of(dataset), COUNTS)


def test_genomes_in_folders_are_one_dataset_where_barcodes_agree(tmp_path: Path):
    write_folder(tmp_path / "m" / "hg19", version=2)
    mouse = write_folder(tmp_path / "m" / "mm10", version=2)
    genes = mouse / "genes.tsv"
    genes.write_text(genes.read_text().replace("ENSG", "ENSMUSG"))
    dataset = dataset_of(tmp_path / "m")
    assert dataset.features["genome"].to_list() == ["hg19"] * 4 + ["mm10"] * 4
    np.testing.assert_array_equal(values_of(dataset), np.vstack([COUNTS, COUNTS]))


def test_genomes_of_other_barcodes_are_refused(tmp_path: Path):
    write_folder(tmp_path / "m" / "hg19", version=2)
    write_folder(tmp_path / "m" / "mm10", version=2, barcodes=["AAAC-1", "AAAG-1", "CCCC-1"])
    with pytest.raises(SamplesDiffer, match="only hg19: AAAT-1; only mm10: CCCC-1"):
        dataset_of(tmp_path / "m")


def test_genomes_that_share_a_gene_id_are_refused(tmp_path: Path):
    write_folder(tmp_path / "m" / "hg19", version=2)
    write_folder(tmp_path / "m" / "mm10", version=2)
    with pytest.raises(DuplicateFeatureId, match="ENSG1"):
        dataset_of(tmp_path / "m")


def test_several_samples_in_one_archive_are_refused(tmp_path: Path):
    write_folder(tmp_path / "m", prefix="GSM1_")
    write_folder(tmp_path / "m", prefix="GSM2_")
    with pytest.raises(MalformedFile, match="2 matrices"):
        dataset_of(zipped(tmp_path / "m", tmp_path / "m.zip"))


def rewrite(folder: Path, name: str, change) -> None:
    path = folder / name
    path.write_bytes(gzip.compress(change(gzip.decompress(path.read_bytes()))))


@pytest.mark.parametrize(
    ("name", "change", "error", "words"),
    [
        ("matrix.mtx.gz", lambda b: b.replace(b"4 3 3", b"4 4 3"), DimensionsDiffer, "4 x 4"),
        ("matrix.mtx.gz", lambda b: b.replace(b"4 3 3", b"4 3 4"), Truncated, "3 of the 4 values"),
        ("matrix.mtx.gz", lambda b: b.replace(b"4 3 3", b"4 3 2"), DimensionsDiffer, "more than the 2 values"),
        ("matrix.mtx.gz", lambda b: b.replace(b"4 3 3", b"4 3 99999999999"), DimensionsDiffer, "do not fit"),
        ("matrix.mtx.gz", lambda b: b.replace(b"70000", b"7oooo"), NonNumericValue, "7oooo"),
        ("matrix.mtx.gz", lambda b: b.replace(b"3 3 70000", b"3 9 70000"), DimensionsDiffer, "column 9"),
        ("matrix.mtx.gz", lambda b: b.replace(b"3 3 70000", b"0 3 70000"), DimensionsDiffer, "before the first"),
        ("matrix.mtx.gz", lambda b: b.replace(b"3 3 70000", b"1 2 70000"), MalformedFile, "place of another"),
        ("matrix.mtx.gz", lambda b: b.replace(b"3 3 70000", b"3 3"), NonNumericValue, "'3 3'"),
        ("matrix.mtx.gz", lambda b: b.replace(b"coordinate", b"array"), MalformedFile, "array"),
        ("matrix.mtx.gz", lambda b: b.replace(b"%%Matrix", b"Matrix"), WrongFormat, "MatrixMarket"),
        ("matrix.mtx.gz", lambda b: b[:30], Truncated, "first line"),
        ("matrix.mtx.gz", lambda b: b"", EmptyFile, "matrix"),
        ("features.tsv.gz", lambda b: b.replace(b"ENSG2\t", b"ENSG2\tx\t"), RaggedRow, "line 2"),
        ("features.tsv.gz", lambda b: b.replace(b"ENSG2\t", b"ENSG1\t"), DuplicateFeatureId, "ENSG1"),
        ("barcodes.tsv.gz", lambda b: b"", EmptyFile, "barcodes"),
        ("barcodes.tsv.gz", lambda b: b + b"AAAA-1\n", DimensionsDiffer, "4 barcodes"),
    ],
)
def test_what_is_wrong_in_a_folder_is_named(name: str, change, error, words: str, tmp_path: Path):
    folder = write_folder(tmp_path / "outs")
    rewrite(folder, name, change)
    with pytest.raises(error) as caught:
        dataset_of(folder)
    assert words in str(caught.value)


def test_blanks_and_comments_in_a_matrix_do_not_matter(tmp_path: Path):
    folder = write_folder(tmp_path / "outs")
    rewrite(folder, "matrix.mtx.gz", lambda b: b.replace(b" ", b" \t ").replace(b"\n", b"\r\n").rstrip())
    np.testing.assert_array_equal(values_of(dataset_of(folder)), COUNTS)


def test_a_gzip_file_cut_short_is_truncated(tmp_path: Path):
    for name in ("matrix.mtx.gz", "features.tsv.gz"):
        folder = write_folder(tmp_path / name.split(".")[0])
        (folder / name).write_bytes((folder / name).read_bytes()[:-12])
        with pytest.raises(Truncated, match="gzip"):
            dataset_of(folder)


def test_a_missing_file_is_named(tmp_path: Path):
    folder = write_folder(tmp_path / "outs")
    (folder / "features.tsv.gz").unlink()
    with pytest.raises(MalformedFile, match="lacks the file of features"):
        dataset_of(folder)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0.3, 1, exclude_max=True))
def test_a_zip_cut_short_is_truncated(share: float, tmp_path: Path):
    content = zipped(write_folder(tmp_path / "outs"), tmp_path / "whole.zip").read_bytes()
    path = tmp_path / "cut.zip"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(Truncated):
        dataset_of(path)


def test_a_damaged_zip_is_a_named_error(tmp_path: Path):
    content = bytearray(zipped(write_folder(tmp_path / "outs", version=2), tmp_path / "a.zip").read_bytes())
    content[60] ^= 255
    path = tmp_path / "damaged.zip"
    path.write_bytes(content)
    with pytest.raises(FormatError):
        dataset_of(path)


def test_a_zip_of_something_else_is_refused(tmp_path: Path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "readme.txt").write_text("hello")
    with pytest.raises(WrongFormat):
        dataset_of(zipped(tmp_path / "other", tmp_path / "other.zip"))


def test_a_zip_bomb_is_too_large(tmp_path: Path):
    folder = write_folder(tmp_path / "outs", version=2)
    with (folder / "barcodes.tsv").open("wb") as file:
        file.truncate(50_000_000)
    path = zipped(folder, tmp_path / "bomb.zip")
    assert path.stat().st_size < 100_000
    with pytest.raises(TooLarge):
        read(Upload(path.name, path), Limits(memory_bytes=40_000_000))


def write_hdf5(path: Path, change=None) -> Path:
    counts = sparse.csc_array(COUNTS)
    with h5py.File(path, "w") as file:
        file["matrix/barcodes"] = [b.encode() for b in BARCODES]
        file["matrix/data"], file["matrix/indices"] = counts.data, counts.indices.astype(np.int64)
        file["matrix/indptr"], file["matrix/shape"] = counts.indptr.astype(np.int64), np.array(COUNTS.shape)
        file["matrix/features/id"] = [gene.encode() for gene, _ in GENES]
        file["matrix/features/name"] = [symbol.encode() for _, symbol in GENES]
        file["matrix/features/feature_type"] = [b"Gene Expression"] * 3 + [b"Antibody Capture"]
        if change:
            change(file)
    return path


def test_several_kinds_of_features_are_kept(tmp_path: Path):
    dataset = dataset_of(write_hdf5(tmp_path / "a.h5"))
    assert dataset.data_type == "Gene Expression, Antibody Capture"
    np.testing.assert_array_equal(values_of(dataset), COUNTS)


def move(file: h5py.File, place: str, value) -> None:
    del file[place]
    file[place] = value


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda f: move(f, "matrix/shape", [5, 3]), DimensionsDiffer, "4 features, its shape says 5"),
        (lambda f: move(f, "matrix/shape", [4]), MalformedFile, "two numbers"),
        (lambda f: move(f, "matrix/indices", [0, 1, 77]), MalformedFile, "outside"),
        (lambda f: move(f, "matrix/features/name", [b"a"]), DimensionsDiffer, "1 names"),
        (lambda f: f["matrix/features"].pop("id"), MalformedFile, "features/id is missing"),
    ],
)
def test_what_is_wrong_in_hdf5_is_named(change, error, words: str, tmp_path: Path):
    with pytest.raises(error) as caught:
        dataset_of(write_hdf5(tmp_path / "a.h5", change))
    assert words in str(caught.value)
