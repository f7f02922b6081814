"""Which fields of a dataset a query searches, under which names, and how much a match in each is worth.

The columns that store and filter them belong to each engine.
"""

from dataclasses import dataclass
from enum import StrEnum

from biolake.search.models import SearchDocument

MAX_FEATURES_TEXT = 20_000
MAX_SAMPLES_TEXT = 1_000_000


class Part(StrEnum):
    """The parts of a document that are scored apart, by weight."""

    TITLE = "title"
    CURATED = "curated"
    NAMES = "names"
    SUMMARY = "summary"
    REST = "rest"


WEIGHTS: dict[Part, float] = {Part.TITLE: 6.0, Part.CURATED: 4.0, Part.NAMES: 2.5, Part.SUMMARY: 1.5, Part.REST: 0.3}
"""What a match in a part adds; REST is the document as a whole, samples and features included."""

IDENTITY_WEIGHT = 1000.0
"""What the exact dataset id or accession adds: more than any sum of words."""


@dataclass(frozen=True)
class SearchField:
    """A field that a query may name.

    Attributes:
        name: As in `SearchDocument`, except `samples` and `features`.
        part: The part it is scored with.
        everywhere: Whether a word without a field is looked for in it, too.
    """

    name: str
    part: Part
    everywhere: bool = True


FIELDS: dict[str, SearchField] = {
    field.name: field
    for field in (
        SearchField("title", Part.TITLE),
        SearchField("curated_disease", Part.CURATED),
        SearchField("curated_tissue", Part.CURATED),
        SearchField("curated_organism", Part.CURATED),
        SearchField("curated_cell_type", Part.CURATED),
        SearchField("curated_cell_line", Part.CURATED),
        SearchField("curated_drug", Part.CURATED),
        SearchField("curated_gene", Part.CURATED),
        SearchField("dataset_id", Part.NAMES),
        SearchField("accessions", Part.NAMES),
        SearchField("organism", Part.NAMES),
        SearchField("data_type", Part.NAMES),
        SearchField("platform", Part.NAMES),
        SearchField("format", Part.NAMES),
        SearchField("year", Part.NAMES),
        SearchField("repository", Part.REST, everywhere=False),
        SearchField("n_samples", Part.REST, everywhere=False),
        SearchField("n_features", Part.REST, everywhere=False),
        SearchField("summary", Part.SUMMARY),
        SearchField("samples", Part.REST),
        SearchField("features", Part.REST),
    )
}

ALIASES: dict[str, str] = {
    "accession": "accessions",
    "id": "dataset_id",
    "disease": "curated_disease",
    "tissue": "curated_tissue",
    "cell_type": "curated_cell_type",
    "cell_line": "curated_cell_line",
    "drug": "curated_drug",
    "gene": "curated_gene",
    "sample": "samples",
    "feature": "features",
    "type": "data_type",
}
"""Short names that a query may use."""


def texts(document: SearchDocument, field: SearchField) -> tuple[str, ...]:
    """Return the field's values as texts; a phrase never reaches from one into the next."""
    if field.name == "samples":
        return tuple(dict.fromkeys(_cut(document.samples_text, MAX_SAMPLES_TEXT).splitlines()))
    if field.name == "features":
        return (_cut(document.features_text, MAX_FEATURES_TEXT),)
    value = getattr(document, field.name)
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (str(value),)


def _cut(text: str, limit: int) -> str:
    """Cut at the last space before the limit, so that no half word is indexed."""
    return text if len(text) <= limit else text[:limit].rpartition(" ")[0]
