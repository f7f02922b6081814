"""Ranking by vector in the embedded engine: every vector is compared, so that the neighbours are exact."""

import numpy as np

from biolake.search.lance.query import ranking, where
from biolake.search.lance.snapshot import Ranked, Snapshot
from biolake.search.models import SearchRequest
from biolake.search.query import Everything, Query
from biolake.search.terms import require, wishes
from biolake.search.vectors import combined


def ranked_by_vector(snapshot: Snapshot, request: SearchRequest, query: Query) -> Ranked:
    """Return what the text or the request's vector finds, ranked by both; without text what the vector finds."""
    condition = where(request)
    allowed = snapshot.matches(None, condition)
    near = snapshot.nearest(request.vector or (), allowed, request.neighbours)
    if isinstance(query, Everything):
        return near
    worded = snapshot.ranked(ranking(require(query), wishes(query)), condition, None)
    scores = combined(_by_key(worded), _by_key(near))
    rows = dict(zip((*worded.keys, *near.keys), (*worded.rows, *near.rows), strict=True))
    keys = sorted(scores, key=lambda key: (-scores[key], key))
    return Ranked(
        np.array([rows[key] for key in keys], np.uint64),
        np.array(keys, object),
        np.array([scores[key] for key in keys], np.float32),
        complete=True,
    )


def _by_key(ranked: Ranked) -> dict[str, float]:
    return dict(zip(ranked.keys.tolist(), ranked.scores.tolist(), strict=True))
