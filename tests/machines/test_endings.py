"""What Kubernetes says of a run's Job and pods tells how the run ended; what says nothing does not."""

from datetime import UTC, datetime
from typing import Any

import pytest
from kubernetes import client

from biolake.machines.endings import FROM_OUTSIDE, Ending, ending_of

NOW = datetime.now(UTC)


def job(*conditions: tuple[str, str], **status: Any) -> client.V1Job:
    made = [client.V1JobCondition(type=kind, reason=reason, status="True") for kind, reason in conditions]
    return client.V1Job(status=client.V1JobStatus(conditions=made or None, **status))


def pod(phase: str, *, ended: tuple[str, int] | None = None, **more: Any) -> client.V1Pod:
    terminated = None if ended is None else client.V1ContainerStateTerminated(reason=ended[0], exit_code=ended[1])
    container = client.V1ContainerStatus(
        image="biolake",
        image_id="",
        name="dagster",
        ready=False,
        restart_count=0,
        state=client.V1ContainerState(terminated=terminated),
    )
    limits = client.V1ResourceRequirements(limits={"memory": "2Gi"})
    disruption = more.get("disruption")
    conditions = [client.V1PodCondition(type="DisruptionTarget", status="True", reason=disruption)]
    return client.V1Pod(
        metadata=client.V1ObjectMeta(deletion_timestamp=NOW if more.get("deleted") else None),
        spec=client.V1PodSpec(containers=[client.V1Container(name="dagster", resources=limits)]),
        status=client.V1PodStatus(
            phase=phase,
            reason=more.get("reason"),
            conditions=conditions if disruption else None,
            container_statuses=[container],
        ),
    )


FAILED = job(("Failed", "BackoffLimitExceeded"), failed=1)


@pytest.mark.parametrize(
    ("of", "pods", "ending"),
    [
        (job(active=1), [pod("Running")], None),
        (job(active=1), [pod("Pending")], None),
        (job(), [], None),
        (FAILED, [pod("Failed", ended=("OOMKilled", 137))], Ending.OUT_OF_MEMORY),
        (FAILED, [pod("Failed", ended=("Error", 1))], Ending.FAILED),
        (FAILED, [pod("Failed", reason="Evicted")], Ending.EVICTED),
        (FAILED, [pod("Failed", ended=("Error", 143), disruption="EvictionByEvictionAPI")], Ending.EVICTED),
        (job(terminating=1), [pod("Running", deleted=True, disruption="DeletionByTaintManager")], Ending.NODE_LOST),
        (job(terminating=1), [pod("Running", deleted=True)], Ending.DELETED),
        (FAILED, [], Ending.DELETED),
        (None, [], Ending.DELETED),
        (job(("Complete", ""), succeeded=1), [pod("Succeeded", ended=("Completed", 0))], Ending.COMPLETED),
        (job(("Complete", ""), succeeded=1), [], Ending.COMPLETED),
        (job(("Failed", "DeadlineExceeded"), failed=1), [], Ending.DEADLINE),
    ],
)
def test_an_ending_is_told(of: client.V1Job | None, pods: list[client.V1Pod], ending: Ending | None) -> None:
    found = ending_of(of, pods)
    assert (found and found.kind) == ending


def test_lack_of_memory_names_the_limit_and_is_the_works_own() -> None:
    found = ending_of(FAILED, [pod("Failed", ended=("OOMKilled", 137))])
    assert "2Gi" in str(found)
    assert Ending.OUT_OF_MEMORY not in FROM_OUTSIDE
