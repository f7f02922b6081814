"""What a recording needs is waited for, told once, and the recording then runs by itself."""

import pytest

from biolake.studies.configuration.load import validate
from biolake.studies.errors import StudyConfigurationInvalid
from biolake.studies.states import State
from tests.study_platform.conftest import CURRENT, FIND_GAIT, GAIT, READ_CWA, StudyDeployment, file_type
from tests.study_platform.recordings import walk

GAIT_RULES = {
    "requires": {"metadata": ["height_m"]},
    "pass": {"height": "metadata.height_m"},
    "outputs": {"GaitLumbar": "table"},
}


@pytest.fixture
def gait(study: StudyDeployment, runtime) -> StudyDeployment:
    runtime(CURRENT)
    study.document["file_types"] = [file_type("lumbar", "axivity", "cwa", "gait")]
    study.pipeline("gait", READ_CWA, FIND_GAIT, GAIT, **GAIT_RULES)
    return study


def test_a_height_that_comes_later_starts_what_waited_for_it(gait: StudyDeployment) -> None:
    gait.put("lumbar/0001_V1.cwa", walk(1))
    gait.put("lumbar/0002_V1.cwa", walk(2))
    gait.put("lumbar/0002_V2.cwa", walk(3))
    gait.put("meta/heights_1.csv", "SUBJID,HEIGHT_CM\n0001,171\n")
    gait.add()
    assert gait.drive() == 1
    assert gait.states() == {"0001_V1.cwa": "processed", "0002_V1.cwa": "waiting", "0002_V2.cwa": "waiting"}
    reason = gait.files()["lumbar/0002_V1.cwa"]["reason"]
    assert "height_m" in reason
    assert "0002" in reason
    assert gait.drive() == 0
    (message,) = gait.told()
    assert message[0] == "waiting"
    assert "height_m" in message[1]

    gait.put("meta/heights_2.csv", "SUBJID,HEIGHT_CM\n0002,182\n")
    assert gait.drive() == 2
    assert set(gait.states().values()) == {"processed"}
    assert len(gait.told()) == 1
    used = gait.table("file_qc").sort("recording")["metadata_used"].to_list()
    assert used == ['{"height_m": 1.71}', '{"height_m": 1.82}', '{"height_m": 1.82}']
    assert gait.drive() == 0


def test_heights_change_speeds_and_nothing_else_is_computed_again(gait: StudyDeployment) -> None:
    for subject in (1, 2):
        gait.put(f"lumbar/000{subject}_V1.cwa", walk(subject))
    gait.put("meta/heights.csv", "SUBJID,HEIGHT_CM\n0001,171\n0002,182\n")
    gait.add()
    gait.drive()
    before = gait.table("runs").sort("recording")["run_key"].to_list()

    gait.put("meta/heights.csv", "SUBJID,HEIGHT_CM\n0001,161\n0002,182\n")
    assert gait.drive() == 0
    assert gait.states() == {"0001_V1.cwa": "stale", "0002_V1.cwa": "processed"}
    assert gait.files()["lumbar/0001_V1.cwa"]["reason"] == "Changed since it was processed: metadata."
    assert gait.rerun(State.STALE) == 1
    assert gait.drive() == 1
    after = gait.table("runs").sort("recording")["run_key"].to_list()
    assert after[0] != before[0]
    assert after[1] == before[1]
    assert set(gait.states().values()) == {"processed"}

    gait.put("meta/heights.csv", "SUBJID,HEIGHT_CM\n0001,171\n0002,182\n")
    gait.drive()
    assert gait.states()["0001_V1.cwa"] == "stale"


def test_a_height_in_centimetres_without_a_unit_is_refused(gait: StudyDeployment) -> None:
    columns = gait.document["metadata"]["files"][0]["columns"]
    gait.document["metadata"]["files"] = [
        {
            **gait.document["metadata"]["files"][0],
            "columns": {**columns, "height_m": {"from": "HEIGHT_CM", "type": "float"}},
        }
    ]
    (mistake,) = validate(gait.write(), gait.platform.runtimes)
    assert mistake.line > 1
    assert mistake.key == "metadata.files[0].columns.height_m"
    assert "no unit" in mistake.message
    assert "unit: cm, to_unit: m" in mistake.remedy
    with pytest.raises(StudyConfigurationInvalid):
        gait.add()


def test_172_metres_is_a_metadata_error_that_a_corrected_file_ends(gait: StudyDeployment) -> None:
    file = gait.document["metadata"]["files"][0]
    column = {"from": "HEIGHT_CM", "type": "float", "unit": "m", "min": 0.5, "max": 2.5}
    gait.document["metadata"]["files"] = [{**file, "columns": {**file["columns"], "height_m": column}}]
    gait.put("lumbar/0001_V1.cwa", walk(1))
    gait.put("meta/heights.csv", "SUBJID,HEIGHT_CM\n0001,172\n")
    gait.add()
    assert gait.drive() == 0
    assert gait.states() == {"0001_V1.cwa": "metadata_error"}
    assert "172" in gait.files()["lumbar/0001_V1.cwa"]["reason"]
    gait.put("meta/heights.csv", "SUBJID,HEIGHT_CM\n0001,1.72\n")
    assert gait.drive() == 1
    assert gait.states() == {"0001_V1.cwa": "processed"}
