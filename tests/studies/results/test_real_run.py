"""Tables of what SKDH really returns: equal to its own numbers, true to what was planted, replayed identically."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml

from biolake.objects.store import open_store
from biolake.studies.configuration.load import load_study
from biolake.studies.models import FileInRecording, Recording
from biolake.studies.processing.models import Limits, ProcessingTask
from biolake.studies.processing.results import read_results
from biolake.studies.processing.runner import process
from biolake.studies.recording_inputs import run_arguments
from biolake.studies.results.errors import InputGone, RuntimeChanged, UnknownRunKey
from biolake.studies.results.measures.described import described
from biolake.studies.results.read import results_table
from biolake.studies.results.recipe import run_inputs
from biolake.studies.results.replay import replay
from biolake.studies.results.store import StoredResults, store_results
from biolake.studies.runtimes import Runtime
from tests.studies.locked_runtimes import RUNTIMES
from tests.studies.results.conftest import RealRun
from tests.studies.results.made_study import NOW, MadeStudy


class LockedStudy(MadeStudy):
    """A study that knows the runtimes' locks."""

    @property
    def configuration(self):
        super().configuration  # noqa: B018 - writes the files
        return load_study(self.folder / "study.yaml", RUNTIMES)


@pytest.fixture
def study(tmp_path: Path, real: RealRun) -> LockedStudy:
    made = LockedStudy.make(tmp_path)
    made.document["pipelines"]["wrist"]["runtime"] = real.runtime.name
    (tmp_path / "raw" / real.file.name).symlink_to(real.file)
    return made  # type: ignore[return-value]


@pytest.fixture
def recording(study: LockedStudy, real: RealRun) -> Recording:
    digest = hashlib.sha256(real.file.read_bytes()).hexdigest()
    made = study.recording()
    file = FileInRecording("raw", real.file.name, "e1", real.file.stat().st_size, NOW, digest, 1)
    made = replace(made, files=(file,))
    return replace(made, inputs=run_inputs(study.configuration, made, "wrist"))


@pytest.fixture
def done(study: LockedStudy, recording: Recording, real: RealRun) -> StoredResults:
    return store_results(
        study.configuration, recording, real.outcome, study.lake, study.results, "r1", pipeline="wrist", now=NOW
    )


def test_days_have_the_hours_of_the_wall_clock_and_the_wear_that_was_planted(done: StoredResults):
    days = done.tables["day"]
    assert days["date"].cast(pl.String).to_list() == ["2023-03-25", "2023-03-26", "2023-03-27"]
    assert days["window_hours"].to_list() == [24, 23, 24]
    assert days["hours"].to_list() == [9, 23, 11]
    assert days["start_local"][2] == "2023-03-27T00:00:00+01:00"
    # Planted are three hours; SKDH decides by windows of an hour and takes the edges for wear.
    assert days["wear_hours"][1] == pytest.approx(20, abs=1.0)
    assert days["wear_hours"][0] == 9


def test_days_and_wear_are_those_of_skdh(done: StoredResults, real: RealRun):
    folder = real.outcome.output
    assert folder is not None
    activity = read_results(folder).step("ActivityLevelClassification")
    days = done.tables["day"]
    assert days["date"].cast(pl.String).to_list() == activity.column("Date")
    assert np.allclose(days["hours"].to_numpy() * 60, activity.array("Total Minutes"), atol=0.1)
    assert np.allclose(days["wear_hours"].to_numpy() * 60, activity.array("Wear Minutes"), atol=0.1)


@pytest.mark.parametrize("table", ["day", "night"])
def test_every_measure_is_bit_for_bit_what_skdh_returned(done: StoredResults, real: RealRun, table: str):
    folder = real.outcome.output
    assert folder is not None
    process_name = {"day": "ActivityLevelClassification", "night": "Sleep"}[table]
    step = read_results(folder).step(process_name)
    frame = done.tables[table]
    measures = described(process_name, {})
    place = {text: i for i, text in enumerate(frame["date"].cast(pl.String))}
    compared = 0
    for entry in measures:
        for date, value in zip(step.column("Date"), step.column(entry.names[0]), strict=True):
            stored = frame[entry.column][place[str(date)]]
            assert stored == value or (stored is None and not math.isfinite(value)), (entry.column, date)
            compared += stored is not None
    assert compared > 20


@pytest.mark.parametrize("process_name", ["ActivityLevelClassification", "Sleep"])
def test_the_dictionary_describes_every_number_that_skdh_returns(real: RealRun, process_name: str):
    folder = real.outcome.output
    assert folder is not None
    step = read_results(folder).step(process_name)
    known = {name for entry in described(process_name, {}) for name in entry.names}
    facts = {"Day N", "N hours", "N wear hours", "N wear wake hours", "TSO Start Timestamp"}
    numbers = {str(v.path[0]) for v in step.values if np.asarray(v.content).dtype.kind in "iuf"}
    assert numbers - facts == known


def test_the_night_that_was_planted_is_found(study: LockedStudy, done: StoredResults):
    nights = results_table(study.configuration, "night", study.lake)
    assert nights["date"].cast(pl.String).to_list() == ["2023-03-25", "2023-03-26"]
    first = nights.row(0, named=True)
    assert first["sleep_start_local"].startswith("2023-03-25T23:")
    assert first["window_hours"] == 23
    assert 300 <= first["total_sleep_time_min"] <= 480
    assert first["sleep_end_utc"] - first["sleep_start_utc"] == timedelta(minutes=first["tso_duration_min"])
    assert nights["excluded"].to_list() == [False, False]


def test_the_long_form_has_every_measure_of_every_day_once(study: LockedStudy, done: StoredResults):
    long = results_table(study.configuration, "biomarkers", study.lake)
    days = results_table(study.configuration, "day", study.lake)
    assert long.select("level", "window_start", "measure").is_unique().all()
    picked = long.filter((pl.col("measure") == "wake_mvpa_5s_epoch_min") & (pl.col("level") == "day"))
    assert picked["value"].to_list() == days["wake_mvpa_5s_epoch_min"].to_list()
    assert set(picked["unit"]) == {"min"}


def test_movement_is_kept_for_pictures(done: StoredResults):
    movement = done.tables["movement"]
    assert movement.height == 43 * 60
    off = movement.filter(pl.col("start_utc").dt.strftime("%d %H") == "26 13")
    walking = movement.filter(pl.col("start_utc").dt.strftime("%d %H:%M") == "26 16:40")
    assert off["movement_mg"].max() < 10 < walking["movement_mg"].min()  # type: ignore[operator]


def run_replay(study: LockedStudy, key: str, open_runtime: Callable[[str], Runtime], folder: Path):
    stores = {"raw": open_store((study.folder / "raw").as_uri())}
    return replay(key, "TEST-001", study.lake, study.results, stores, open_runtime, folder)


def test_a_replay_of_a_result_is_identical(
    study: LockedStudy, done: StoredResults, open_runtime: Callable[[str], Runtime], tmp_path: Path
):
    (found,) = run_replay(study, done.run_key, open_runtime, tmp_path / "replay")
    assert found.identical, str(found)
    assert str(found).endswith("(wrist~0001~V1~left, wrist): identical")


def test_a_replay_names_what_is_different(
    study: LockedStudy,
    recording: Recording,
    real: RealRun,
    open_runtime: Callable[[str], Runtime],
    tmp_path: Path,
):
    folder = tmp_path / "tampered"
    task = ProcessingTask(
        "tampered",
        (real.file,),
        study.folder / "pipelines" / "other.skdh",
        folder,
        run_arguments(study.configuration, recording, "wrist"),
    )
    other = dict(study.pipelines["wrist"])
    other["Steps"] = [step for step in other["Steps"] if step["process"] != "ActivityLevelClassification"]
    task.pipeline.write_text(yaml.safe_dump(other))
    study.pipelines["wrist"]["Steps"] = other["Steps"]
    study.document["pipelines"]["wrist"]["outputs"] = {"Sleep": "table"}
    outcome = process(task, real.runtime, Limits())
    document = (folder / "results.json").read_text()
    assert '"number of wake bouts"' in document
    stored = read_results(folder).step("Sleep").column("total sleep time")[0]
    (folder / "results.json").write_text(document.replace(f"{stored}, ", f"{stored + 1}, ", 1))
    kept = store_results(
        study.configuration, recording, outcome, study.lake, study.results, "r2", pipeline="wrist", now=NOW
    )
    (found,) = run_replay(study, kept.run_key, open_runtime, tmp_path / "replay")
    assert not found.identical
    assert not found.equivalent
    assert {(entry.table, entry.column) for entry in found.differences} >= {("night", "total_sleep_time_min")}
    assert "rows differ" in str(found)


def test_a_replay_refuses_another_file_or_runtime(
    study: LockedStudy, done: StoredResults, open_runtime: Callable[[str], Runtime], tmp_path: Path
):
    with pytest.raises(UnknownRunKey, match="0000"):
        run_replay(study, "0000", open_runtime, tmp_path / "a")
    with pytest.raises(RuntimeChanged):
        run_replay(study, done.run_key, lambda _: open_runtime("skdh-0.17.18-py311-a"), tmp_path / "b")
    (study.folder / "raw" / "0001_V1_left.bin").unlink()
    with pytest.raises(InputGone, match="no longer there"):
        run_replay(study, done.run_key, open_runtime, tmp_path / "c")
    (study.folder / "raw" / "0001_V1_left.bin").write_bytes(b"other")
    with pytest.raises(InputGone, match="other bytes"):
        run_replay(study, done.run_key, open_runtime, tmp_path / "d")
