"""The columns of every table in the lake, with what each means. Nothing else declares a column.

A repository's `datasets` row is the pointer to the current version of a dataset: rows of `samples`, `features` and
`matrix` count only while `(dataset_id, lot)` is in `datasets`, so an update or a delete of all levels is one commit.
Rows left behind are removed by the lake's maintenance.
"""

from dataclasses import dataclass

import pyarrow as pa

_TEXT_MAP = pa.map_(pa.string(), pa.string())


@dataclass(frozen=True)
class Column:
    """A column's name, type and meaning, as shown in SQL, in Dagster's UI and in the documentation.

    Attributes:
        shown: Whether SQL has the column; False for how a table is stored rather than what it says.
    """

    name: str
    type: pa.DataType
    description: str
    nullable: bool = True
    shown: bool = True


@dataclass(frozen=True)
class TableSchema:
    """A table's columns in order, the key that makes a row unique, and what a row is."""

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def arrow(self) -> pa.Schema:
        """The schema for Arrow and Delta."""
        return pa.schema([pa.field(c.name, c.type, c.nullable) for c in self.columns])

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names in order."""
        return tuple(c.name for c in self.columns)


_DATASET_ID = Column("dataset_id", pa.string(), "The dataset, unique in its repository", nullable=False)
_LOT = Column("lot", pa.string(), "The lot that wrote the row: which processing of the dataset it is", nullable=False)
_SOURCE_VERSION = Column(
    "source_version", pa.string(), "Hash over the versions of the objects the row was read from", nullable=False
)

DATASETS = TableSchema(
    "datasets",
    "One row per dataset: its current version.",
    (
        _DATASET_ID,
        _LOT,
        Column("repository", pa.string(), "The repository that holds the dataset", nullable=False),
        Column("title", pa.string(), "One line about the dataset"),
        Column("summary", pa.string(), "Summary, design and protocol, as the file tells them"),
        Column("organism", pa.list_(pa.string()), "Scientific names, as written"),
        Column("data_type", pa.string(), "Kind of assay"),
        Column("platform", pa.string(), "Identifier of the platform or instrument"),
        Column("format", pa.string(), "Format of the data file", nullable=False),
        Column("year", pa.int32(), "Year of publication or submission, where the file or its metadata says it"),
        Column("n_samples", pa.int64(), "Number of samples", nullable=False),
        Column("n_features", pa.int64(), "Number of features", nullable=False),
        Column("n_values", pa.int64(), "Number of matrix values over all layers", nullable=False),
        Column("layers", pa.list_(pa.string()), "Names of the matrix layers"),
        Column("curated_disease", pa.list_(pa.string()), "Diseases, as ontology labels"),
        Column("curated_tissue", pa.list_(pa.string()), "Tissues, as ontology labels"),
        Column("curated_organism", pa.list_(pa.string()), "Organisms, as ontology labels"),
        Column("curated_cell_type", pa.list_(pa.string()), "Cell types, as ontology labels"),
        Column("curated_cell_line", pa.list_(pa.string()), "Cell lines, as ontology labels"),
        Column("curated_drug", pa.list_(pa.string()), "Drugs, as ontology labels"),
        Column("curated_gene", pa.list_(pa.string()), "Genes, as symbols"),
        Column("metadata", pa.string(), "Everything else said of the dataset, as JSON"),
        Column("findings", pa.list_(pa.string()), "Warnings of the reader, `CODE: message`"),
        Column("source_uri", pa.string(), "Where the data file is", nullable=False),
        _SOURCE_VERSION,
        Column("sha256", pa.string(), "Hash of the data file's bytes", nullable=False),
        Column("ingested_at", pa.timestamp("us", "UTC"), "When the version was read", nullable=False),
    ),
    key=("dataset_id",),
)

SAMPLES = TableSchema(
    "samples",
    "One row per sample of a dataset.",
    (
        _DATASET_ID,
        _LOT,
        Column("sample_id", pa.string(), "The sample, unique in its dataset", nullable=False),
        Column("position", pa.int32(), "Place of the sample in each `matrix.values` list, from 1", nullable=False),
        Column("title", pa.string(), "The sample's own title"),
        Column("characteristics", _TEXT_MAP, "What is said of the sample, by name"),
        Column("curated_disease", pa.list_(pa.string()), "Diseases, as ontology labels"),
        Column("curated_tissue", pa.list_(pa.string()), "Tissues, as ontology labels"),
        Column("curated_cell_type", pa.list_(pa.string()), "Cell types, as ontology labels"),
        Column("curated_cell_line", pa.list_(pa.string()), "Cell lines, as ontology labels"),
        Column("curated_drug", pa.list_(pa.string()), "Drugs, as ontology labels"),
        Column("curated_is_control", pa.bool_(), "Whether the sample is a control"),
        _SOURCE_VERSION,
    ),
    key=("dataset_id", "lot", "sample_id"),
)

FEATURES = TableSchema(
    "features",
    "One row per feature (gene, probe, variant, metabolite, taxon) of a dataset.",
    (
        _DATASET_ID,
        _LOT,
        Column("feature_id", pa.string(), "The feature, unique in its dataset", nullable=False),
        Column("position", pa.int32(), "Place of the feature in its dataset, from 1", nullable=False),
        Column("symbol", pa.string(), "Gene symbol, where the file names one"),
        Column("annotations", _TEXT_MAP, "What is said of the feature, by name"),
        _SOURCE_VERSION,
    ),
    key=("dataset_id", "lot", "feature_id"),
)

MATRIX = TableSchema(
    "matrix",
    "One row per feature and layer of a dataset: its values over all samples.",
    (
        _DATASET_ID,
        _LOT,
        Column("layer", pa.string(), "Name of the layer", nullable=False),
        Column("feature_id", pa.string(), "The feature, as in `features`", nullable=False),
        Column(
            "values",
            pa.list_(pa.float64()),
            "One value per sample in the order of `samples.position`; null where missing",
            nullable=False,
        ),
        Column(
            "spans",
            pa.list_(pa.int32()),
            "Where not null, `values` leaves zeros out: each of its values is followed by one zero less than its span",
            shown=False,
        ),
        _SOURCE_VERSION,
    ),
    key=("dataset_id", "lot", "layer", "feature_id"),
)

PROVENANCE = TableSchema(
    "provenance",
    "One row per dataset and processing: from which bytes, by which run and code, to which end.",
    (
        _DATASET_ID,
        _LOT,
        Column("job_id", pa.string(), "The job in the ledger", nullable=False),
        Column("action", pa.string(), "upload, update, delete or reprocess", nullable=False),
        Column("state", pa.string(), "SUCCESS, NO_CHANGE, CANCELLED or ERRORED", nullable=False),
        Column("reason", pa.string(), "`CODE: message` of an error"),
        Column("source_uri", pa.string(), "Where the data file is", nullable=False),
        _SOURCE_VERSION,
        Column("sha256", pa.string(), "Hash of the data file's bytes, null where it could not be read"),
        Column("run_id", pa.string(), "The Dagster run", nullable=False),
        Column("code_version", pa.string(), "Version of the platform's code", nullable=False),
        Column("image", pa.string(), "Container image of the run's pod, by its digest; null where it was in none"),
        Column("cells_in", pa.int64(), "Values the reader found"),
        Column("cells_out", pa.int64(), "Values written to the lake"),
        Column("processed_at", pa.timestamp("us", "UTC"), "When the processing ended", nullable=False),
    ),
    key=("dataset_id", "lot"),
)

REPOSITORY_TABLES: tuple[TableSchema, ...] = (DATASETS, SAMPLES, FEATURES, MATRIX, PROVENANCE)
VERSIONED_BY_DATASETS: tuple[TableSchema, ...] = (SAMPLES, FEATURES, MATRIX)
