"""The real manifests with the real image: a dataset and a recording go through, and say which image made them."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml

from biolake.lake.read import provenance_of
from biolake.ledger.models import JobState
from biolake.studies.results.lake_tables import current_runs, run_manifest
from tests.engines.image.build import REFERENCE
from tests.engines.image.deployment import ImageDeployment
from tests.engines.servers.elasticmq import SqsServer
from tests.engines.servers.kubernetes.cluster import Cluster
from tests.engines.servers.opensearch import OpenSearchServer
from tests.engines.servers.postgres import PostgresServer
from tests.engines.servers.versitygw import S3Server
from tests.platform.conftest import matrix_csv
from tests.study_platform.conftest import CURRENT, FIND_GAIT, GAIT, READ_CWA, file_type, new_document
from tests.study_platform.recordings import walk

STUDY = "IMAGE-001"
_RUNS = "{ runsOrError { ... on Runs { results { runId status jobName tags { key value } } } } }"


@pytest.fixture(scope="module")
def deployment(
    node: Cluster,
    s3: S3Server,
    sqs: SqsServer,
    postgres: PostgresServer,
    opensearch: OpenSearchServer,
) -> Iterator[ImageDeployment]:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        made = ImageDeployment(node, s3, sqs, postgres, opensearch, Path(folder))
        for variable, value in made.variables.items():
            patch.setenv(variable, value)
        try:
            made.start(_study(Path(folder), made.bucket_url))
            yield made
        finally:
            made.stop()


def test_an_upload_is_stored_by_a_job_of_the_image_and_names_it(deployment: ImageDeployment) -> None:
    deployment.put("landing/lab/first.csv", matrix_csv(1))
    (job,) = deployment.wait("the end of the dataset's job", lambda: deployment.ended("first"))
    assert job.state == JobState.SUCCESS, job.reason

    image = _image_of_the_daemon(deployment)
    assert image.startswith(f"{REFERENCE}@sha256:")
    run = deployment.wait("the run's success", lambda: _run(deployment, job.run_id))
    assert run["tags"]["dagster/image"] == image
    assert run["tags"]["biolake/machine"] == "small"
    (pod,) = deployment.pods(f"dagster/run-id={job.run_id}")
    assert pod["status"]["containerStatuses"][0]["imageID"] == image
    (processing,) = provenance_of(deployment.platform.lake, "lab", "first")
    assert processing["image"] == image
    assert processing["run_id"] == job.run_id


def test_a_recording_is_processed_by_the_runtime_that_the_image_brings(deployment: ImageDeployment) -> None:
    deployment.put("study/raw/lumbar/0001_V1.cwa", walk(1))
    deployment.put("study/raw/meta/heights.csv", "SUBJID,HEIGHT_CM\n0001,171\n")
    lake = deployment.platform.lake
    results = deployment.wait("the recording's result", lambda: current_runs(lake, STUDY).to_dicts(), 400)
    (result,) = results
    assert result["state"] == "processed", run_manifest(lake, STUDY, result).reason
    assert result["image"] == _image_of_the_daemon(deployment)
    made = run_manifest(lake, STUDY, result)
    assert made.image == result["image"]
    assert made.recipe.runtime == CURRENT
    run = deployment.wait("the run's success", lambda: _run(deployment, result["run_id"]))
    assert run["jobName"].endswith("_recording")
    # It was there: had it been built, it would lie in the pod's own temporary folder.
    assert made.runtime["python"].startswith("3.11.7")


def _study(folder: Path, bucket: str) -> Path:
    document = new_document(folder, STUDY, place=f"{bucket}/study")
    document["file_types"] = [file_type("lumbar", "axivity", "cwa", "gait")]
    rules = {
        "requires": {"metadata": ["height_m"]},
        "pass": {"height": "metadata.height_m"},
        "outputs": {"GaitLumbar": "table"},
    }
    document["pipelines"]["gait"] = {"runtime": CURRENT, "file": "pipelines/gait.skdh", **rules}
    place = folder / "study"
    (place / "pipelines").mkdir(parents=True)
    (place / "study.yaml").write_text(yaml.safe_dump(document))
    steps = {"Steps": [READ_CWA, FIND_GAIT, GAIT], "Version": CURRENT.split("-")[1]}
    (place / "pipelines" / "gait.skdh").write_text(yaml.safe_dump(steps))
    return place


def _image_of_the_daemon(deployment: ImageDeployment) -> str:
    (pod,) = deployment.pods("app.kubernetes.io/component=daemon")
    return pod["status"]["containerStatuses"][0]["imageID"]


def _run(deployment: ImageDeployment, run_id: str | None) -> dict | None:
    """What the deployed UI says of a run, once it has succeeded."""
    for run in deployment.graphql(_RUNS)["runsOrError"]["results"]:
        if run["runId"] == run_id and run["status"] == "SUCCESS":
            return {**run, "tags": {tag["key"]: tag["value"] for tag in run["tags"]}}
    return None
