"""What sensors ask of a run's worker, whatever launched it; Kubernetes' answers are in `kubernetes_launcher`.

Kept apart, so that a deployment without a cluster need not load Kubernetes' client.
"""

from typing import Any

import dagster as dg

MACHINE_TAG = "biolake/machine"
ENDING_TAG = "biolake/pod-ending"


def release_worker(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str | None:
    """Take away what is left of a run that is over, where its launcher does that; return how its worker ended."""
    release: Any = getattr(instance.run_launcher, "release", None)
    return None if release is None else release(run)


def never_started(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str | None:
    """Return how the worker of a run that has not begun ended, None where it may still begin or nobody can tell.

    Dagster's monitoring looks at such runs only when their time to start is over.
    """
    tell: Any = getattr(instance.run_launcher, "ended_before_start", None)
    return None if tell is None else tell(run)
