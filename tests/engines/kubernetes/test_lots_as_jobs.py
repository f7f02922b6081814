"""The main job on real engines: S3, PostgreSQL, OpenSearch, and every run a Kubernetes Job."""

import json

from biolake.cli.deployment import sql_engine
from biolake.ledger.models import JobState
from biolake.search.models import SearchRequest
from tests.engines.kubernetes.conftest import Deploy
from tests.engines.kubernetes.deployment import KubernetesDeployment
from tests.platform.conftest import matrix_csv


def agrees(deployment: KubernetesDeployment, datasets: int) -> None:
    """Bucket, ledger, lake and index hold the same, and every row of the matrix once."""
    found = deployment.reconciled()
    assert (found.differences, found.datasets) == ((), datasets)
    matrix = deployment.platform.lake.open("lab", "matrix").to_pyarrow_table()
    assert matrix.num_rows == 3 * datasets
    assert len(set(zip(*(matrix[name].to_pylist() for name in ("dataset_id", "feature_id")), strict=True))) == (
        3 * datasets
    )


def test_an_upload_becomes_a_pod_and_an_answer(deploy: Deploy) -> None:
    deployment = deploy()
    for number in range(3):
        deployment.put(f"lab/D{number}.csv", matrix_csv(number))
    deployment.put("lab/D0.metadata.json", json.dumps({"title": "Kidney of made-up mice", "organism": "Mus musculus"}))
    jobs = deployment.wait_for_jobs(3)
    assert {job.state for job in jobs} == {JobState.SUCCESS}
    deployment.wait("the runs' success", lambda: all(run.is_success for run in deployment.runs()))
    agrees(deployment, 3)

    runs = {run.run_id: run for run in deployment.runs()}
    on_cluster = deployment.kubernetes_jobs()
    assert runs.keys() == on_cluster.keys() >= {job.run_id for job in jobs}
    for job in on_cluster.values():
        pod = job["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert job["spec"]["backoffLimit"] == 0
        assert container["resources"] == {"requests": {"cpu": "50m", "memory": "600Mi"}, "limits": {"memory": "600Mi"}}
        assert pod["securityContext"]["runAsNonRoot"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        said = json.dumps(container)
        assert not any(secret in said for secret in ("tester-secret", deployment.variables["DAGSTER_POSTGRES_URL"]))
    assert {run.tags["biolake/machine"] for run in runs.values()} == {"small"}

    (hit,) = deployment.platform.index.search(SearchRequest(text="kidney mice")).hits
    assert hit.dataset_id == "D0"
    with sql_engine(deployment.platform) as sql:
        rows = sql.query("SELECT dataset_id, n_features FROM lab.datasets ORDER BY dataset_id")
    assert rows.to_records() == [{"dataset_id": f"D{number}", "n_features": 3} for number in range(3)]
