"""What becomes of uploads, updates and deletes, from the bucket to the index, through the real sensor and runs."""

from biolake.ledger.models import JobState
from tests.platform.conftest import Deployment, matrix_csv, matrix_gct


def found(deployment: Deployment, repository: str = "lab") -> set[str]:
    return set(deployment.platform.index.versions(repository))


def test_an_upload_is_stored_checked_and_indexed(deployment: Deployment) -> None:
    deployment.put("lab/D1.csv", matrix_csv(1))
    deployment.put("lab/D2.gct", matrix_gct(5))
    jobs = deployment.drive()
    assert {job.dataset_id: job.state for job in jobs} == {"D1": JobState.SUCCESS, "D2": JobState.SUCCESS}
    assert deployment.values("D1") == [[1, 2], [3, 4], [5, 6]]
    assert deployment.values("D2") == [[5, 6], [7, 8], [9, 10]]
    assert found(deployment) == {"D1", "D2"}
    assert deployment.reconciled().differences == ()
    (run,) = deployment.runs()
    assert run.is_success
    assert {job.lot for job in jobs} == {run.tags["biolake/lot"]}
    assert {job.run_id for job in jobs} == {run.run_id}


def test_an_update_replaces_all_levels_at_once(deployment: Deployment) -> None:
    deployment.put("lab/D1.csv", matrix_csv(1, ("s1", "s2", "s3")))
    deployment.put("lab/D2.csv", matrix_csv(1))
    deployment.drive()
    before = deployment.shown()
    deployment.put("lab/D1.csv", matrix_csv(7, ("t1",), features=2))
    (job,) = deployment.drive()
    assert (job.state, job.action.value) == (JobState.SUCCESS, "update")
    assert deployment.values("D1") == [[7], [8]]
    after = deployment.shown()
    assert after["D2"] == before["D2"]
    assert after["D1"] != before["D1"]
    assert deployment.platform.index.versions("lab") == after
    assert deployment.reconciled().differences == ()


def test_a_deleted_dataset_is_gone_everywhere(deployment: Deployment) -> None:
    deployment.put("lab/D1.csv", matrix_csv())
    deployment.put("lab/D2.csv", matrix_csv())
    deployment.drive()
    deployment.remove("lab/D1.csv")
    (job,) = deployment.drive()
    assert (job.action.value, job.state) == ("delete", JobState.SUCCESS)
    assert set(deployment.shown()) == {"D2"} == found(deployment)
    assert deployment.reconciled().differences == ()
    deployment.put("lab/D1.csv", matrix_csv())
    (job,) = deployment.drive()
    assert (job.action.value, job.state) == ("upload", JobState.SUCCESS)
    assert set(deployment.shown()) == {"D1", "D2"} == found(deployment)
    assert deployment.reconciled().differences == ()


def test_the_same_bytes_again_rewrite_nothing(deployment: Deployment) -> None:
    deployment.put("lab/D1.csv", matrix_csv())
    deployment.drive()
    lot, versions = deployment.shown()["D1"], deployment.versions()
    deployment.put("lab/D1.csv", matrix_csv())
    (job,) = deployment.drive()
    assert job.state == JobState.NO_CHANGE
    assert deployment.versions() == versions
    assert deployment.shown() == {"D1": lot}
    assert deployment.reconciled().differences == ()
    assert deployment.drive() == []
