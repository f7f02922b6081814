"""Processing starts only from a state that allows it, ends as it may, and results go stale by what changed."""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biolake.studies.catalog.status import status
from biolake.studies.errors import IllegalTransition, UnknownRecording
from biolake.studies.models import Recording
from biolake.studies.recordings.progress import ready, recording, rerun, set_state
from biolake.studies.states import ENDED, State, allowed_from, may_end
from tests.studies.small_study import SmallStudy, sleep_pipeline


@pytest.fixture
def study(tmp_path: Path, new_database: Callable[[], str]) -> SmallStudy:
    study = SmallStudy.make(tmp_path, new_database())
    study.put("meta/people.csv", "SUBJID,HEIGHT,TZ\n1001,172,\n")
    study.put("incoming/1001_V1.cwa")
    study.put("incoming/1001_V1_7.bin")
    study.wait(minutes=5)
    study.look()
    return study


def take(study: SmallStudy, key: str = "wrist~1001~V1", run_id: str = "run-1") -> Recording:
    taken = recording(study.configuration, study.engine, key)
    change(study, key, State.PROCESSING, inputs=taken.inputs, run_id=run_id)
    return taken


def change(study: SmallStudy, key: str, state: State, **more) -> State:
    more.setdefault("run_id", "run-1")
    return set_state(study.configuration, study.engine, key, state, "as it went", study.now, **more)


def process(study: SmallStudy, key: str = "wrist~1001~V1") -> None:
    take(study, key)
    change(study, key, State.PROCESSED, qc_code="ok")


def test_a_recording_is_processed_once(study: SmallStudy):
    process(study)
    study.look()
    assert study.states()["1001_V1_7.bin"] == "processed"
    assert [str(r.key) for r in ready(study.configuration, study.engine)] == ["lumbar~1001~V1"]


def test_two_runs_cannot_take_one_recording(study: SmallStudy):
    taken = take(study)
    with pytest.raises(IllegalTransition, match="is processing and cannot become processing"):
        change(study, "wrist~1001~V1", State.PROCESSING, inputs=taken.inputs, run_id="run-2")
    with pytest.raises(IllegalTransition, match="processed by run run-1, not by run-2"):
        change(study, "wrist~1001~V1", State.PROCESSED, run_id="run-2")


def test_a_crash_is_tried_again_and_then_failed(study: SmallStudy):
    take(study)
    assert change(study, "wrist~1001~V1", State.CRASHED) is State.CRASHED
    assert "wrist~1001~V1" in [str(r.key) for r in ready(study.configuration, study.engine)]
    take(study)
    assert change(study, "wrist~1001~V1", State.CRASHED) is State.FAILED
    assert "Tried 2 times" in study.reason("1001_V1_7.bin")
    study.look()
    assert [str(r.key) for r in ready(study.configuration, study.engine)] == ["lumbar~1001~V1"]
    assert rerun(study.configuration, study.engine, study.now) == 1
    assert len(ready(study.configuration, study.engine)) == 2


def test_what_is_given_back_untouched_was_not_tried(study: SmallStudy):
    take(study)
    change(study, "wrist~1001~V1", State.READY)
    assert recording(study.configuration, study.engine, "wrist~1001~V1").attempts == 0


def test_a_fault_that_only_reading_finds_stays_until_something_it_depends_on_changes(study: SmallStudy):
    take(study)
    change(study, "wrist~1001~V1", State.CORRUPTED)
    study.put("incoming/1002_V1_7.bin")
    study.wait(minutes=5)
    study.look()
    assert study.states()["1001_V1_7.bin"] == "corrupted"
    study.document["file_types"][0]["recording"]["max_bad_block_fraction"] = 0.5
    study.look()
    assert study.states()["1001_V1_7.bin"] == "ready"


def test_an_unknown_recording_and_a_waiting_one_cannot_be_processed(study: SmallStudy):
    with pytest.raises(UnknownRecording):
        change(study, "wrist~9999~V1", State.PROCESSING)
    study.put("incoming/1009_V1.cwa")
    study.wait(minutes=5)
    study.look()
    with pytest.raises(IllegalTransition, match="is waiting and cannot become processing"):
        change(study, "lumbar~1009~V1", State.PROCESSING)


def test_a_new_version_during_processing_keeps_the_results_with_the_old_one(study: SmallStudy):
    take(study)
    study.put("incoming/1001_V1_7.bin", again=True)
    study.wait(minutes=5)
    study.look()
    assert change(study, "wrist~1001~V1", State.PROCESSED, qc_code="ok") is State.SUPERSEDED
    table = status(study.configuration, study.engine)
    rows = table.filter(table["key"] == "incoming/1001_V1_7.bin").to_dicts()
    assert [(row["state"], row["qc_code"]) for row in rows] == [("superseded", "ok"), ("ready", None)]


CHANGES = {
    "the pipeline": (
        lambda s: (s.folder / "pipelines/sleep.skdh").write_text(
            yaml.safe_dump({**sleep_pipeline(), "Steps": [*sleep_pipeline()["Steps"][:-1]]})
        ),
        "pipeline sleep",
    ),
    "the runtime": (
        lambda s: s.document["pipelines"]["sleep"].update(runtime="skdh-0.17.18-py311-b"),
        "runtime sleep",
    ),
    "the day windows": (
        lambda s: s.document["file_types"][0]["recording"].update(min_hours=12),
        "configuration",
    ),
    "the participant's time zone": (
        lambda s: s.put("meta/people.csv", "SUBJID,HEIGHT,TZ\n1001,172,Europe/Berlin\n"),
        "metadata",
    ),
}


@pytest.mark.parametrize(("change_it", "named"), CHANGES.values(), ids=CHANGES.keys())
def test_results_go_stale_by_what_they_depend_on_and_are_good_again_when_it_is_back(
    study: SmallStudy, change_it, named
):
    process(study, "wrist~1001~V1")
    process(study, "lumbar~1001~V1")
    before = copy.deepcopy(study.document)
    pipeline = (study.folder / "pipelines/sleep.skdh").read_text()
    change_it(study)
    study.look()
    assert study.states() == {"1001_V1.cwa": "processed", "1001_V1_7.bin": "stale"}
    assert study.reason("1001_V1_7.bin") == f"Changed since it was processed: {named}."
    assert ready(study.configuration, study.engine) == []
    study.document = before
    (study.folder / "pipelines/sleep.skdh").write_text(pipeline)
    study.put("meta/people.csv", "SUBJID,HEIGHT,TZ\n1001,172,\n")
    study.look()
    assert set(study.states().values()) == {"processed"}


UNRELATED = {
    "the title": lambda s: s.document["study"].update(title="Another title"),
    "another file type": lambda s: s.document["file_types"][1].update(on_duplicate="newest"),
    "how long is waited": lambda s: s.document["waiting"].update(give_up_after="P1D"),
    "where results go": lambda s: s.document["results"].update(uri="s3://elsewhere"),
    "another subject": lambda s: s.put("meta/more.csv", "SUBJID,HEIGHT,TZ\n1002,180,\n"),
    "a value it does not use": lambda s: s.put("meta/people.csv", "SUBJID,HEIGHT,TZ\n1001,173,\n"),
    "limits of resources": lambda s: s.document["pipelines"]["sleep"].update(resources={"timeout_min": 60}),
}


@pytest.mark.parametrize("change_it", UNRELATED.values(), ids=UNRELATED.keys())
def test_results_do_not_go_stale_by_anything_else(study: SmallStudy, change_it):
    process(study, "wrist~1001~V1")
    change_it(study)
    study.look()
    assert study.states()["1001_V1_7.bin"] == "processed"


def test_stale_results_are_computed_again_on_request(study: SmallStudy):
    process(study, "lumbar~1001~V1")
    study.put("meta/people.csv", "SUBJID,HEIGHT,TZ\n1001,180,\n")
    study.look()
    assert study.states()["1001_V1.cwa"] == "stale"
    assert rerun(study.configuration, study.engine, study.now, keys=["lumbar~1001~V1"]) == 1
    study.look()
    [again] = [r for r in ready(study.configuration, study.engine) if r.key.file_type == "lumbar"]
    assert again.metadata == {"height_m": 1.8}


def test_a_second_file_of_a_processed_identity_makes_its_results_doubtful(study: SmallStudy):
    process(study)
    study.put("incoming/1001_V1_8.bin")
    study.wait(minutes=5)
    study.look()
    assert study.states()["1001_V1_7.bin"] == "stale"
    assert study.states()["1001_V1_8.bin"] == "duplicate_identity"


def test_a_further_part_takes_the_whole_recording_up_again(study: SmallStudy):
    study.put("incoming/1001_V1_0.avro", hours=1)
    study.wait(hours=3)
    study.look()
    process(study, "half_hours~1001~V1")
    study.put("incoming/1001_V1_1.avro", hours=1, start="2024-02-01T11:00")
    study.look()
    assert study.states()["1001_V1_0.avro"] == "processed"
    study.wait(hours=3)
    study.look()
    [again] = [r for r in ready(study.configuration, study.engine) if r.key.file_type == "half_hours"]
    assert len(again.files) == 2


EVENTS = st.lists(
    st.sampled_from(
        [
            "look",
            "put",
            "put again",
            "second",
            "remove",
            "height",
            "no height",
            "begin",
            "end",
            "crash",
            "fail",
            "rerun",
            "wait",
        ]
    ),
    max_size=14,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(events=EVENTS)
def test_any_order_of_events_leaves_each_file_with_one_state(
    events: list[str], tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]
):
    study = SmallStudy.make(tmp_path_factory.mktemp("study"), new_database())
    study.put("incoming/9999_V1.cwa")
    key = "lumbar~1001~V1"
    for number, event in enumerate(events):
        study.wait(minutes=2)
        try:
            match event:
                case "put" | "put again":
                    study.put("incoming/1001_V1.cwa", number=number)
                case "second":
                    study.put("incoming/sub/1001_V1.cwa", number=number)
                case "remove":
                    (study.folder / "raw/incoming/1001_V1.cwa").unlink(missing_ok=True)
                case "height" | "no height":
                    height = "172" if event == "height" else ""
                    study.put("meta/people.csv", f"SUBJID,HEIGHT\n1001,{height}\n")
                case "begin":
                    take(study, key)
                case "end" | "crash" | "fail":
                    change(study, key, {"end": State.PROCESSED, "crash": State.CRASHED}.get(event, State.FAILED))
                case "rerun":
                    rerun(study.configuration, study.engine, study.now)
                case "wait":
                    study.wait(days=15)
        except (IllegalTransition, UnknownRecording):
            pass
        summary = study.look()
        table = status(study.configuration, study.engine)
        assert table.height == summary.n_files == sum(summary.counts.values())
        assert set(table["state"].to_list()) <= {state.value for state in State}
        current = table.filter(table["current"])
        assert current["key"].n_unique() == current.height
        assert all((State(row["state"]) in ENDED) != row["current"] for row in table.iter_rows(named=True))
        on_disk = {
            p.relative_to(study.folder / "raw").as_posix() for p in (study.folder / "raw/incoming").rglob("*.cwa")
        }
        assert set(current["key"]) == on_disk


def test_no_state_is_a_dead_end_without_a_way_out():
    for state in State:
        assert may_end(state) or state in ENDED
    assert allowed_from(State.SUPERSEDED) == frozenset()
