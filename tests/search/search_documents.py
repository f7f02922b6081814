"""Small documents for the search tests: each says something that another does not."""

from datetime import UTC, datetime
from typing import Any

from biolake.search.models import SearchDocument, SearchPage

INGESTED = datetime(2024, 3, 1, 12, tzinfo=UTC)


def document(dataset_id: str, **fields: Any) -> SearchDocument:
    defaults: dict[str, Any] = {
        "repository": "geo",
        "lot": "lot-1",
        "source_version": "v1",
        "version": 1,
        "ingested_at": INGESTED,
    }
    return SearchDocument.model_validate({**defaults, **fields, "dataset_id": dataset_id})


STUDIES: tuple[SearchDocument, ...] = (
    document(
        "GSE42872_GPL6244",
        accessions=("GSE42872",),
        title="Vemurafenib response in A375 melanoma cells",
        summary="BRAF V600E mutant melanoma cells were treated with the inhibitor for 24 hours.",
        organism=("Homo sapiens",),
        data_type="Expression array",
        platform="GPL6244",
        format="geo_series_matrix",
        year=2012,
        n_samples=6,
        n_features=33297,
        curated_disease=("melanoma",),
        curated_cell_line=("A375",),
        curated_drug=("vemurafenib",),
        curated_gene=("BRAF",),
        samples_text="treatment: vehicle\ntreatment: vemurafenib",
    ),
    document(
        "GSE1001",
        title="TNF-alpha and IL-6 in liver injury",
        summary="Cytokine signalling in hepatocytes. A comparison with GSE42872 is shown.",
        organism=("Mus musculus", "Homo sapiens"),
        data_type="RNA-seq",
        platform="GPL13112",
        year=2015,
        n_samples=24,
        curated_disease=("liver disease",),
        curated_tissue=("liver",),
        samples_text="strain: C57BL/6J\ntissue: liver",
    ),
    document(
        "GSE1002",
        title="TNFα and IL6 response of synovial fibroblasts",
        summary="Rheumatoid arthritis. Fibroblasts from human donors.",
        organism=("Homo sapiens",),
        data_type="RNA-seq",
        year=2015,
        n_samples=12,
        curated_disease=("rheumatoid arthritis",),
        samples_text="diagnosis: rheumatoid arthritis\nage: 61",
    ),
    document(
        "GSE1003",
        title="Radiotherapy of hepatocellular carcinoma",
        summary="HCC biopsies before and after irradiation.",
        organism=("Homo sapiens",),
        data_type="RNA-seq",
        year=2019,
        n_samples=40,
        curated_disease=("hepatocellular carcinoma",),
        curated_tissue=("liver",),
    ),
    document(
        "GSE1004",
        title="HCC progression",
        summary="Hepatocellular tumors and the adjacent liver of the same patients.",
        organism=("Homo sapiens",),
        data_type="Expression array",
        year=2008,
        n_samples=90,
        curated_disease=("hepatocellular carcinoma",),
        curated_tissue=("liver",),
        samples_text="tissue: tumor\ntissue: adjacent normal liver",
    ),
    document(
        "GSE1005",
        title="Naïve and Über-activated T cells of Sjögren’s patients",
        summary="Études of α-synuclein in mice; 日本語の要約 肝臓.",
        organism=("Mus musculus",),
        data_type="scRNA-seq",
        year=2021,
        n_samples=3,
        curated_cell_type=("T cell",),
        samples_text="genotype: wild type\ngenotype: Snca-/-",
    ),
    document(
        "P100",
        repository="proteomics",
        title="Phosphoproteins after drug treatment",
        summary="Melanoma among other lines; the cell was lysed.",
        organism=("Homo sapiens",),
        data_type="Mass spectrometry",
        n_samples=96,
        n_features=96,
        features_text="EGFR MAPK1 BRAF",
    ),
)

MELANOMA, LIVER, SYNOVIAL, RADIO, HCC, TCELLS, P100 = (study.dataset_id for study in STUDIES)
ALL = {study.dataset_id for study in STUDIES}


def ids(page: SearchPage) -> list[str]:
    """The datasets on a page, in its order."""
    return [hit.dataset_id for hit in page.hits]
