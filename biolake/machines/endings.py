"""How a run's pod ended, as far as Kubernetes tells: the reasons that say nothing about the data, and lack of memory.

Pure functions of what the API server answers. Who asks it is `resources.kubernetes_launcher`.
Source: https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Ending(StrEnum):
    """What became of a pod."""

    COMPLETED = "Completed"
    OUT_OF_MEMORY = "OOMKilled"
    EVICTED = "Evicted"
    NODE_LOST = "NodeLost"
    DELETED = "Deleted"
    GIVEN_UP = "GivenUp"
    DEADLINE = "DeadlineExceeded"
    FAILED = "Error"


FROM_OUTSIDE = frozenset({Ending.EVICTED, Ending.NODE_LOST, Ending.DELETED, Ending.GIVEN_UP})
"""Endings that somebody else brought about; what the pod worked on had no part in them."""

_BY_DISRUPTION = {
    "DeletionByTaintManager": Ending.NODE_LOST,
    "DeletionByPodGC": Ending.NODE_LOST,
    "TerminationByKubelet": Ending.EVICTED,
    "EvictionByEvictionAPI": Ending.EVICTED,
    "PreemptionByScheduler": Ending.EVICTED,
}
_BY_REASON = {
    "Evicted": Ending.EVICTED,
    "Preempting": Ending.EVICTED,
    "NodeLost": Ending.NODE_LOST,
    "NodeShutdown": Ending.NODE_LOST,
    "Terminated": Ending.NODE_LOST,
    "Shutdown": Ending.NODE_LOST,
    "DeadlineExceeded": Ending.DEADLINE,
}
_SAYS = {
    Ending.COMPLETED: "its pod completed without ending the run",
    Ending.OUT_OF_MEMORY: "its pod was killed because it needed more memory than its limit",
    Ending.EVICTED: "its pod was evicted from its node",
    Ending.NODE_LOST: "its pod's node was lost",
    Ending.DELETED: "its pod was deleted",
    Ending.GIVEN_UP: "its pod did not start in time or was silent for too long, and was deleted",
    Ending.DEADLINE: "its pod ran longer than its deadline",
    Ending.FAILED: "its pod failed",
}


@dataclass(frozen=True)
class PodEnding:
    """How a pod ended, and what Kubernetes adds to it."""

    kind: Ending
    detail: str = ""

    def __str__(self) -> str:
        return _SAYS[self.kind] + (f" ({self.detail})" if self.detail else "")


def ending_of(job: Any | None, pods: Sequence[Any]) -> PodEnding | None:
    """Say how the pods of a run's Job ended; None while one of them may still work.

    Args:
        job: The `V1Job`, None where there is none any more.
        pods: Its `V1Pod`s that are still to be seen.
    """
    alive = [pod for pod in pods if pod.status.phase not in {"Succeeded", "Failed"}]
    if any(pod.metadata.deletion_timestamp is None for pod in alive):
        return None
    if job is None:
        return _worst(pods) or PodEnding(Ending.DELETED, "its Job is gone, too")
    finished = {one.type: one for one in job.status.conditions or () if one.status == "True"}
    if pods:
        ending = _worst(pods)
    elif job.status.failed or job.status.terminating or "Failed" in finished:
        ending = PodEnding(Ending.DELETED)
    else:
        # The Job was made a moment ago, and its controller has made no pod yet.
        ending = PodEnding(Ending.COMPLETED) if job.status.succeeded else None
    failed = finished.get("Failed") or finished.get("FailureTarget")
    if ending is not None and failed is not None and failed.reason == "DeadlineExceeded":
        return PodEnding(Ending.DEADLINE, failed.message or "")
    return ending


def _worst(pods: Sequence[Any]) -> PodEnding | None:
    endings = [_ending(pod) for pod in pods]
    order = list(Ending)
    return min(endings, key=lambda one: (one.kind == Ending.COMPLETED, order.index(one.kind)), default=None)


def _ending(pod: Any) -> PodEnding:
    state = _terminated(pod)
    if state is not None and state.reason == "OOMKilled":
        return PodEnding(Ending.OUT_OF_MEMORY, _limit(pod))
    for condition in pod.status.conditions or ():
        if condition.type == "DisruptionTarget" and condition.status == "True":
            return PodEnding(_BY_DISRUPTION.get(condition.reason, Ending.EVICTED), condition.message or "")
    if pod.status.reason in _BY_REASON:
        return PodEnding(_BY_REASON[pod.status.reason], pod.status.message or "")
    if pod.metadata.deletion_timestamp is not None:
        return PodEnding(Ending.DELETED)
    if pod.status.phase == "Succeeded":
        return PodEnding(Ending.COMPLETED)
    if state is not None:
        return PodEnding(Ending.FAILED, f"{state.reason or 'Error'}, exit code {state.exit_code}")
    return PodEnding(Ending.FAILED, pod.status.message or "")


def _terminated(pod: Any) -> Any | None:
    states = [one.state.terminated for one in pod.status.container_statuses or () if one.state is not None]
    ended = [one for one in states if one is not None]
    return next((one for one in ended if one.reason == "OOMKilled"), ended[0] if ended else None)


def _limit(pod: Any) -> str:
    for container in pod.spec.containers:
        if container.resources is not None and "memory" in (container.resources.limits or {}):
            return container.resources.limits["memory"]
    return "the node's own memory"
