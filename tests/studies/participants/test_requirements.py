"""What is not known of a participant is waited for, told once, re-evaluated, and given up in the end."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from biolake.studies.notifications.messages import notifications
from biolake.studies.recording_inputs import run_arguments
from biolake.studies.recordings.progress import ready
from biolake.studies.tables import WAITS
from tests.studies.small_study import SmallStudy


@pytest.fixture
def study(tmp_path: Path, new_database: Callable[[], str]) -> SmallStudy:
    study = SmallStudy.make(tmp_path, new_database())
    study.put("incoming/1001_V1.cwa")
    study.wait(minutes=5)
    study.look()
    return study


def kinds(study: SmallStudy) -> list[str]:
    return [notification.kind for notification in reversed(notifications(study.engine))]


def test_a_recording_waits_with_one_message_and_runs_when_its_height_comes(study: SmallStudy):
    for _ in range(4):
        assert study.states() == {"1001_V1.cwa": "waiting"}
        assert study.reason("1001_V1.cwa") == "height_m of subject 1001 is not known."
        assert ready(study.configuration, study.engine) == []
        study.wait(hours=6)
        study.look()
    assert kinds(study) == ["waiting"]
    assert "1 subject wait for height_m" in notifications(study.engine)[0].text
    study.put("meta/people.csv", "SUBJID,HEIGHT,TZ\n1001,172,\n")
    study.look()
    [recording] = ready(study.configuration, study.engine)
    assert recording.metadata["height_m"] == 1.72
    assert run_arguments(study.configuration, recording, "gait") == {"tz_name": "Europe/London", "height": 1.72}
    assert kinds(study) == ["waiting"]


def test_many_subjects_that_begin_to_wait_together_are_one_message(study: SmallStudy):
    for number in range(2, 6):
        study.put(f"incoming/100{number}_V1.cwa")
    study.put("incoming/1002_V2.cwa")
    study.wait(minutes=5)
    study.look()
    assert kinds(study) == ["waiting", "waiting"]
    assert "4 subjects wait for height_m" in notifications(study.engine)[0].text


def test_a_wait_is_given_up_told_and_taken_up_again(study: SmallStudy):
    study.wait(days=13)
    study.look()
    assert study.states() == {"1001_V1.cwa": "waiting"}
    study.wait(days=2)
    study.look()
    study.look()
    assert study.states() == {"1001_V1.cwa": "requirement_expired"}
    assert kinds(study) == ["waiting", "requirement_expired"]
    study.put("meta/people.csv", "SUBJID,HEIGHT\n1001,172\n")
    study.look()
    assert study.states() == {"1001_V1.cwa": "ready"}


def test_a_second_wait_of_the_same_kind_is_a_wait_of_its_own(study: SmallStudy):
    study.put("meta/people.csv", "SUBJID,HEIGHT\n1001,172\n")
    study.look()
    study.put("meta/people.csv", "SUBJID,HEIGHT\n1001,NA\n")
    study.wait(minutes=1)
    study.look()
    assert study.states() == {"1001_V1.cwa": "waiting"}
    with study.engine.connect() as connection:
        waits = connection.execute(select(WAITS)).all()
    assert [wait.resolved_at is None for wait in waits] == [False, True]
    assert kinds(study) == ["waiting", "waiting"]


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("SUBJID,HEIGHT\n1001,17200\n", "172 m is not between 0.3 and 2.8 m. Is its unit right?"),
        ("SUBJID,HEIGHT\n1001,tall\n", "`tall` is no number"),
        ('SUBJID,HEIGHT\n1001,"172,5"\n', "Write a point, not a comma."),
    ],
)
def test_a_value_that_cannot_be_is_an_error_and_no_wait(study: SmallStudy, table: str, reason: str):
    study.put("meta/people.csv", table)
    study.look()
    assert study.states() == {"1001_V1.cwa": "metadata_error"}
    assert reason in study.reason("1001_V1.cwa")
    assert "meta/people.csv line 2" in study.reason("1001_V1.cwa")
    assert kinds(study) == ["waiting", "metadata"]


def test_a_height_in_centimetres_said_to_be_in_metres_is_refused(study: SmallStudy):
    column = study.document["metadata"]["files"][0]["columns"]["height_m"]
    column["unit"] = "m"
    study.put("meta/people.csv", "SUBJID,HEIGHT\n1001,172\n")
    study.look()
    assert study.states() == {"1001_V1.cwa": "metadata_error"}


def test_two_heights_of_one_subject_are_an_error_or_the_latest_by_rule(study: SmallStudy):
    study.put("meta/a.csv", "SUBJID,HEIGHT\n1001,172\n")
    study.wait(hours=1)
    study.put("meta/b.csv", "SUBJID,HEIGHT\n1001,180\n")
    study.look()
    assert study.states() == {"1001_V1.cwa": "metadata_error"}
    assert "1.72 in meta/a.csv line 2 and 1.8 in meta/b.csv line 2" in study.reason("1001_V1.cwa")
    study.document["metadata"]["on_conflict"] = "latest"
    study.look()
    [recording] = ready(study.configuration, study.engine)
    assert recording.metadata["height_m"] == 1.8


def test_a_file_with_a_repeated_subject_gives_no_value_at_all(study: SmallStudy):
    study.put("meta/people.csv", "SUBJID,HEIGHT\n1001,172\n1001,172\n")
    study.look()
    assert study.states() == {"1001_V1.cwa": "waiting"}
    assert "in lines 2 and 3" in notifications(study.engine)[0].text


def test_withdrawn_metadata_is_no_longer_used(study: SmallStudy):
    path = study.put("meta/people.csv", "SUBJID,HEIGHT\n1001,172\n")
    study.look()
    path.unlink()
    study.look()
    assert study.states() == {"1001_V1.cwa": "waiting"}


def test_a_recording_that_needs_nothing_does_not_mind_a_wrong_row(study: SmallStudy):
    study.put("incoming/1001_V1_7.bin")
    study.put("meta/people.csv", "SUBJID,HEIGHT\n1001,tall\n")
    study.wait(minutes=5)
    study.look()
    assert study.states()["1001_V1_7.bin"] == "ready"


def test_the_time_zone_of_a_participant_is_used(study: SmallStudy):
    study.put("meta/people.csv", "SUBJID,HEIGHT,TZ\n1001,172,America/New_York\n")
    study.put("incoming/1001_V1_7.bin")
    study.put("incoming/1002_V1_7.bin")
    study.wait(minutes=5)
    study.look()
    zones = {
        r.subject: r.timezones.get("sleep") for r in ready(study.configuration, study.engine) if "wrist" in str(r.key)
    }
    assert zones == {"1001": "America/New_York", "1002": "Europe/London"}
