"""The main job on real engines: S3, SQS, PostgreSQL, OpenSearch, and every run a Kubernetes Job."""

import json

import dagster as dg

from biolake.cli.deployment import sql_engine
from biolake.ledger.models import JobState
from biolake.search.models import SearchRequest
from tests.engines.kubernetes.deployment import MOST_PODS, KubernetesDeployment
from tests.platform.conftest import matrix_csv

QUEUED = dg.DagsterRunStatus.QUEUED


def test_an_upload_becomes_a_pod_and_an_answer(deployment: KubernetesDeployment) -> None:
    for number in range(3):
        deployment.put(f"first-{number}", matrix_csv(number))
    about = {"title": "Kidney of made-up mice", "organism": "Mus musculus"}
    deployment.put("first-0", json.dumps(about), suffix=".metadata.json")
    jobs = deployment.wait_for_jobs("first-", 3)
    assert {job.state for job in jobs} == {JobState.SUCCESS}
    lots = {job.lot for job in jobs}
    deployment.wait("the runs' success", lambda: all(run.is_success for run in deployment.runs(lots)))
    deployment.agrees()

    runs = {run.run_id: run for run in deployment.runs(lots)}
    on_cluster = {run: job for run, job in deployment.kubernetes_jobs().items() if run in runs}
    assert runs.keys() == on_cluster.keys() >= {job.run_id for job in jobs}
    for job in on_cluster.values():
        pod = job["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert job["spec"]["backoffLimit"] == 0
        assert container["resources"] == {"requests": {"cpu": "50m", "memory": "500Mi"}, "limits": {"memory": "500Mi"}}
        assert pod["securityContext"]["runAsNonRoot"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        said = json.dumps(container)
        assert not any(secret in said for secret in ("tester-secret", deployment.variables["DAGSTER_POSTGRES_URL"]))
    assert {run.tags["biolake/machine"] for run in runs.values()} == {"small"}

    (hit,) = deployment.platform.index.search(SearchRequest(text="kidney mice")).hits
    assert hit.dataset_id == "first-0"
    with sql_engine(deployment.platform) as sql:
        rows = sql.query("SELECT dataset_id, n_features FROM lab.datasets WHERE dataset_id LIKE 'first-%' ORDER BY 1")
    assert rows.to_records() == [{"dataset_id": f"first-{number}", "n_features": 3} for number in range(3)]


def test_queued_work_drives_the_number_of_pods_to_the_limit_and_back(deployment: KubernetesDeployment) -> None:
    for number in range(250):
        deployment.put(f"many-{number:03}", matrix_csv(number))
    seen: list[int] = []
    work: list[int] = []

    def done() -> bool:
        pods = [pod for pod in deployment.pods() if pod["status"]["phase"] in {"Pending", "Running"}]
        # A pod lives a moment longer than its run, whose place another may have taken.
        work.append(sum(not run.is_finished for run in deployment.runs() if run.status != QUEUED))
        seen.append(len(pods))
        ended = [job for job in deployment.jobs("many-") if job.state == JobState.SUCCESS]
        return len(ended) == 250 and not pods

    deployment.wait("the end of the lots and their pods", done, 300)
    assert max(work) == MOST_PODS
    assert max(seen) >= MOST_PODS
    assert seen[-1] == 0
    assert len({job.lot for job in deployment.jobs("many-")}) >= 5
    deployment.agrees()
