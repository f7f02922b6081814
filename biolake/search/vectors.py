"""Searching by words and by vector at once: what a vector must be, and how two rankings become one.

Each ranking is scaled so that its best is 1, and they are added by weight: min-max normalisation and the weighted mean
of OpenSearch's normalization processor, which is told the same numbers.
"""

from collections.abc import Mapping
from typing import Final

from biolake.search.errors import VectorMismatch
from biolake.search.models import SearchDocument, Vector

TEXT_WEIGHT: Final = 0.6
"""More than half: an exact accession, far above all words, stays above the nearest vector."""
VECTOR_WEIGHT: Final = 0.4
DEPTH: Final = 1000
"""How many of the best of each ranking are scaled; pages of such a search end there."""
_LEAST = 0.001
"""What the lowest score of a ranking becomes, so that a match is worth more than none."""


def check_document(document: SearchDocument, dimension: int) -> None:
    """Refuse a document whose vector the index cannot hold.

    Raises:
        VectorMismatch: The vector has another length, or the index holds none.
    """
    if document.vector is not None:
        check_vector(document.vector, dimension, f"{document.repository}/{document.dataset_id}: its vector")


def check_vector(vector: Vector, dimension: int, what: str) -> None:
    """Refuse a vector of another length than the index's.

    Raises:
        VectorMismatch: Names `what`, both lengths and the remedy.
    """
    if len(vector) == dimension:
        return
    holds = f"vectors of {dimension}" if dimension else "no vectors"
    raise VectorMismatch(
        f"{what} has {len(vector)} numbers, and the index holds {holds}. Set BIOLAKE_INDEX_VECTOR_DIMENSION to the "
        "length of the embeddings and rebuild the index (biolake reconcile --rebuild-index), or leave the vector out."
    )


def combined(by_text: Mapping[str, float], by_vector: Mapping[str, float]) -> dict[str, float]:
    """Return one score for each key of either ranking; a ranking that lacks a key counts as 0."""
    text, vector = _scaled(by_text), _scaled(by_vector)
    return {
        key: TEXT_WEIGHT * text.get(key, 0.0) + VECTOR_WEIGHT * vector.get(key, 0.0)
        for key in dict.fromkeys((*text, *vector))
    }


def _scaled(scores: Mapping[str, float]) -> dict[str, float]:
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    if low == high:
        return dict.fromkeys(scores, 1.0)
    return {key: max((score - low) / (high - low), _LEAST) for key, score in scores.items()}
