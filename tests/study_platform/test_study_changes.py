"""A changed pipeline, runtime or file makes stale what it touches and nothing else; unchanged results are kept."""

from pathlib import Path

import dagster as dg
import pytest

from biolake.objects.store import open_store
from biolake.studies.catalog.update import open_stores
from biolake.studies.folder import lock_study
from biolake.studies.results.errors import MixedRuntimes
from biolake.studies.results.replay import replay
from biolake.studies.runtimes import ensure_runtime
from biolake.studies.states import State
from tests.study_platform.conftest import (
    ACTIVITY,
    CURRENT,
    DAYS,
    OLDER,
    READ_BIN,
    READ_CWA,
    WEAR,
    StudyDeployment,
    file_type,
)
from tests.study_platform.recordings import walk, wrist

WORN = {"outputs": {"AccelThresholdWearDetection": "intervals"}}
ACTIVE = {"outputs": {"AccelThresholdWearDetection": "intervals", "ActivityLevelClassification": "table"}}


@pytest.fixture
def two(study: StudyDeployment, runtime) -> StudyDeployment:
    """A wrist and a lumbar recording, each with a pipeline of its own."""
    runtime(CURRENT)
    study.document["file_types"] = [
        file_type("wrist", "geneactiv", "bin", "active"),
        file_type("lumbar", "axivity", "cwa", "worn"),
    ]
    study.pipeline("active", READ_BIN, WEAR, DAYS, ACTIVITY, **ACTIVE)
    study.pipeline("worn", READ_CWA, DAYS, WEAR, **WORN)
    study.put("wrist/0001_V1.bin", wrist(1, 2.5))
    study.put("lumbar/0001_V1.cwa", walk(1, 1.1))
    study.add()
    assert study.drive() == 2
    assert set(study.states().values()) == {"processed"}
    return study


def keys(study: StudyDeployment, **options: object) -> dict[str, str]:
    table = study.table("runs", **options)
    return dict(zip(table["pipeline"], table["run_key"], strict=True))


def test_nothing_changed_computes_nothing(two: StudyDeployment) -> None:
    before = two.table("runs").select("recording", "run_key", "stored_at").sort("recording")
    codes = {key: row["qc_code"] for key, row in two.files().items()}
    assert two.drive() == 0
    two.document["study"]["title"] = "Another title"
    two.document["exclusion"] = {"day": {"min_wear_hours": 1, "min_hours": 1}}
    two.add()
    assert two.drive() == 0
    assert set(two.states().values()) == {"processed"}
    assert two.rerun(State.PROCESSED) == 2
    assert two.drive() == 2
    assert two.table("runs").select("recording", "run_key", "stored_at").sort("recording").equals(before)
    metadata = two.materialization("biomarkers", "wrist~0001~V1")
    assert metadata["unchanged_pipelines"].value == "active"
    assert metadata["reason"].value == "Nothing has changed since its results were computed."
    assert {key: row["qc_code"] for key, row in two.files().items()} == codes


def test_a_changed_pipeline_makes_its_recordings_stale(two: StudyDeployment) -> None:
    before = keys(two)
    two.pipeline("active", READ_BIN, WEAR, DAYS, {**ACTIVITY, "parameters": {"day_window": [0, 24]}}, **ACTIVE)
    two.add()
    assert two.drive() == 0
    assert two.states() == {"0001_V1.bin": "stale", "0001_V1.cwa": "processed"}
    assert two.files()["wrist/0001_V1.bin"]["reason"] == "Changed since it was processed: pipeline active."
    two.rerun(State.STALE)
    assert two.drive() == 1
    after = keys(two)
    assert after["active"] != before["active"]
    assert after["worn"] == before["worn"]


def test_a_new_version_of_a_file_is_processed_and_the_old_results_are_kept(two: StudyDeployment) -> None:
    old = two.table("runs").filter(pipeline="worn")["prefix"][0]
    two.put("lumbar/0001_V1.cwa", walk(2, 1.1))
    assert two.drive() == 1
    assert two.states()["0001_V1.cwa"] == "processed"
    new = two.table("runs").filter(pipeline="worn")["prefix"][0]
    assert new != old
    kept = {path.name for path in (two.folder / "results" / old).iterdir()}
    assert {"superseded.json", "manifest.json", "file_qc.parquet", "file_qc.csv"} <= kept
    assert "superseded.json" not in {path.name for path in (two.folder / "results" / new).iterdir()}


def test_two_runtimes_are_never_in_one_table(two: StudyDeployment, runtime, runtime_cache: Path) -> None:
    runtime(OLDER)
    two.pipeline("worn", READ_CWA, DAYS, WEAR, runtime=OLDER, **WORN)
    two.add()
    two.drive()
    assert two.states() == {"0001_V1.bin": "processed", "0001_V1.cwa": "stale"}
    assert two.files()["lumbar/0001_V1.cwa"]["reason"].endswith("pipeline worn, runtime worn.")
    two.rerun(State.STALE)
    assert two.drive() == 1
    with pytest.raises(MixedRuntimes, match=r"2 runtimes .*--runtime"):
        two.table("day")
    for name, version in ((CURRENT, "0.17.18"), (OLDER, "0.17.9")):
        rows = two.table("file_qc", runtime=name)
        assert rows["skdh_version"].to_list() == [version]
        assert rows["pipeline"].to_list() == ["active" if name == CURRENT else "worn"]
    assert two.table("file_qc", mixed=True).height == 2
    tables = {path.name for path in (two.folder / "home" / "lake" / "study_test_001").iterdir()}
    assert {"day_skdh_0_17_18_py311_a", "day_skdh_0_17_9_py311_a"} <= tables

    for run_key in keys(two).values():
        (again,) = replay(
            run_key,
            two.id,
            two.platform.lake,
            open_store(two.document["results"]["uri"]),
            open_stores(two.configuration),
            lambda name: ensure_runtime(name, two.platform.runtimes, runtime_cache),
            two.folder / "replay" / run_key,
        )
        assert again.identical, str(again)


def test_a_processed_partition_may_be_launched_again(two: StudyDeployment) -> None:
    """As a backfill from the UI does: the job, for a partition that is there."""
    job = two.definitions().resolve_job_def("study_test_001_recording")
    for partition in ("wrist~0001~V1", "lumbar~0001~V1"):
        assert job.execute_in_process(instance=two.instance, partition_key=partition).success
    assert set(two.states().values()) == {"processed"}
    assert two.materialization("biomarkers", "lumbar~0001~V1")["unchanged_pipelines"].value == "worn"

    two.pipeline("worn", READ_CWA, WEAR, DAYS, **WORN)
    two.add()
    two.drive()
    assert two.states()["0001_V1.cwa"] == "stale"
    job = two.definitions().resolve_job_def("study_test_001_recording")
    assert job.execute_in_process(instance=two.instance, partition_key="lumbar~0001~V1").success
    assert two.states()["0001_V1.cwa"] == "processed"
    assert "unchanged_pipelines" not in two.materialization("biomarkers", "lumbar~0001~V1")


def test_partitions_and_checks_are_recorded_with_their_recording(two: StudyDeployment) -> None:
    assert set(two.instance.get_dynamic_partitions("study_test_001_recordings")) == {"wrist~0001~V1", "lumbar~0001~V1"}
    materialized = two.instance.get_materialized_partitions(two.key("biomarkers"))
    assert materialized == {"wrist~0001~V1", "lumbar~0001~V1"}
    assert two.checks("wrist~0001~V1") == {"worn": False, "calibrated": True}
    assert two.checks("lumbar~0001~V1") == {"worn": False, "calibrated": True}
    assert two.materialization("biomarkers", "wrist~0001~V1")["actogram_active"].value.startswith("![picture](data:")
    page = Path(str(two.materialization("biomarkers", "wrist~0001~V1")["page"].value).removeprefix("file://"))
    assert "0001" in page.read_text()


def test_a_locked_study_is_only_cataloged(two: StudyDeployment) -> None:
    lock_study(two.configuration)
    two.put("lumbar/0002_V1.cwa", walk(3, 1.1))
    assert two.drive() == 0
    assert two.states() == {"0001_V1.bin": "processed", "0001_V1.cwa": "processed", "0002_V1.cwa": "locked"}
    job = two.definitions().resolve_job_def("study_test_001_recording")
    two.instance.add_dynamic_partitions("study_test_001_recordings", ["lumbar~0002~V1"])
    refused = job.execute_in_process(instance=two.instance, partition_key="lumbar~0002~V1", raise_on_error=False)
    assert not refused.success
    assert two.states()["0002_V1.cwa"] == "locked"
    assert two.instance.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE])) == 1
