"""What a study finds in its bucket and in the lake after a recording was processed."""

import copy
import io
import json
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from deltalake import write_deltalake

from biolake.studies.processing.models import Outcome
from biolake.studies.results.errors import MixedRuntimes, UnknownTable
from biolake.studies.results.lake_tables import repository as lake_repository
from biolake.studies.results.lake_tables import run_manifest, runs
from biolake.studies.results.read import results_table, store_summaries, summarise_subject_visits
from biolake.studies.results.recipe import run_key
from biolake.studies.results.store import store_results, stored
from biolake.studies.states import State
from tests.studies.results.made_study import NOW, MadeStudy, outcome, wrist_outcome, wrist_pipeline

PROVENANCE = ("file_sha256", "configuration_sha256", "pipeline_sha256", "runtime_sha256", "metadata_used", "run_key")
LONDON = ZoneInfo("Europe/London")
SECONDS = count()


def moment(text: str, zone: ZoneInfo = LONDON) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def week(folder: Path, **options: object) -> Outcome:
    """A recording from Monday 18:00 to Saturday 10:00, worn all the time, with a night each."""
    first = moment("2024-05-06T18:00")
    dates = tuple(f"2024-05-{day:02d}" for day in range(6, 12))
    nights = {day: (moment(f"{day}T23:00"), 420.0) for day in dates[:-1]}
    return wrist_outcome(folder, first, 4 * 86400 + 16 * 3600, dates=dates, nights=nights, **options)  # type: ignore[arg-type]


def store(made: MadeStudy, result: Outcome, run_id: str = "run-1", **recording: object):
    return store_results(
        made.configuration,
        made.recording(**recording),  # type: ignore[arg-type]
        result,
        made.lake,
        made.results,
        run_id,
        pipeline="wrist",
        now=NOW + timedelta(seconds=next(SECONDS)),
    )


def test_results_are_in_the_bucket_with_a_manifest_that_names_their_hashes(made: MadeStudy, tmp_path: Path):
    done = store(made, week(tmp_path / "o"))
    assert done.prefix == f"TEST-001/0001/V1/wrist/{done.run_key}/"
    manifest = json.loads(made.results.get(done.prefix + "manifest.json"))
    assert manifest["tables"]["day"]["rows"] == 6
    for table in ("file_qc", "day", "night", "bout", "subject_visit", "exclusions", "dictionary"):
        content = made.results.get(f"{done.prefix}{table}.parquet")
        assert set(manifest["tables"][table]["files"]) == {f"{table}.parquet", f"{table}.csv"}
        assert pl.read_parquet(io.BytesIO(content)).equals(done.tables[table])


def test_every_row_says_what_it_was_computed_from(made: MadeStudy, tmp_path: Path):
    done = store(made, week(tmp_path / "o", qc_codes=("calibration_not_done",)), run_id="run-7", flags=("gap",))
    for table in ("file_qc", "day", "night", "bout", "exclusions", "biomarkers"):
        frame = results_table(made.configuration, table, made.lake)
        assert frame.height, table
        for name in PROVENANCE:
            assert frame[name].null_count() == 0, (table, name)
        assert set(frame["run_id"]) == {"run-7"}
        assert set(frame["run_key"]) == {done.run_key}
        assert set(frame["qc_codes"]) == {"gap; calibration_not_done"}
        assert set(frame["file_sha256"]) == {"a" * 64}


def test_columns_are_the_same_whatever_was_found(made: MadeStudy, tmp_path: Path):
    first = moment("2024-05-06T18:00")
    full = store(made, week(tmp_path / "full"), subject="0001")
    never = store(made, wrist_outcome(tmp_path / "never", first, 90_000, worn=()), subject="0002")
    short = Outcome("x", State.PROCESSED, "shorter than the study wants", ("too_short",))
    nothing = store(made, short, subject="0003")
    broken = store(made, Outcome("x", State.CORRUPTED, "12 blocks are damaged"), subject="0004")
    for other in (never, nothing, broken):
        for name, frame in full.tables.items():
            assert other.tables[name].schema == frame.schema, name


def test_a_recording_without_results_has_a_row_that_says_why(made: MadeStudy):
    store(made, Outcome("x", State.CORRUPTED, "12 blocks are damaged"))
    (row,) = results_table(made.configuration, "file_qc", made.lake).to_dicts()
    assert (row["state"], row["reason"], row["wear_hours"]) == ("corrupted", "12 blocks are damaged", None)
    (left_out,) = (
        results_table(made.configuration, "exclusions", made.lake).filter(pl.col("level") == "file").to_dicts()
    )
    assert (left_out["rule"], left_out["reason"]) == ("state", "corrupted: 12 blocks are damaged")
    assert stored(made.configuration, made.recording(), "wrist", made.results) is None


def test_storing_again_changes_nothing(made: MadeStudy, tmp_path: Path):
    result = week(tmp_path / "o")
    store(made, result)
    before = {name: results_table(made.configuration, name, made.lake) for name in ("day", "night", "biomarkers")}
    again = store(made, result)
    assert again.same_as_before is True
    for name, frame in before.items():
        assert results_table(made.configuration, name, made.lake).equals(frame)
    assert runs(made.lake, "TEST-001").height == 1
    assert stored(made.configuration, made.recording(), "wrist", made.results) is not None


def test_a_new_version_of_the_file_replaces_rows_and_marks_the_old_files(made: MadeStudy, tmp_path: Path):
    old = store(made, week(tmp_path / "o"), run_id="run-1")
    store(made, week(tmp_path / "p"), run_id="run-1", subject="0002")
    new = store(made, week(tmp_path / "q"), run_id="run-2", sha256="b" * 64)
    assert new.run_key != old.run_key
    days = results_table(made.configuration, "day", made.lake)
    assert set(days.filter(pl.col("subject") == "0001")["run_key"]) == {new.run_key}
    assert days.filter(pl.col("subject") == "0002").height == 6
    note = json.loads(made.results.get(old.prefix + "superseded.json"))
    assert note["superseded_by"] == new.run_key
    assert stored(made.configuration, made.recording(), "wrist", made.results) is None
    back = store(made, week(tmp_path / "o"), run_id="run-3")
    assert back.same_as_before is True
    assert set(results_table(made.configuration, "day", made.lake)["run_key"]) == {
        old.run_key,
        next(iter(days.filter(pl.col("subject") == "0002")["run_key"])),
    }
    assert stored(made.configuration, made.recording(), "wrist", made.results) is not None


def test_superseded_results_go_where_the_study_does_not_keep_them(made: MadeStudy, tmp_path: Path):
    made.document["results"]["keep_superseded"] = False
    old = store(made, week(tmp_path / "o"), run_id="run-1")
    store(made, week(tmp_path / "q"), run_id="run-2", sha256="b" * 64)
    assert not [entry.key for entry in made.results.list(old.prefix)]


def test_a_crash_before_the_manifest_leaves_a_result_that_is_computed_again(
    made: MadeStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("biolake.studies.results.store.write_recording", crash)
        with pytest.raises(KeyboardInterrupt):
            store(made, week(tmp_path / "o"))
    assert stored(made.configuration, made.recording(), "wrist", made.results) is None
    store(made, week(tmp_path / "o"))
    assert results_table(made.configuration, "day", made.lake).height == 6


def test_two_runtimes_are_never_in_one_table_unasked(made: MadeStudy, tmp_path: Path):
    made.document["pipelines"]["older"] = {
        **copy.deepcopy(made.document["pipelines"]["wrist"]),
        "runtime": "skdh-0.17.9-py311-a",
        "file": "pipelines/older.skdh",
    }
    made.pipelines["older"] = wrist_pipeline("0.17.9")
    made.document["file_types"][0]["pipelines"] = ["wrist", "older"]
    recording = made.recording()
    recording = replace(recording, pipelines=("wrist", "older"), timezones=dict.fromkeys(("wrist", "older"), "UTC"))
    for pipeline in ("wrist", "older"):
        result = week(tmp_path / pipeline)
        store_results(made.configuration, recording, result, made.lake, made.results, "r", pipeline=pipeline, now=NOW)
    with pytest.raises(MixedRuntimes, match=r"skdh-0\.17\.9-py311-a"):
        results_table(made.configuration, "day", made.lake)
    one = results_table(made.configuration, "day", made.lake, runtime="skdh-0.17.9-py311-a")
    assert set(one["pipeline"]) == {"older"}
    assert set(results_table(made.configuration, "day", made.lake, pipeline="wrist")["runtime"]) == {
        "skdh-0.17.18-py311-a"
    }
    both = results_table(made.configuration, "day", made.lake, mixed=True)
    assert both["runtime"].n_unique() == 2
    for table in made.folder.glob("lake/study_test_001/*"):
        if table.name != "runs":
            assert pl.read_delta(str(table))["skdh_version"].n_unique() <= 1 or table.name.startswith("dictionary")


def test_a_pipeline_moved_to_another_runtime_leaves_no_rows_behind(made: MadeStudy, tmp_path: Path):
    store(made, week(tmp_path / "o"), run_id="run-1")
    made.document["pipelines"]["wrist"]["runtime"] = "skdh-0.17.18-py311-dfa"
    store(made, week(tmp_path / "p"), run_id="run-2")
    days = results_table(made.configuration, "day", made.lake)
    assert set(days["runtime"]) == {"skdh-0.17.18-py311-dfa"}
    left = pl.read_delta(str(made.folder / "lake/study_test_001/day_skdh_0_17_18_py311_a"))
    assert left.is_empty()


def test_names_cannot_lead_out_of_the_place_for_results(made: MadeStudy, tmp_path: Path):
    done = store(made, week(tmp_path / "o"), subject="../../etc", key="x.bin")
    assert done.prefix.startswith("TEST-001/%2E%2E%2F%2E%2E%2Fetc/V1/")
    assert ".." not in done.prefix


def test_summaries_have_a_row_for_every_visit_and_days_add_up(made: MadeStudy, tmp_path: Path):
    store(made, week(tmp_path / "o"))
    first = moment("2024-05-06T18:00")
    store(made, wrist_outcome(tmp_path / "p", first, 20 * 3600, dates=("2024-05-06", "2024-05-07")), subject="0002")
    summary = summarise_subject_visits(made.configuration, made.lake).sort("subject")
    assert summary["subject"].to_list() == ["0001", "0002"]
    assert summary["n_days"].to_list() == [6, 2]
    assert summary["n_days_kept"].to_list() == [4, 0]
    assert summary["included"].to_list() == [True, False]
    assert summary["ad_wake_mvpa_5s_epoch_min"].to_list() == [30.0, None]
    assert summary["ad_night_total_sleep_time_min"][0] == 410.0
    days = results_table(made.configuration, "day", made.lake)
    listed = results_table(made.configuration, "exclusions", made.lake)
    assert days.filter("excluded").height == listed.filter(pl.col("level") == "day").height == 4
    assert listed.filter(pl.col("level") == "visit")["subject"].to_list() == ["0002"]
    written = store_summaries(made.configuration, made.lake, NOW)
    assert written == {"subject_visit skdh-0.17.18-py311-a": 2, "exclusions skdh-0.17.18-py311-a": listed.height}


def test_changed_rules_change_summaries_without_a_new_run_key(made: MadeStudy, tmp_path: Path):
    done = store(made, week(tmp_path / "o"))
    made.document["exclusion"]["first_last_partial_day"] = "include"
    made.document["exclusion"]["day"] = {"min_hours": 0, "min_wear_hours": 0}
    again = stored(made.configuration, made.recording(), "wrist", made.results)
    assert again is not None
    assert again.recipe.run_key == done.run_key
    assert summarise_subject_visits(made.configuration, made.lake)["n_days_kept"].to_list() == [6]


@pytest.mark.parametrize(
    ("change", "changes"),
    [
        (lambda m: m.document["pipelines"]["wrist"]["outputs"].pop("Sleep"), True),
        (lambda m: m.document["file_types"][0]["recording"].update(max_bad_block_fraction=0.2), True),
        (lambda m: m.document["pipelines"]["wrist"].update(runtime="skdh-0.17.18-py311-dfa"), True),
        (lambda m: m.pipelines["wrist"]["Steps"][2]["parameters"].update(window_length=30), True),
        (lambda m: m.document["study"].update(title="Another title"), False),
        (lambda m: m.document["exclusion"]["day"].update(min_wear_hours=4), False),
        (lambda m: m.document["pipelines"]["gait"]["outputs"].update(PredictGaitLumbarLgbm="intervals"), False),
        (lambda m: m.pipelines["gait"]["Steps"][2]["parameters"].update(min_bout_time=10.0), False),
        (lambda m: m.document["pipelines"]["wrist"].update(resources={"retries": 2}), False),
    ],
)
def test_the_run_key_changes_with_what_a_result_depends_on_and_with_nothing_else(made: MadeStudy, change, changes):
    before = run_key(made.configuration, made.recording(), "wrist")
    change(made)
    assert (run_key(made.configuration, made.recording(), "wrist") != before) is changes


def test_an_unknown_table_names_those_there_are(made: MadeStudy):
    with pytest.raises(UnknownTable, match="file_qc, day, night"):
        results_table(made.configuration, "days", made.lake)


@pytest.mark.parametrize("table", ["file_qc", "day", "night", "bout", "step", "biomarkers", "subject_visit"])
def test_before_the_first_result_tables_are_empty_and_have_their_columns(made: MadeStudy, table: str):
    frame = results_table(made.configuration, table, made.lake)
    assert frame.is_empty()
    assert {"study", "subject", "pipeline", "runtime"} <= set(frame.columns)


def test_what_a_step_gives_without_a_column_of_its_own_is_in_the_long_form(made: MadeStudy, tmp_path: Path):
    first = moment("2024-05-06T18:00")
    result = outcome(
        tmp_path / "o",
        {
            "AccelThresholdWearDetection": ("AccelThresholdWearDetection", {"wear": [[0, 100]]}),
            "Sleep": ("Sleep", {"Date": ["2024-05-06"], "Total Minutes": [600.0], "new index [min]": [4.5]}),
        },
        first,
        40_000,
    )
    made.document["pipelines"]["wrist"]["outputs"] = {"Sleep": "table"}
    store(made, result)
    long = results_table(made.configuration, "biomarkers", made.lake).filter(pl.col("measure") == "new_index_min")
    assert long["value"].to_list() == [4.5]
    assert long["unit"].to_list() == ["min"]


def test_joining_small_files_changes_no_row(made: MadeStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for number in range(3):
        store(made, week(tmp_path / str(number)), subject=f"000{number}")
    before = {name: results_table(made.configuration, name, made.lake) for name in ("day", "biomarkers", "runs")}
    monkeypatch.setattr("biolake.studies.results.upkeep._MOST_FILES", 1)
    store_summaries(made.configuration, made.lake, NOW)
    table = made.lake.open("study_test_001", "day_skdh_0_17_18_py311_a")
    assert len(table.file_uris()) == 1
    for name, frame in before.items():
        assert results_table(made.configuration, name, made.lake).equals(frame)
    store(made, week(tmp_path / "again"), subject="0001", sha256="c" * 64)
    assert results_table(made.configuration, "day", made.lake).height == 18


def test_the_image_of_the_run_is_recorded_also_where_earlier_results_name_none(made: MadeStudy, tmp_path: Path):
    image = f"registry.example/biolake@sha256:{'a' * 64}"
    store(made, week(tmp_path / "o"), run_id="beside a daemon")
    # As the table was before the column was.
    table = made.lake.open(lake_repository("TEST-001"), "runs")
    before = pl.DataFrame(table.to_pyarrow_dataset().to_table()).drop("image")
    write_deltalake(table.table_uri, before.to_arrow(), mode="overwrite", schema_mode="overwrite")
    assert runs(made.lake, "TEST-001")["image"].to_list() == [None]

    store_results(
        made.configuration,
        made.recording(subject="0002"),
        week(tmp_path / "o2"),
        made.lake,
        made.results,
        "in a pod",
        pipeline="wrist",
        now=NOW + timedelta(hours=1),
        image=image,
    )
    rows = runs(made.lake, "TEST-001").select("run_id", "image").rows()
    assert rows == [("beside a daemon", None), ("in a pod", image)]
    newest = runs(made.lake, "TEST-001").row(-1, named=True)
    assert run_manifest(made.lake, "TEST-001", newest).image == image
