"""What must have no effect: a pipeline that runs other code, a bucket that is gone, a document with mistakes."""

import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from biolake.studies.catalog.study_record import study_state
from biolake.studies.configuration.load import validate
from biolake.studies.errors import SourceUnavailable, StudyConfigurationInvalid
from sensors import documents
from tests.study_platform.conftest import CURRENT, READ_CWA, WEAR, StudyDeployment, file_type
from tests.study_platform.recordings import walk

WORN = {"outputs": {"AccelThresholdWearDetection": "intervals"}}


@pytest.fixture
def lumbar(study: StudyDeployment, runtime) -> StudyDeployment:
    runtime(CURRENT)
    study.document["file_types"] = [file_type("lumbar", "axivity", "cwa", "worn")]
    study.pipeline("worn", READ_CWA, WEAR, **WORN)
    return study


@pytest.mark.parametrize(
    ("package", "module", "process", "parameters"),
    [
        ("os", "path.os", "makedirs", {"name": "PLACE"}),
        ("subprocess", "subprocess", "run", {"args": ["touch", "PLACE"]}),
        ("skdh", "io.base.Path", "touch", {}),
        ("skdh", "pipeline.import_module.__globals__", "Path", {}),
    ],
)
def test_a_malicious_pipeline_is_refused_before_anything_runs(
    lumbar: StudyDeployment, tmp_path: Path, package: str, module: str, process: str, parameters: dict[str, Any]
) -> None:
    place = tmp_path / "made"
    given = {
        name: [str(place) if part == "PLACE" else part for part in value] if isinstance(value, list) else str(place)
        for name, value in parameters.items()
    }
    step = {"name": "x", "process": process, "package": package, "module": module, "parameters": given}
    lumbar.pipeline("worn", READ_CWA, {**step, "save_file": None, "plot_file": None}, **WORN)
    mistakes = validate(lumbar.write(), lumbar.platform.runtimes)
    assert any(one.where == "pipelines/worn.skdh" or "worn.skdh" in one.where for one in mistakes)
    with pytest.raises(StudyConfigurationInvalid, match="Nothing was started"):
        lumbar.add()
    assert not place.exists()
    assert lumbar.platform.studies.studies == {}


def test_a_pipeline_that_becomes_malicious_after_it_was_added_stops_the_study(
    lumbar: StudyDeployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reloads: list[bool] = []
    monkeypatch.setattr(documents, "reload_definitions", lambda: reloads.append(True))
    lumbar.put("lumbar/0001_V1.cwa", walk(1, 1.1))
    stored = lumbar.add().location
    lumbar.drive()
    loaded = lumbar.platform.studies
    sensor = documents.documents_sensor(lumbar.platform.repositories, loaded)

    place = tmp_path / "made"
    text = (stored.parent / "pipelines" / "worn.skdh").read_text()
    evil = f"{{name: x, process: makedirs, package: os, module: path.os, parameters: {{name: {place}}}, "
    evil += "save_file: null, plot_file: null}"
    (stored.parent / "pipelines" / "worn.skdh").write_text(text.replace("Steps:\n", f"Steps:\n- {evil}\n"))
    for _ in range(2):
        with dg.build_sensor_context(instance=lumbar.instance) as context:
            sensor(context)
    assert reloads
    assert not place.exists()
    state = study_state(lumbar.id, lumbar.platform.study_engine)
    assert state is not None
    assert state[0] == "config_error"
    assert "worn.skdh" in state[1]
    assert [kind for kind, _ in lumbar.told()] == ["configuration"]
    with pytest.raises(StudyConfigurationInvalid, match="os"):
        lumbar.drive()
    (spec,) = lumbar.definitions().resolve_asset_graph().get_all_asset_keys()
    assert spec == lumbar.key("configuration")


def test_a_study_that_appears_or_goes_reloads_the_definitions(
    lumbar: StudyDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    reloads: list[bool] = []
    monkeypatch.setattr(documents, "reload_definitions", lambda: reloads.append(True))

    def tick(sensor: dg.SensorDefinition) -> int:
        with dg.build_sensor_context(instance=lumbar.instance) as context:
            sensor(context)
        return len(reloads)

    here = lumbar.platform
    empty = documents.documents_sensor(here.repositories, here.studies)
    assert tick(empty) == 0
    study = lumbar.add()
    assert tick(empty) == 1
    one = documents.documents_sensor(here.repositories, here.studies)
    assert tick(one) == 1
    names = {key.to_user_string() for key in lumbar.definitions().resolve_asset_graph().get_all_asset_keys()}
    expected = {"configuration", "recordings", "catalog", "participants", "biomarkers", "subject_visits", "report"}
    assert names == {f"study_test_001/{name}" for name in expected}
    shutil.rmtree(study.location.parent)
    assert tick(one) == 2
    assert not lumbar.definitions().resolve_asset_graph().get_all_asset_keys()


def test_a_bucket_that_is_gone_is_told_once_and_harms_nothing(lumbar: StudyDeployment) -> None:
    lumbar.put("lumbar/0001_V1.cwa", walk(1, 1.1))
    lumbar.add()
    lumbar.drive()
    (lumbar.folder / "raw").rename(lumbar.folder / "elsewhere")
    for _ in range(2):
        with pytest.raises(SourceUnavailable, match="Nothing was changed"):
            lumbar.drive()
    ((kind, text),) = lumbar.told()
    assert kind == "source"
    assert "raw" in text
    state = study_state(lumbar.id, lumbar.platform.study_engine)
    assert state is not None
    assert state[0] == "source_missing"
    assert lumbar.states() == {"0001_V1.cwa": "processed"}
    (lumbar.folder / "elsewhere").rename(lumbar.folder / "raw")
    assert lumbar.drive() == 0
    state = study_state(lumbar.id, lumbar.platform.study_engine)
    assert state is not None
    assert state[0] == "ok"


def test_a_runtime_that_cannot_be_built_ends_the_recording_and_not_the_study(
    lumbar: StudyDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    from biolake.studies.recordings import journey
    from biolake.studies.runtimes import RuntimeNotBuilt
    from biolake.studies.states import State

    def unbuilt(name: str, *_: object) -> None:
        raise RuntimeNotBuilt(f"runtime {name}: no network")

    lumbar.put("lumbar/0001_V1.cwa", walk(1, 1.1))
    lumbar.add()
    with monkeypatch.context() as patch:
        patch.setattr(journey, "ensure_runtime", unbuilt)
        assert lumbar.drive() == 2
    assert lumbar.states() == {"0001_V1.cwa": "failed"}
    assert "no network" in lumbar.files()["lumbar/0001_V1.cwa"]["reason"]
    assert lumbar.rerun(State.FAILED) == 1
    assert lumbar.drive() == 1
    assert lumbar.states() == {"0001_V1.cwa": "processed"}
