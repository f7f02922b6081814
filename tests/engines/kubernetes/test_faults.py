"""Pods, nodes and the API server fail under work: nothing is lost or done twice, and the data is not blamed."""

import gzip
import time

from biolake.ledger.models import JobState
from tests.engines.kubernetes.deployment import KubernetesDeployment
from tests.platform.conftest import matrix_csv


def heavy_csv(features: int = 20_000, samples: int = 1_500) -> bytes:
    """A matrix that is small as a file and large in memory."""
    cells = ",".join(str(sample % 10) for sample in range(samples))
    head = ",".join(["gene", *(f"s{sample}" for sample in range(samples))])
    return gzip.compress("\n".join([head, *(f"g{row},{cells}" for row in range(features))]).encode(), 1)


def endings(deployment: KubernetesDeployment, lot: str | None) -> list[str]:
    """How the pods of a lot's runs ended, as far as their ending was not the run's own."""
    return [run.tags["biolake/pod-ending"] for run in deployment.runs([lot]) if "biolake/pod-ending" in run.tags]


def test_a_pod_without_enough_memory_is_followed_by_a_larger_one(deployment: KubernetesDeployment) -> None:
    deployment.put("heavy-1", heavy_csv(), suffix=".csv.gz")
    (job,) = deployment.wait_for_jobs("heavy-", 1)
    assert job.state == JobState.SUCCESS, job.reason
    machines = [run.tags["biolake/machine"] for run in deployment.runs([job.lot])]
    assert machines == ["small", "medium", "large"][: len(machines)]
    assert len(machines) > 1
    assert endings(deployment, job.lot) == ["OOMKilled"] * (len(machines) - 1)
    deployment.agrees()


def test_a_pod_deleted_in_the_middle_of_a_commit_loses_and_repeats_nothing(deployment: KubernetesDeployment) -> None:
    before = deployment.platform.lake.open("lab", "matrix").version()
    for number in range(100):
        deployment.put(f"deleted-{number:03}", matrix_csv(number))
    run = deployment.wait_for_work("deleted-")
    # The first table of a commit is there, the one that makes it visible is not.
    deployment.wait("a commit", lambda: deployment.platform.lake.open("lab", "matrix").version() > before)
    deployment.kubectl("delete", "pods", "-l", f"dagster/run-id={run}", "--force", "--grace-period=0")
    jobs = deployment.wait_for_jobs("deleted-", 100)
    assert {job.state for job in jobs} == {JobState.SUCCESS}
    assert run in {one.run_id for one in deployment.runs({job.lot for job in jobs})}
    deployment.agrees()


def test_a_node_lost_for_a_minute_loses_and_repeats_nothing(deployment: KubernetesDeployment) -> None:
    """The node says nothing for a minute and its pods stand still; then they go on where they were."""
    # Enough for a few seconds of work.
    for number in range(100):
        deployment.put(f"lost-{number:03}", matrix_csv(number, [f"s{sample}" for sample in range(50)], 400))
    run = deployment.wait_for_work("lost-")
    begun = time.monotonic()
    deployment.cluster.lose_node()
    try:
        deployment.wait("another attempt", lambda: _given_back(deployment, run))
        time.sleep(max(0.0, 60 - (time.monotonic() - begun)))
    finally:
        deployment.cluster.find_node()
    jobs = deployment.wait_for_jobs("lost-", 100)
    assert {job.state for job in jobs} == {JobState.SUCCESS}
    (lost,) = [one for one in deployment.runs({job.lot for job in jobs}) if one.run_id == run]
    assert lost.is_failure
    # Whichever comes first: Kubernetes empties the node, or the run's own silence tells.
    assert endings(deployment, lost.tags["biolake/lot"]) in (["NodeLost"], ["GivenUp"])
    deployment.agrees()


def test_a_pod_that_never_starts_is_taken_away_with_its_run(deployment: KubernetesDeployment) -> None:
    """No node takes its machine; what is left of the run does not start when one does."""
    deployment.cluster.kubectl("taint", "node", "localhost", "kept=away:NoSchedule")
    try:
        deployment.put("never-1", matrix_csv())
        pod = deployment.wait("a pod that waits", lambda: _waiting(deployment))
        run = pod["metadata"]["labels"]["dagster/run-id"]
        with deployment.instance() as instance:
            record = instance.get_run_by_id(run)
            assert record is not None
            # As Dagster's monitoring does when the time to start is over.
            instance.report_run_failed(record, "Run timed out due to taking too long to start.")
        deployment.wait("its Job to be deleted", lambda: run not in deployment.kubernetes_jobs())
    finally:
        deployment.cluster.kubectl("taint", "node", "localhost", "kept=away:NoSchedule-")
    (job,) = deployment.wait_for_jobs("never-", 1)
    assert job.state == JobState.SUCCESS
    assert job.run_id != run
    assert endings(deployment, job.lot) == ["GivenUp"]
    deployment.agrees()


def test_runs_live_through_a_silent_api_server(deployment: KubernetesDeployment) -> None:
    for number in range(100):
        deployment.put(f"silent-{number:03}", matrix_csv(number))
    run = deployment.wait_for_work("silent-")
    deployment.cluster.stop_api_server()
    try:
        time.sleep(10)
    finally:
        deployment.cluster.start_api_server()
    jobs = deployment.wait_for_jobs("silent-", 100)
    assert {job.state for job in jobs} == {JobState.SUCCESS}
    lots = {job.lot for job in jobs}
    deployment.wait("the runs' success", lambda: all(one.is_success for one in deployment.runs(lots)))
    assert run in {one.run_id for one in deployment.runs(lots)}
    deployment.agrees()


def _given_back(deployment: KubernetesDeployment, run: str) -> bool:
    with deployment.instance() as instance:
        found = instance.get_run_by_id(run)
    return found is not None and found.is_finished


def _waiting(deployment: KubernetesDeployment) -> dict | None:
    for pod in deployment.pods():
        for condition in pod["status"].get("conditions", ()):
            if condition.get("reason") == "Unschedulable" and pod["status"]["phase"] == "Pending":
                return pod
    return None
