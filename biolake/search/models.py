"""What goes into the index and what comes out: documents, requests, hits, pages.

The fields a query may name are in `fields.py`, the query language in `query.py`.
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from biolake.search.errors import InvalidDocument, InvalidRequest

MAX_PAGE = 1000

KEYWORD_LISTS: tuple[str, ...] = (
    "organism",
    "curated_disease",
    "curated_tissue",
    "curated_organism",
    "curated_cell_type",
    "curated_cell_line",
    "curated_drug",
    "curated_gene",
    "accessions",
)
KEYWORDS: tuple[str, ...] = ("repository", "dataset_id", "data_type", "platform", "format")
NUMBERS: tuple[str, ...] = ("year", "n_samples", "n_features")
FILTERS: tuple[str, ...] = (*KEYWORDS, *KEYWORD_LISTS, *NUMBERS, "ingested_at")
FACETS: tuple[str, ...] = ("repository", "data_type", "platform", "format", *KEYWORD_LISTS[:-1], "year")
SORTS: tuple[str, ...] = ("relevance", "dataset_id", "title", *NUMBERS, "ingested_at")


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))


Terms = Annotated[tuple[str, ...], AfterValidator(_distinct)]


def _direction(values: tuple[float, ...]) -> tuple[float, ...]:
    """Round to the 32 bits that every engine keeps; a vector without a direction has no neighbours."""
    try:
        kept = struct.unpack(f"{len(values)}f", struct.pack(f"{len(values)}f", *values))
    except (OverflowError, struct.error) as error:
        raise ValueError("a vector's numbers must fit 32-bit floats") from error
    if not all(map(math.isfinite, kept)) or not any(kept):
        raise ValueError("a vector needs finite numbers, one of them not zero")
    return kept


Vector = Annotated[tuple[float, ...], AfterValidator(_direction)]
"""An embedding of a text; what makes it is the caller's. Neighbours are found by the angle between vectors."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DatasetFields(_Frozen):
    """What is stored of a dataset and given back with each hit.

    The lists hold each value once; `curated_*` are ontology labels, `accessions` every identifier the dataset is known
    by beside its own.
    """

    repository: str
    dataset_id: str
    lot: str
    source_version: str
    title: str = ""
    summary: str = ""
    organism: Terms = ()
    data_type: str | None = None
    platform: str | None = None
    format: str | None = None
    year: int | None = None
    n_samples: int = 0
    n_features: int = 0
    curated_disease: Terms = ()
    curated_tissue: Terms = ()
    curated_organism: Terms = ()
    curated_cell_type: Terms = ()
    curated_cell_line: Terms = ()
    curated_drug: Terms = ()
    curated_gene: Terms = ()
    accessions: Terms = ()
    ingested_at: AwareDatetime


class SearchDocument(DatasetFields):
    """A dataset as the index takes it.

    Attributes:
        version: Grows with each change of the dataset; a document never replaces one of a higher version.
        samples_text: What is said of the samples, one line per characteristic; a repeated line counts once.
        features_text: Symbols worth finding a dataset by (a panel, a signature). Only its first
            `fields.MAX_FEATURES_TEXT` characters are indexed: a whole genome would make every dataset match every gene.
        vector: The dataset as an embedding, of as many numbers as the index was made for.
    """

    version: int = Field(ge=0)
    samples_text: str = ""
    features_text: str = ""
    vector: Vector | None = None

    @model_validator(mode="after")
    def _identified(self) -> Self:
        if not self.repository or "/" in self.repository or not self.dataset_id:
            raise InvalidDocument(
                f"{self.repository!r}/{self.dataset_id!r}: a document needs a repository without / and a dataset id. "
                "Name both."
            )
        return self


class Range(_Frozen):
    """Bounds of a number or time, both included; None leaves a side open."""

    minimum: int | AwareDatetime | None = None
    maximum: int | AwareDatetime | None = None


Filter = tuple[str, ...] | tuple[int, ...] | Range


class SearchRequest(_Frozen):
    """One page of one search.

    Attributes:
        text: In the query language of `docs/search.md`; empty for every dataset.
        filters: Per field the values of which a dataset has at least one, or a range. Exact, all fields must hold.
        repositories: Only these repositories; all where empty.
        facets: Fields whose values are counted over all matches.
        facet_size: Most values returned per facet, the most frequent first.
        size: Hits on the page.
        after: `SearchPage.next` of the page before; every other field must be as it was.
        sort: Field to sort by; `relevance` without text means by repository and dataset id.
        descending: Largest first. Always so for relevance.
        vector: Also finds the datasets nearest to this embedding, and ranks by both; without text only those.
        neighbours: How many datasets the vector finds.
    """

    text: str = ""
    filters: Mapping[str, Filter] = Field(default_factory=dict)
    repositories: tuple[str, ...] = ()
    facets: tuple[str, ...] = ()
    facet_size: int = Field(default=20, ge=1, le=MAX_PAGE)
    size: int = Field(default=20, ge=0, le=MAX_PAGE)
    after: str | None = None
    sort: str = "relevance"
    descending: bool = False
    vector: Vector | None = None
    neighbours: int = Field(default=100, ge=1, le=MAX_PAGE)

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name, value in self.filters.items():
            _check(name, FILTERS, "filter")
            _check_filter(name, value)
        for name in self.facets:
            _check(name, FACETS, "facet")
        _check(self.sort, SORTS, "sort")
        if self.vector is not None and self.sort != "relevance":
            raise InvalidRequest(f"sort {self.sort!r}: a search by vector is ranked. Leave the sort out.")
        return self


def _check(name: str, known: tuple[str, ...], what: Literal["filter", "facet", "sort"]) -> None:
    if name not in known:
        raise InvalidRequest(f"{what} {name!r}: no such {what}. Use one of {', '.join(known)}.")


def _check_filter(name: str, value: Filter) -> None:
    kind: type = datetime if name == "ingested_at" else int if name in NUMBERS else str
    if isinstance(value, Range):
        given = [bound for bound in (value.minimum, value.maximum) if bound is not None]
        if kind is str or not given:
            raise InvalidRequest(f"filter {name!r}: a range needs a number or time and a bound. Give a list of values.")
    else:
        given = list(value)
        if kind is datetime:
            raise InvalidRequest(f"filter {name!r}: a time is filtered by a range. Give a minimum or maximum.")
    if any(not isinstance(item, kind) for item in given):
        raise InvalidRequest(f"filter {name!r}: {given!r} is not of type {kind.__name__}. Correct the values.")


class Highlight(_Frozen):
    """A piece of a field's text with the places that matched.

    Attributes:
        field: The field the text is from.
        text: The piece, plain text.
        spans: Start and end of each match in `text`, in order, without overlap.
    """

    field: str
    text: str
    spans: tuple[tuple[int, int], ...]


class SearchHit(_Frozen):
    """A dataset that matches; `score` is comparable within one search only and 0 where the sort is not by relevance."""

    repository: str
    dataset_id: str
    score: float
    highlights: tuple[Highlight, ...]
    dataset: DatasetFields


class FacetCount(_Frozen):
    """How many of all matches have the value."""

    value: str | int
    count: int


class SearchPage(_Frozen):
    """The hits of one page with what is true of all matches.

    Attributes:
        total: Number of matches, exact.
        facets: Per requested facet its most frequent values; equal counts in the order of the value.
        next: Cursor of the page after, None on the last.
    """

    hits: tuple[SearchHit, ...]
    total: int
    facets: dict[str, tuple[FacetCount, ...]]
    next: str | None


class Upserted(_Frozen):
    """How many documents the index took, and how many it had in a higher version already."""

    written: int
    stale: int


@dataclass(frozen=True)
class Rebuilt:
    """What filling an index anew did.

    Attributes:
        documents: Number of documents it was filled with.
        kept: Number of documents that others wrote or removed meanwhile, taken over.
        before: Number of datasets in the index before.
        after: Number of datasets in it now.
    """

    documents: int
    kept: int
    before: int
    after: int
