"""A document as a hit of a search: what is given back of it, and where it matched."""

from collections.abc import Iterable

from biolake.search.highlight import highlights
from biolake.search.models import DatasetFields, SearchDocument, SearchHit
from biolake.search.terms import Wish


def hit_of(document: SearchDocument, score: float, wanted: Iterable[Wish]) -> SearchHit:
    """Return the document as a hit.

    Args:
        document: The document as it was indexed.
        score: Its score in this search.
        wanted: What the query looks for.
    """
    return SearchHit(
        repository=document.repository,
        dataset_id=document.dataset_id,
        score=score,
        highlights=highlights(document, wanted),
        dataset=DatasetFields.model_construct(**{name: getattr(document, name) for name in DatasetFields.model_fields}),
    )
