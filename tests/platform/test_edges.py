"""The awkward arrivals: pairs, twins, files that grow, change or go while they are processed, files that are wrong."""

from collections.abc import Callable

import dagster as dg
import pytest

from biolake.arrivals.reprocess import reprocess
from biolake.arrivals.tick import tick
from biolake.formats.models import Dataset, Upload
from biolake.ingest import read_job as read_module
from biolake.ledger.models import Action, JobState
from biolake.platform import Platform
from biolake.settings import Settings
from platform_assets.drive import DidNotFinish, drive_repository
from tests.platform.conftest import Deployment, matrix_csv

METADATA = '{"title": "A title", "organism": "Homo sapiens"}'


def look(deployment: Deployment, repository: str = "lab") -> None:
    """One tick, as the daemon makes it while a run is at work."""
    here = deployment.platform
    tick(here.repositories.get(repository), here.bucket, here.lake_store, here.ledger, here.settings)


def while_reading(monkeypatch: pytest.MonkeyPatch, dataset: str, happening: Callable[[], None]) -> None:
    """Let something happen once, after a dataset was read and before it is stored."""
    real, happened = read_module.read, []

    def read(upload: Upload) -> Dataset:
        found = real(upload)
        if upload.name.startswith(dataset) and not happened:
            happened.append(dataset)
            happening()
        return found

    monkeypatch.setattr(read_module, "read", read)


@pytest.mark.parametrize("noticed", [True, False])
def test_a_delete_during_processing_cancels(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, noticed: bool
) -> None:
    def delete() -> None:
        deployment.remove("lab/D1.csv")
        if noticed:
            look(deployment)

    while_reading(monkeypatch, "D1", delete)
    deployment.put("lab/D1.csv", matrix_csv())
    deployment.put("lab/D2.csv", matrix_csv())
    jobs = deployment.drive()
    assert {(job.dataset_id, job.state) for job in jobs if job.action != Action.DELETE} == {
        ("D1", JobState.CANCELLED),
        ("D2", JobState.SUCCESS),
    }
    assert set(deployment.shown()) == {"D2"} == set(deployment.platform.index.versions("lab"))
    assert deployment.reconciled().differences == ()


def test_a_file_replaced_during_processing_is_stored_as_its_new_version(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    while_reading(monkeypatch, "D1", lambda: deployment.put("lab/D1.csv", matrix_csv(40)))
    deployment.put("lab/D1.csv", matrix_csv(1))
    deployment.drive()
    assert deployment.states("D1") == [JobState.CANCELLED, JobState.SUCCESS]
    assert deployment.values("D1")[0] == [40, 41]
    assert deployment.table("datasets").num_rows == 1
    assert deployment.reconciled().differences == ()


def test_metadata_waits_for_data_and_data_for_metadata(deployment: Deployment) -> None:
    deployment.put("paired/A.csv", matrix_csv())
    deployment.put("paired/B.json", METADATA)
    assert deployment.drive("paired") == []
    assert {(job.dataset_id, job.state, job.reason) for job in deployment.jobs(repository="paired")} == {
        ("A", JobState.PENDING_PAIR, "waits for the metadata document"),
        ("B", JobState.PENDING_PAIR, "waits for the data file"),
    }
    deployment.put("paired/A.json", METADATA)
    deployment.put("paired/B.csv", matrix_csv())
    deployment.drive("paired")
    assert set(deployment.shown("paired")) == {"A", "B"}
    assert deployment.table("datasets", "paired")["title"].to_pylist() == ["A title", "A title"]
    assert deployment.reconciled("paired").differences == ()


def test_new_metadata_is_a_new_version_of_the_dataset(deployment: Deployment) -> None:
    deployment.put("lab/D1.csv", matrix_csv())
    deployment.drive()
    deployment.put("lab/D1.metadata.json", METADATA)
    (job,) = deployment.drive()
    assert (job.action, job.state) == (Action.UPDATE, JobState.SUCCESS)
    assert deployment.table("datasets")["title"].to_pylist() == ["A title"]
    deployment.remove("lab/D1.metadata.json")
    (job,) = deployment.drive()
    assert job.state == JobState.SUCCESS
    assert deployment.table("datasets")["title"].to_pylist() != ["A title"]
    assert deployment.reconciled().differences == ()


def test_two_files_with_one_id(deployment: Deployment) -> None:
    deployment.put("lab/D1.csv", matrix_csv(1))
    deployment.drive()
    deployment.put("lab/more/D1.csv", matrix_csv(30))
    (refused,) = deployment.drive()
    assert refused.state == JobState.ERRORED
    assert (refused.reason or "").startswith("DATASET_ID_TAKEN: D1: lab/more/D1.csv has the id of lab/D1.csv")
    assert deployment.values("D1")[0] == [1, 2]
    assert deployment.reconciled().differences == ()
    deployment.remove("lab/D1.csv")
    deployment.drive()
    assert deployment.values("D1")[0] == [30, 31]
    assert deployment.reconciled().differences == ()


def test_the_same_content_under_another_name_is_followed(deployment: Deployment) -> None:
    deployment.put("lab/D1.csv", matrix_csv(1))
    deployment.drive()
    lot = deployment.shown()["D1"]
    deployment.put("lab/new/D1.csv", matrix_csv(1))
    deployment.remove("lab/D1.csv")
    (job,) = deployment.drive()
    assert job.state == JobState.SUCCESS
    assert deployment.shown() != {"D1": lot}
    (row,) = deployment.table("datasets").to_pylist()
    assert row["source_uri"].endswith("lab/new/D1.csv")
    assert deployment.reconciled().differences == ()


def test_a_growing_file_waits_until_it_rests(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIOLAKE_SETTLE_SECONDS", "1.5")
    deployment.put("lab/D1.csv", matrix_csv()[:20])
    patient = Platform(Settings.from_environment())
    try:
        one = patient.repositories.get("lab")
        told = tick(one, patient.bucket, patient.lake_store, patient.ledger, patient.settings)
        assert (told.jobs, told.observation.unsettled) == (0, 1)
    finally:
        patient.close()
    deployment.put("lab/D1.csv", matrix_csv())
    assert [job.state for job in deployment.drive()] == [JobState.SUCCESS]
    assert deployment.values("D1") == [[1, 2], [3, 4], [5, 6]]


def test_who_waits_in_vain_is_told_what_for(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIOLAKE_SETTLE_SECONDS", "3600")
    deployment.put("lab/D1.csv", matrix_csv())
    with pytest.raises(DidNotFinish, match="1 objects are still being written"):
        drive_repository(deployment.platform, deployment.instance, "lab", timeout=1)


BAD = {
    "BAD1": "gene,s1,s1\ng1,1,2\n",
    "BAD2": "gene,s1,s2\ng1,1,not a number\n",
    "BAD3": "",
}
CODES = {"BAD1": "DUPLICATE_SAMPLE_ID", "BAD2": "NON_NUMERIC_VALUE", "BAD3": "EMPTY_FILE"}


def test_three_bad_files_are_named_their_neighbours_stored_and_a_new_lot_repairs_just_them(
    deployment: Deployment,
) -> None:
    good = [f"D{number}" for number in range(12)]
    for number, name in enumerate(good):
        deployment.put(f"lab/{name}.csv", matrix_csv(number))
    for name, content in BAD.items():
        deployment.put(f"lab/{name}.csv", content)
    jobs = {job.dataset_id: job for job in deployment.drive()}
    assert {name for name, job in jobs.items() if job.state == JobState.SUCCESS} == set(good)
    for name, code in CODES.items():
        assert jobs[name].state == JobState.ERRORED
        assert (jobs[name].reason or "").startswith(f"{code}: ")
        assert f"{name}.csv" in (jobs[name].reason or "")
    (lot,) = {job.lot for job in jobs.values()}
    assert lot is not None

    found = deployment.materialization(lot)
    assert found.metadata["stored"].value == 12
    assert found.metadata["errored"].value == 3
    table = found.metadata["datasets"]
    assert isinstance(table, dg.TableMetadataValue)
    assert [record.data["dataset"] for record in table.records[:3]] == ["BAD1", "BAD2", "BAD3"]
    assert len(table.records) == 15
    (check,) = deployment.check_evaluations(lot, "every_dataset_stored")
    assert (check.passed, check.severity, check.partition) == (False, dg.AssetCheckSeverity.WARN, lot)
    assert all(name in (check.description or "") for name in BAD)
    for other in ("ids_are_unique", "matrix_matches_samples", "values_are_finite", "no_silent_loss"):
        assert [one.passed for one in deployment.check_evaluations(lot, other)] == [True]
    assert deployment.reconciled().differences == ()
    assert deployment.reconciled().errored == tuple(BAD)

    before = deployment.shown()
    for name in BAD:
        deployment.put(f"lab/{name}.csv", matrix_csv(100))
    repaired = deployment.drive()
    assert sorted((job.dataset_id, job.state) for job in repaired) == [(name, JobState.SUCCESS) for name in BAD]
    assert len({job.lot for job in repaired}) == 1
    after = deployment.shown()
    assert {name: after[name] for name in good} == before
    assert deployment.reconciled().errored == ()
    assert deployment.reconciled().differences == ()


def test_failed_datasets_can_be_asked_for_again(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a fault of the platform rather than of the files: a new lot names just those."""
    real = read_module.read

    def broken(upload: Upload) -> Dataset:
        if upload.name.startswith("BAD"):
            raise RuntimeError("a fault of the reader")
        return real(upload)

    names = ["BAD1", "BAD2", "BAD3", "D1", "D2"]
    for name in names:
        deployment.put(f"lab/{name}.csv", matrix_csv())
    with monkeypatch.context() as patch:
        patch.setattr(read_module, "read", broken)
        jobs = {job.dataset_id: job for job in deployment.drive()}
    assert (jobs["BAD1"].reason or "").startswith("READER_FAILED: BAD1.csv: RuntimeError: a fault of the reader")
    before = deployment.shown()
    assert set(before) == {"D1", "D2"}
    asked = reprocess(deployment.platform.ledger, deployment.platform.repositories.get("lab"), names[:3])
    again = deployment.drive()
    assert {job.id for job in again} == {job.id for job in asked}
    assert len({job.lot for job in again}) == 1
    assert {job.state for job in again} == {JobState.SUCCESS}
    assert {name: lot for name, lot in deployment.shown().items() if name in before} == before
    assert deployment.reconciled().differences == ()


def test_scattered_updates_are_one_lot_and_one_run_and_touch_nothing_else(deployment: Deployment) -> None:
    scattered(deployment, datasets=400, updates=40)


def scattered(deployment: Deployment, *, datasets: int, updates: int) -> None:
    for number in range(datasets):
        deployment.put(f"lab/D{number}.csv", matrix_csv(number, features=2))
    assert {job.state for job in deployment.drive()} == {JobState.SUCCESS}
    before, runs = deployment.shown(), len(deployment.runs())
    chosen = {f"D{number}" for number in range(0, datasets, datasets // updates)}
    for name in chosen:
        deployment.put(f"lab/{name}.csv", matrix_csv(5000, features=2))
    jobs = deployment.drive()
    assert {job.dataset_id for job in jobs} == chosen
    assert {job.state for job in jobs} == {JobState.SUCCESS}
    assert len({job.lot for job in jobs}) == 1
    assert len(deployment.runs()) == runs + 1
    after = deployment.shown()
    assert {name: lot for name, lot in after.items() if name not in chosen} == {
        name: lot for name, lot in before.items() if name not in chosen
    }
    assert {after[name] for name in chosen} == {jobs[0].lot}
    assert deployment.reconciled().differences == ()
