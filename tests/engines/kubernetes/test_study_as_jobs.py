"""A small study on production engines: each recording a pod with the locked runtime, one of them taken away in work."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg

from biolake.studies.runtimes import Runtime
from tests.engines.kubernetes.deployment import KubernetesDeployment
from tests.study_platform.conftest import CURRENT, FIND_GAIT, GAIT, READ_CWA, StudyDeployment, file_type, new_document
from tests.study_platform.recordings import walk


def test_recordings_are_pods_and_a_lost_one_is_not_a_crash(
    deployment: KubernetesDeployment, runtime: Callable[[str], Runtime], tmp_path: Path
) -> None:
    runtime(CURRENT)
    for subject in (1, 2):
        deployment.put_beside(f"study/raw/lumbar/000{subject}_V1.cwa", walk(subject))
    deployment.put_beside("study/raw/meta/heights.csv", "SUBJID,HEIGHT_CM\n0001,171\n0002,182\n")
    with deployment.instance() as instance:
        study = _study(deployment, instance, tmp_path)
        study.add()
        deployment.wait("a recording in work", lambda: "processing" in study.states().values())
        (lost, *_) = [run for run in deployment.runs() if run.status == dg.DagsterRunStatus.STARTED]
        seen = deployment.kubernetes_jobs().keys()
        assert lost.run_id in seen
        deployment.kubectl(
            "delete", "pods", "-l", f"dagster/run-id={lost.run_id}", "--force", "--grace-period=0", "--wait=false"
        )
        deployment.wait("two recordings", lambda: list(study.states().values()).count("processed") == 2)
        results = study.table("runs")["recording"].to_list()
        assert len(results) == len(set(results)) == 2
        # The run that lost its pod does not count.
        assert {row["attempts"] for row in study.files().values() if row["recording"]} == {1}
    deployment.wait("the summary", lambda: all(run.is_finished for run in deployment.runs()))
    runs = [run for run in deployment.runs() if run.job_name.endswith("_recording")]
    assert len(runs) == 3
    assert {run.tags["biolake/machine"] for run in runs} == {"medium"}
    # The lost one's Job is taken away where the run is given up before its Job says that the pod is gone.
    assert {run.run_id for run in runs} <= deployment.kubernetes_jobs().keys() | seen


def _study(deployment: KubernetesDeployment, instance: dg.DagsterInstance, folder: Path) -> StudyDeployment:
    document = new_document(folder, "PODS-001", place=f"{deployment.bucket_url}/study")
    document["file_types"] = [file_type("lumbar", "axivity", "cwa", "gait")]
    study = StudyDeployment(folder, deployment.platform, instance, document)
    rules = {
        "requires": {"metadata": ["height_m"]},
        "pass": {"height": "metadata.height_m"},
        "outputs": {"GaitLumbar": "table"},
    }
    study.pipeline("gait", READ_CWA, FIND_GAIT, GAIT, **rules)
    return study
