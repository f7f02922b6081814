"""Divide a lot whose runs keep dying, until the dataset that they die of is alone.

When that is done is decided in `recovery`.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from biolake.arrivals.cut import time_of_next_lot
from biolake.arrivals.manifest import Manifest, write_manifest
from biolake.ledger.jobs import assign_lot, find_jobs, move_jobs
from biolake.ledger.lots import add_lot, ancestors, descendants, release_lot
from biolake.ledger.models import Job, JobState, Lot, LotState
from biolake.objects.store import ObjectStore

PARTS = 8
# A thousand datasets are apart after four divisions, so a single culprit is found even while all others still run.
MOST_FRUITLESS = 4

_CAME_THROUGH = {JobState.SUCCESS, JobState.NO_CHANGE}


def divide(connection: Connection, lot: Lot, jobs: Sequence[Job], lake: ObjectStore, now: datetime) -> list[Lot]:
    """Put the unfinished jobs of an open lot into smaller lots and return these.

    Manifests are stored before the ledger's transaction ends, as :func:`biolake.arrivals.cut.cut_lots` does.
    """
    created = time_of_next_lot(connection, lot.repository, now)
    release_lot(connection, lot.key, LotState.DIVIDED)
    lots: list[Lot] = []
    for part in parts_of(jobs):
        made = replace(write_manifest(Manifest.of(lot.repository, part, created), lake), divided_from=lot.key)
        ids = [job.id for job in part]
        add_lot(connection, made)
        assign_lot(connection, ids, made.key, now)
        move_jobs(connection, ids, JobState.IN_QUEUE, now, None)
        lots.append(made)
    return lots


def parts_of(jobs: Sequence[Job]) -> list[list[Job]]:
    """Put the heaviest job, the most likely culprit, by itself, and the others into equal parts in their order."""
    heaviest = max(jobs, key=lambda job: job.size)
    others = [job for job in jobs if job is not heaviest]
    share = max(1, -(-len(others) // (PARTS - 1)))
    return [[heaviest], *(others[start : start + share] for start in range(0, len(others), share))]


def is_fruitless(connection: Connection, lot: Lot) -> bool:
    """Say whether the lots that `lot` belongs with were divided often and no dataset came through in any of them.

    Then the cause is the platform's, and each further division would only multiply the runs that fail.
    """
    root = (ancestors(connection, lot) or [lot])[-1]
    family = descendants(connection, root.key)
    if sum(one.state == LotState.DIVIDED for one in (root, *family)) < MOST_FRUITLESS:
        return False
    return not any(find_jobs(connection, lot.repository, lot=one.key, states=_CAME_THROUGH) for one in family)
