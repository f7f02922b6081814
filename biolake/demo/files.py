"""The files of the demonstration: a real h5ad from scanpy, and made-up ones in five formats."""

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from biolake.errors import BiolakeError

GENES = ("TP53", "EGFR", "BRAF", "KRAS", "MYC", "PTEN", "RB1", "CDKN2A", "MDM2", "CCND1")


class DemoDataMissing(BiolakeError):
    """The package that ships the real example data is not installed."""


def write_expression_files(folder: Path) -> list[Path]:
    """Write the made-up files and return them; `RNA3.gct` names one sample twice, on purpose."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = np.random.default_rng(20)
    return [
        *_csv(folder, numbers),
        _gct(folder / "RNA2.gct", numbers, ["D1", "D2", "D3", "D4"]),
        _gct(folder / "RNA3.gct", numbers, ["E1", "E2", "E2", "E4"]),
        _series_matrix(folder / "GSE900001_series_matrix.txt", numbers),
        _vcf(folder / "VAR1.vcf"),
    ]


def real_single_cell_file() -> Path:
    """Where scanpy keeps its 700-cell PBMC dataset.

    Raises:
        DemoDataMissing: scanpy is not installed.
    """
    spec = find_spec("scanpy")
    if spec is None or spec.origin is None:
        raise DemoDataMissing("scanpy is not installed: run `uv sync`, or `pip install scanpy`, then try again.")
    return Path(spec.origin).parent / "datasets" / "10x_pbmc68k_reduced.h5ad"


def _csv(folder: Path, numbers: np.random.Generator) -> list[Path]:
    samples = [f"A{number}" for number in range(1, 7)]
    treated = [number >= 3 for number in range(6)]
    values = numbers.negative_binomial(20, 0.1, (len(GENES), 6)).astype(float)
    values[GENES.index("MDM2")] *= np.where(treated, 4, 1)
    matrix, table, document = (folder / f"RNA1{ending}" for ending in (".csv", ".samples.csv", ".metadata.json"))
    rows = [",".join([gene, *(f"{value:.0f}" for value in row)]) for gene, row in zip(GENES, values, strict=True)]
    matrix.write_text("\n".join([",".join(["gene", *samples]), *rows]) + "\n")
    table.write_text(
        "sample_id,tissue,treatment,age\n"
        + "".join(
            f"{name},melanoma,{'nutlin-3' if on else 'none'},{50 + i}\n"
            for i, (name, on) in enumerate(zip(samples, treated, strict=True))
        )
    )
    document.write_text(
        json.dumps(
            {
                "title": "Nutlin-3 raises MDM2 in melanoma cells (made up)",
                "summary": "Six made-up samples: three without and three with nutlin-3, which frees TP53.",
                "organism": "Homo sapiens",
                "data_type": "bulk RNA-seq",
                "year": 2024,
                "curated_disease": ["Melanoma"],
            }
        )
    )
    return [matrix, table, document]


def _gct(path: Path, numbers: np.random.Generator, samples: Sequence[str]) -> Path:
    values = numbers.normal(8, 2, (len(GENES), len(samples)))
    lines = ["#1.2", f"{len(GENES)}\t{len(samples)}", "\t".join(["NAME", "Description", *samples])]
    lines += ["\t".join([gene, "made up", *(f"{v:.3f}" for v in row)]) for gene, row in zip(GENES, values, strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return path


def _series_matrix(path: Path, numbers: np.random.Generator) -> Path:
    samples = ["GSM900001", "GSM900002", "GSM900003"]
    quoted = "\t".join(f'"{name}"' for name in samples)
    lines = [
        '!Series_title\t"BRAF inhibition in melanoma (made up)"',
        '!Series_geo_accession\t"GSE900001"',
        '!Series_summary\t"Made-up values in the layout of a GEO series matrix: vemurafenib against vehicle."',
        '!Series_submission_date\t"Jan 05 2023"',
        '!Series_platform_id\t"GPL6244"',
        '!Series_sample_taxid\t"9606"',
        "",
        '!Sample_title\t"vehicle 1"\t"vehicle 2"\t"vemurafenib 1"',
        f"!Sample_geo_accession\t{quoted}",
        "!Sample_organism_ch1" + '\t"Homo sapiens"' * 3,
        '!Sample_characteristics_ch1\t"treatment: vehicle"\t"treatment: vehicle"\t"treatment: vemurafenib"',
        "!Sample_platform_id" + '\t"GPL6244"' * 3,
        "!series_matrix_table_begin",
        f'"ID_REF"\t{quoted}',
        *("\t".join([f'"{gene}"', *(f"{value:.4f}" for value in numbers.normal(7, 1, 3))]) for gene in GENES),
        "!series_matrix_table_end",
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def _vcf(path: Path) -> Path:
    path.write_text(
        "##fileformat=VCFv4.2\n##source=made up\n"
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
        "##contig=<ID=7,length=159345973>\n"
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tpatient_1\tpatient_2\n"
        "7\t140753336\trs113488022\tA\tT\t99\tPASS\t.\tGT\t0/1\t0/0\n"
        "7\t55191822\trs121434568\tT\tG\t87\tPASS\t.\tGT\t./.\t1/1\n"
    )
    return path
