"""Gait: the same columns with and without bouts, steps counted into bouts and days, reference values kept."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from biolake.studies.processing.models import Limits, Outcome, ProcessingTask
from biolake.studies.processing.results import read_results
from biolake.studies.processing.runner import process
from biolake.studies.results.measures.gait import GAIT
from biolake.studies.results.read import results_table, summarise_subject_visits
from biolake.studies.results.store import StoredResults, store_results
from tests.studies.results.made_study import NOW, MadeStudy, gait_pipeline, outcome

START = datetime(2024, 5, 6, 22, 59, tzinfo=UTC).timestamp()


def store(made: MadeStudy, result: Outcome) -> StoredResults:
    recording = made.recording(file_type="lumbar", metadata={"height_m": 1.7})
    return store_results(made.configuration, recording, result, made.lake, made.results, "r", pipeline="gait", now=NOW)


def steps(*bouts: tuple[int, int, float, int]) -> dict[str, Any]:
    """Return what GaitLumbar does for bouts given as day, number in the day, start and number of steps."""
    rows = [(day, bout, start, count, start + 0.5 * n) for day, bout, start, count in bouts for n in range(count)]
    day, bout, start, count, contact = (np.array(column) for column in zip(*rows, strict=True))
    return {
        "Day N": day,
        "Bout N": bout,
        "Bout Starts": start,
        "Bout Duration": count * 0.5,
        "Bout Steps": count,
        "Gait Cycles": count - 2,
        "IC Timestamp": contact,
        "gait speed": np.where(np.arange(len(rows)) % 2 == 0, 1.0, np.nan),
        "cadence": np.full(len(rows), 120.0),
        "bout:gait symmetry index": np.full(len(rows), 0.8),
    }


def test_steps_are_counted_into_their_bouts_and_local_days(made: MadeStudy, tmp_path: Path):
    # 22:59 UTC is a minute before midnight in London: the second bout of the recording is on the next day.
    output = steps((1, 1, START, 10), (1, 2, START + 120, 20), (1, 3, START + 200, 6))
    done = store(made, outcome(tmp_path / "o", {"GaitLumbar": ("GaitLumbar", output)}, START, 600))
    bouts = done.tables["bout"]
    assert bouts["n_steps"].to_list() == [10, 20, 6]
    assert bouts["gait_speed_m_per_s"].to_list() == [1.0, 1.0, 1.0]
    assert bouts["bout_gait_symmetry_index"].to_list() == [0.8] * 3
    days = done.tables["day"]
    assert days.select("gait_bouts", "gait_steps").rows() == [(1, 10), (2, 26)]
    assert days["gait_cadence_steps_per_min"].to_list() == [120, 120]
    assert done.tables["step"]["contact_in_bout_s"].to_list()[:3] == [0, 0.5, 1]
    assert done.tables["file_qc"].select("n_gait_bouts", "n_steps").rows() == [(3, 36)]


def test_bouts_of_two_days_with_one_number_are_two_bouts(made: MadeStudy, tmp_path: Path):
    output = steps((1, 1, START, 4), (2, 1, START + 120, 5))
    done = store(made, outcome(tmp_path / "o", {"GaitLumbar": ("GaitLumbar", output)}, START, 600))
    assert done.tables["bout"].select("bout", "n_steps").rows() == [(1, 4), (2, 5)]


def test_a_recording_without_gait_has_the_same_columns_and_zero_steps(made: MadeStudy, tmp_path: Path):
    some = store(made, outcome(tmp_path / "o", {"GaitLumbar": ("GaitLumbar", steps((1, 1, START, 4)))}, START, 600))
    empty = {"Day N": np.array([]), "Bout N": np.array([]), "IC Timestamp": np.array([])}
    none = store(
        made, outcome(tmp_path / "p", {"GaitLumbar": ("GaitLumbar", empty)}, START, 600, qc_codes=("no_gait",))
    )
    for name, frame in some.tables.items():
        assert none.tables[name].schema == frame.schema
    assert none.tables["day"].select("gait_bouts", "gait_steps").row(1) == (0, 0)
    assert none.tables["step"].is_empty()


def test_rules_for_days_are_not_for_tests_in_a_laboratory(made: MadeStudy, tmp_path: Path):
    store(made, outcome(tmp_path / "o", {"GaitLumbar": ("GaitLumbar", steps((1, 1, START, 4)))}, START, 600))
    (row,) = summarise_subject_visits(made.configuration, made.lake).to_dicts()
    assert row["included"]
    assert row["ad_gait_speed_m_per_s"] == 1.0
    assert results_table(made.configuration, "exclusions", made.lake).is_empty()


@pytest.mark.shared_data
def test_real_gait_is_what_skdh_returned(made: MadeStudy, shared_data: Path, tmp_path: Path, open_runtime):
    with np.load(shared_data / "wearables/skdh/gait_input.npz") as known:
        time = known["time"]
        np.savez(tmp_path / "walk.npz", time=time, accel=known["accel"], fs=1 / np.median(np.diff(time)))
    pipeline = tmp_path / "gait.skdh"
    pipeline.write_text(yaml.safe_dump(gait_pipeline()))
    arguments = {"tz_name": "Europe/London", "height": 1.7}
    task = ProcessingTask("gait", (tmp_path / "walk.npz",), pipeline, tmp_path / "out", arguments)
    result = process(task, open_runtime("skdh-0.17.18-py311-a"), Limits())
    done = store(made, result)
    returned = read_results(tmp_path / "out").step("GaitLumbar")
    frame = done.tables["step"]
    assert frame.height == len(returned.column("Bout N")) > 50
    compared = 0
    for entry in GAIT:
        if entry.table == "step":
            values = pl.Series(returned.array(entry.names[0]), dtype=pl.Float64).fill_nan(None)
            assert frame[entry.column].equals(values.alias(entry.column)), entry.column
            compared += 1
    assert compared == 36
    facts = {"Day N", "Processing Start Hour", "Processing End Hour", "Bout N", "Bout Starts", "Bout Duration"}
    facts |= {"Bout Steps", "Gait Cycles", "IC Timestamp", "IC Rel Timestamp", "Turn"}
    numbers = {str(v.path[0]) for v in returned.values if np.asarray(v.content).dtype.kind in "iuf"}
    described = {name for entry in GAIT for name in entry.names}
    assert {name for name in numbers - facts if not name.startswith("debug:")} == described
