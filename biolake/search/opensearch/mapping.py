"""How OpenSearch stores a dataset: names of what lies there, the mapping, the template, the hybrid search pipeline.

Text is analysed by us and stored as terms split at spaces, as in the embedded engine, so that both find the same.
Terms are kept by part of the document, which is what a match is scored by; small fields that a query may name share
one column of terms with the field's name before each.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from biolake.search.fields import FIELDS, Part
from biolake.search.models import KEYWORD_LISTS, KEYWORDS
from biolake.search.vectors import TEXT_WEIGHT, VECTOR_WEIGHT

MAPPING_VERSION: Final = 1
"""Changes whenever the mapping, the bodies or the analysis do: an older index is then filled anew when first used."""

OWN_COLUMN: Final = ("title", "summary", "samples", "features")
"""Fields of a query with terms of their own; the others share `SCOPED`."""
SHARED: dict[Part, str] = {Part.CURATED: "curated", Part.NAMES: "names"}
"""Columns of the parts that are made of several fields."""
SCOPED: Final = "scoped"
EVERYWHERE: dict[str, Part] = {
    "title": Part.TITLE,
    "curated": Part.CURATED,
    "names": Part.NAMES,
    "summary": Part.SUMMARY,
    "samples": Part.REST,
    "features": Part.REST,
}
"""Columns that a word without a field is looked for in, by the part whose weight they have."""
COLUMNS: tuple[str, ...] = (*EVERYWHERE, SCOPED)

_LONGEST_KEYWORD = 8191
"""Characters; Lucene refuses a term of more than 32,766 bytes. What is longer is kept, not filtered nor sorted."""
_NUMBERED = re.compile(r"-v(\d+)-(\d{6})$")


@dataclass(frozen=True)
class Names:
    """What the platform's things in the cluster are called.

    Attributes:
        prefix: What all names begin with: one cluster may serve several deployments.
    """

    prefix: str

    @property
    def alias(self) -> str:
        """What others read by (SQL, dashboards): the datasets without what was deleted."""
        return f"{self.prefix}-datasets"

    @property
    def current(self) -> str:
        """What this version of the platform reads and writes by, and the template; gone when a newer one took over."""
        return f"{self.alias}-v{MAPPING_VERSION}"

    @property
    def pipeline(self) -> str:
        """The search pipeline that joins words and vectors."""
        return f"{self.prefix}-hybrid"

    @property
    def every_index(self) -> str:
        """Pattern of all indexes of the deployment, of whatever version."""
        return f"{self.alias}-v*-*"

    def index(self, number: int) -> str:
        """The concrete index of a number; each filling has the next one."""
        return f"{self.current}-{number:06}"


def numbered(index: str) -> tuple[int, int] | None:
    """Return mapping version and number of an index's name, None where it is no name of ours."""
    found = _NUMBERED.search(index)
    return None if found is None else (int(found[1]), int(found[2]))


def template(names: Names, *, shards: int, dimension: int) -> dict[str, Any]:
    """Return the index template."""
    settings: dict[str, Any] = {
        "number_of_shards": shards,
        # A copy as soon as there is a second node, and a green cluster while there is none.
        "auto_expand_replicas": "0-1",
        # Every write ends with a refresh of its own.
        "refresh_interval": "30s",
        # Deleted versions are kept as documents; a version number that lingers would only refuse rewrites.
        "gc_deletes": "0ms",
    }
    if dimension:
        settings["knn"] = True
    return {
        "index_patterns": [f"{names.current}-*"],
        "priority": 500,
        "version": MAPPING_VERSION,
        "template": {"settings": {"index": settings}, "mappings": mapping(dimension)},
        "_meta": {"description": "Datasets of Biolake, as docs/search.md describes them"},
    }


def mapping(dimension: int) -> dict[str, Any]:
    """Return the strict mapping of documents with vectors of `dimension` numbers, 0 for none."""
    keyword = {"type": "keyword", "ignore_above": _LONGEST_KEYWORD}
    shown = {"type": "text", "index": False}
    terms = {"type": "text", "analyzer": "whitespace"}
    beginnings = {"type": "text", "analyzer": "whitespace", "index_options": "docs", "norms": False}
    properties: dict[str, Any] = {
        "key": {"type": "keyword"},
        "deleted": {"type": "boolean"},
        "forgotten": {"type": "boolean"},
        "version": {"type": "long"},
        **dict.fromkeys((*KEYWORDS, *KEYWORD_LISTS), keyword),
        "lot": {"type": "keyword", "index": False},
        "source_version": shown,
        "title": {**keyword, "index": False},
        "summary": shown,
        "samples_text": shown,
        "features_text": shown,
        "year": {"type": "integer"},
        "n_samples": {"type": "long"},
        "n_features": {"type": "long"},
        "ingested_at": {"type": "date"},
        # A date has milliseconds, an arrival microseconds.
        "ingested_us": {"type": "long"},
        "identities": {"type": "keyword"},
        "terms": {"properties": dict.fromkeys(COLUMNS, terms)},
        "words": {"properties": dict.fromkeys(COLUMNS, beginnings)},
    }
    if dimension:
        properties["vector"] = {
            "type": "knn_vector",
            "dimension": dimension,
            # The default engine needs native code that not every distribution brings.
            "method": {"name": "hnsw", "engine": "lucene", "space_type": "cosinesimil"},
        }
    return {
        "dynamic": "strict",
        "_meta": meta(dimension),
        # Our terms are made again from the rest when an index is filled anew.
        "_source": {"excludes": ["terms", "words", "identities"]},
        "properties": properties,
    }


def meta(dimension: int, beat: str | None = None) -> dict[str, Any]:
    """Return what the mapping says of itself.

    Args:
        dimension: Length of the vectors, 0 for none.
        beat: A sign of life of the process that is filling the index, None when it is done.
    """
    said: dict[str, Any] = {
        "biolake": {"mapping": MAPPING_VERSION, "vector_dimension": dimension},
        # Trino reads a field as an array only where it is told so.
        "trino": {name: {"isArray": True} for name in KEYWORD_LISTS},
    }
    if beat is not None:
        said["biolake"]["beat"] = beat
    return said


def hybrid_pipeline() -> dict[str, Any]:
    """Return the search pipeline that scales the scores of words and vectors and adds them."""
    return {
        "description": "Scores of words and vectors of Biolake as one",
        "phase_results_processors": [
            {
                "normalization-processor": {
                    "normalization": {"technique": "min_max"},
                    "combination": {
                        "technique": "arithmetic_mean",
                        "parameters": {"weights": [TEXT_WEIGHT, VECTOR_WEIGHT]},
                    },
                }
            }
        ],
    }


def column_of(field: str) -> str:
    """Return the column in which a named field's terms are; in the shared one they carry the field's name."""
    return field if field in OWN_COLUMN else SCOPED


def part_column(field: str) -> str | None:
    """Return the column of a field among those that are looked in everywhere, None where it is not."""
    if not FIELDS[field].everywhere:
        return None
    return field if field in OWN_COLUMN else SHARED[FIELDS[field].part]
