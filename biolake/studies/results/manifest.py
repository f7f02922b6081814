"""The record of one result: what it was made from, by what, and which files hold it. Written last, it makes it visible.

Who has the manifest has all that is needed to recompute the result; doing so is `replay`.
"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from biolake.studies.processing.models import Outcome
from biolake.studies.results.recipe import Recipe

NAME = "manifest.json"
SUPERSEDED = "superseded.json"


class TableRecord(BaseModel):
    """One table of a result.

    Attributes:
        rows: Number of rows.
        content_sha256: Hash of its values without those that differ between two runs of the same (run id, ...).
        files: Hash of each file by its name.
    """

    model_config = ConfigDict(frozen=True)

    rows: int
    content_sha256: str
    files: dict[str, str]


class Manifest(BaseModel):
    """The record of one result.

    Attributes:
        version: Of this format.
        recipe: What the result was made from.
        state: What became of the recording.
        reason: Why.
        qc_codes: What must be known of it.
        tables: Its tables by name.
        runtime: What the runtime said of itself: versions, BLAS kernels, patches.
        steps: The pipeline's steps as they ran.
        warnings: What SKDH warned about.
        cost: Seconds and bytes used.
        read: What was seen in the arrays that were read.
        host: Where it ran.
        started: When processing started, UTC.
        ended: When it ended.
        stored_at: When the result was stored.
        run_id: The run.
        code_version: Version of the platform's code.
        image: Container image that it ran in, by its digest; None where it was in none.
    """

    model_config = ConfigDict(frozen=True)

    version: int = 1
    recipe: Recipe
    state: str
    reason: str
    qc_codes: tuple[str, ...]
    tables: dict[str, TableRecord]
    runtime: dict[str, Any]
    steps: tuple[dict[str, Any], ...]
    warnings: tuple[dict[str, str], ...]
    cost: dict[str, float]
    read: dict[str, Any]
    host: str
    started: datetime | None
    ended: datetime | None
    stored_at: datetime
    run_id: str
    code_version: str
    image: str | None = None


def manifest(
    recipe: Recipe,
    outcome: Outcome,
    tables: dict[str, TableRecord],
    now: datetime,
    run_id: str,
    code_version: str,
    image: str | None = None,
) -> Manifest:
    """Return the record of a result."""
    return Manifest(
        recipe=recipe,
        state=outcome.state.value,
        reason=outcome.reason,
        qc_codes=outcome.qc_codes,
        tables=tables,
        runtime={name: value for name, value in outcome.runtime.items() if name not in ("event", "pid")},
        steps=tuple(vars(step) for step in outcome.steps),
        warnings=tuple(vars(warned) for warned in outcome.warnings),
        cost=vars(outcome.cost),
        read=dict(outcome.read),
        host=outcome.host,
        started=outcome.started,
        ended=outcome.ended,
        stored_at=now,
        run_id=run_id,
        code_version=code_version,
        image=image,
    )
