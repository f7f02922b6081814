"""Which columns beside a matrix are known to describe features, and which of them is the gene symbol.

The list is closed: a column that is not in it is never taken for an annotation because of its content.
"""

import re

import polars as pl

SYMBOL_COLUMNS: tuple[str, ...] = ("symbol", "gene_symbol", "pr_gene_symbol", "hgnc_symbol", "gene_sym", "gene_name")
ANNOTATION_COLUMNS: frozenset[str] = frozenset(
    (
        *SYMBOL_COLUMNS,
        *("description", "gene_description", "gene_title", "gene_type", "gene_biotype", "biotype", "locus_tag"),
        *("chr", "chrom", "chromosome", "seqname", "start", "end", "strand", "length", "gene_length"),
        *("entrez", "entrezid", "entrez_id", "entrez_gene_id", "ensembl", "ensembl_id", "ensembl_gene_id", "refseq"),
        *("gene_id", "transcript_id", "uniprot", "uniprot_id", "protein_id"),
    )
)
FEATURE_COLUMNS: frozenset[str] = ANNOTATION_COLUMNS | frozenset(
    ("id", "ids", "name", "names", "gene", "genes", "feature", "feature_id", "probe", "probe_id", "id_ref", "geneid")
)
"""Names of the column of feature ids itself: where it has one of these, the header lacks no name."""


def normalized(column: str) -> str:
    """Return a column's name in lower case with single underscores, so that `Gene Symbol` is `gene_symbol`."""
    return re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_")


def with_symbol(features: pl.DataFrame) -> pl.DataFrame:
    """Return the features with the column of gene symbols, if there is one, called `symbol`."""
    names = {normalized(column): column for column in reversed(features.columns[1:])}
    for candidate in SYMBOL_COLUMNS:
        if candidate in names:
            features = features.rename({names[candidate]: "symbol"})
            return features.select(features.columns[0], "symbol", pl.exclude(features.columns[0], "symbol"))
    return features
