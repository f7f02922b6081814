"""Where runs go: lots to spot machines where the table says so, runs without a lot to a machine of a size."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from biolake.ledger.models import JobState
from tests.engines.kubernetes.deployment import MACHINES, KubernetesDeployment
from tests.platform.conftest import matrix_csv

_SPOT = """
spot:
  node_selector: {capacity: spot}
  tolerations:
    - {key: capacity, value: spot, effect: NoSchedule}
lots_on_spot: true
"""
_LAUNCH = """
mutation Launch($selector: JobOrPipelineSelector!) {
  launchRun(executionParams: {selector: $selector, mode: "default"}) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""


def test_a_lot_goes_to_a_spot_machine_and_another_does_not(deployment: KubernetesDeployment) -> None:
    with _spot_node(deployment):
        # By the shipped table no lot is for spot machines, and here is no other.
        deployment.put("regular-1", matrix_csv())
        waiting = deployment.wait("a pod that waits", lambda: _pod(deployment, "regular-1"))
        said = deployment.wait("what the scheduler says", lambda: _unschedulable(deployment, waiting))
        assert "untolerated taint" in said

        (deployment.home / "machines.yaml").write_text(MACHINES + _SPOT)
        deployment.put("spot-1", matrix_csv())
        (job,) = deployment.wait_for_jobs("spot-", 1)
        assert job.state == JobState.SUCCESS
        (run,) = deployment.runs([job.lot])
        assert run.tags["biolake/spot"] == "true"
        (pod,) = json.loads(deployment.kubectl("get", "pods", "-l", f"dagster/run-id={run.run_id}", "-o", "json"))[
            "items"
        ]
        assert pod["spec"]["nodeSelector"] == {"capacity": "spot"}
        assert {"key": "capacity", "operator": "Equal", "value": "spot", "effect": "NoSchedule"} in pod["spec"][
            "tolerations"
        ]
        assert pod["spec"]["nodeName"] == "localhost"
        # The other one still waits, for a machine that stays.
        assert _unschedulable(deployment, waiting)
    (job,) = deployment.wait_for_jobs("regular-", 1)
    assert job.state == JobState.SUCCESS
    assert waiting == job.run_id
    deployment.agrees()


def test_the_nightly_end_of_history_is_a_job_on_a_machine(deployment: KubernetesDeployment) -> None:
    locations = "{ repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } } } } }"
    (repository,) = _graphql(deployment, locations)["repositoriesOrError"]["nodes"]
    selector = {
        "repositoryLocationName": repository["location"]["name"],
        "repositoryName": repository["name"],
        "jobName": "history",
    }
    launched = _graphql(deployment, _LAUNCH, selector=selector)["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    run_id = launched["run"]["runId"]
    (run,) = deployment.wait(
        "the end of the run", lambda: [run for run in deployment.runs() if run.run_id == run_id and run.is_finished]
    )
    assert run.is_success
    assert run.tags["biolake/machine"] == "medium"
    (container,) = deployment.kubernetes_jobs()[run_id]["spec"]["template"]["spec"]["containers"]
    assert container["resources"] == {"requests": {"cpu": "50m", "memory": "1200Mi"}, "limits": {"memory": "1200Mi"}}
    with deployment.instance() as instance:
        said = [entry.user_message for entry in instance.all_logs(run_id)]
    assert any("runs forgotten" in message for message in said)


@contextmanager
def _spot_node(deployment: KubernetesDeployment) -> Iterator[None]:
    """The cluster's node as one that may be taken away."""
    kubectl = deployment.cluster.kubectl
    kubectl("taint", "node", "localhost", "capacity=spot:NoSchedule")
    kubectl("label", "node", "localhost", "capacity=spot")
    try:
        yield
    finally:
        (deployment.home / "machines.yaml").write_text(MACHINES)
        kubectl("label", "node", "localhost", "capacity-")
        kubectl("taint", "node", "localhost", "capacity=spot:NoSchedule-")


def _pod(deployment: KubernetesDeployment, dataset: str) -> str | None:
    """The run whose pod is there for a dataset's lot."""
    lots = {job.lot for job in deployment.jobs(dataset) if job.lot}
    on_cluster = {pod["metadata"]["labels"]["dagster/run-id"] for pod in deployment.pods()}
    return next((run.run_id for run in deployment.runs(lots) if run.run_id in on_cluster), None)


def _unschedulable(deployment: KubernetesDeployment, run: str) -> str | None:
    """Why the run's pod has no node."""
    for pod in json.loads(deployment.kubectl("get", "pods", "-l", f"dagster/run-id={run}", "-o", "json"))["items"]:
        for condition in pod["status"].get("conditions", ()):
            if condition.get("reason") == "Unschedulable" and pod["status"]["phase"] == "Pending":
                return condition["message"]
    return None


def _graphql(deployment: KubernetesDeployment, query: str, **variables: Any) -> dict[str, Any]:
    url = f"http://127.0.0.1:{deployment.port}/graphql"
    answer = httpx.post(url, json={"query": query, "variables": variables}, timeout=30).json()
    assert "errors" not in answer, answer
    return answer["data"]
