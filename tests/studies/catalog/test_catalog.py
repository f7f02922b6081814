"""Every file has one state, the right one, with its reason; and looking twice changes nothing."""

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from biolake.studies.catalog.status import counts, status
from biolake.studies.catalog.study_record import record_configuration_error, study_state
from biolake.studies.catalog.update import catalog
from biolake.studies.errors import SourceUnavailable, StudyConfigurationInvalid
from biolake.studies.notifications.messages import notifications
from biolake.studies.recordings.progress import ready
from tests.studies.small_study import SmallStudy

WEEK = {"hours": 168}


@pytest.fixture
def study(tmp_path: Path, new_database: Callable[[], str]) -> SmallStudy:
    return SmallStudy.make(tmp_path, new_database())


def settled(study: SmallStudy):
    study.wait(minutes=5)
    return study.look()


CASES = {
    "ready": ("1001_V1_7.bin", {}, "ready", ""),
    "no file type": ("notes.txt", {}, "unmatched", "No file type"),
    "name does not match": ("1001-V1.bin", {}, "unmatched", "filename_regex of wrist"),
    "wrong device": ("1001_V1_7.bin", {"format": "cwa"}, "wrong_format", "found cwa"),
    "unreadable": (
        "1001_V1_7.bin",
        {"problems": [{"code": "wrong_format", "message": "a Genea file"}]},
        "wrong_format",
        "a Genea file.",
    ),
    "too much damage": (
        "1001_V1_7.bin",
        {"problems": [{"code": "bad_checksum", "offset": 512, "fraction": 0.2}]},
        "corrupted",
        "bad_checksum at byte 512, 0.2 of the file",
    ),
    "little damage": ("1001_V1_7.bin", {"problems": [{"code": "bad_checksum", "fraction": 0.001}]}, "ready", ""),
    "a second session": (
        "1001_V1_7.bin",
        {"problems": [{"code": "session_restart", "fraction": 0.09}]},
        "corrupted",
        "session_restart",
    ),
    "no samples": ("1001_V1_7.bin", {"problems": [{"code": "no_data", "fraction": 1.0}]}, "corrupted", "no_data"),
    "other subject in the header": ("1001_V1_7.bin", {"subject": "1002"}, "identity_mismatch", "another subject"),
    "clock of 2000": ("1001_V1_7.bin", {"start": "2000-01-01T00:00"}, "clock_error", "before 2023-01-01"),
    "ends after its upload": ("1001_V1_7.bin", {"start": "2024-03-20T00:00"}, "clock_error", "after its upload"),
    "leap of the clock": ("1001_V1_7.bin", {"problems": [{"code": "clock_jump"}]}, "clock_error", "clock_jump"),
    "long gap": ("1001_V1_7.bin", {"problems": [{"code": "gap", "seconds": 3600}]}, "clock_error", "3,600 s"),
    "short gap": ("1001_V1_7.bin", {"problems": [{"code": "gap", "seconds": 2}]}, "ready", ""),
    "five years long": ("1001_V1_7.bin", {"start": "2023-02-01T00:00", "hours": 9000}, "clock_error", "9,000.0 h"),
}


@pytest.mark.parametrize(("name", "said", "state", "reason"), CASES.values(), ids=CASES.keys())
def test_each_kind_of_file_ends_in_its_state(study: SmallStudy, name, said, state, reason):
    study.put(f"incoming/{name}", **said)
    settled(study)
    assert study.states() == {name: state}
    assert reason in study.reason(name)


def test_flags_follow_a_file_that_is_processed_all_the_same(study: SmallStudy):
    study.put("incoming/1001_V1_7.bin", hours=3, problems=[{"code": "bad_checksum", "fraction": 0.005}])
    settled(study)
    [recording] = ready(study.configuration, study.engine)
    assert set(recording.flags) == {"too_short", "bad_checksum", "header_subject_empty"}


def test_ignored_files_and_metadata_are_no_recordings(study: SmallStudy):
    study.put("incoming/a/1001_V1_7.bin.tmp")
    study.put("meta/people.csv", "SUBJID,HEIGHT\n1001,172\n")
    summary = settled(study)
    assert summary.n_files == 0


def test_a_growing_file_is_arriving_until_it_rests(study: SmallStudy):
    study.put("incoming/1001_V1_7.bin", part=1)
    study.look()
    assert study.states() == {"1001_V1_7.bin": "arriving"}
    study.wait(seconds=50)
    study.put("incoming/1001_V1_7.bin", part=12345)
    study.wait(seconds=20)
    study.look()
    assert study.states() == {"1001_V1_7.bin": "arriving"}
    study.wait(seconds=60)
    study.look()
    assert study.states() == {"1001_V1_7.bin": "ready"}
    assert status(study.configuration, study.engine).height == 1


def test_the_second_look_changes_nothing_and_looks_into_nothing(study: SmallStudy):
    study.put("incoming/1001_V1_7.bin")
    study.put("incoming/1002_V1_8.cwa")
    study.put("incoming/1002_V1.cwa")
    first = settled(study)
    before = status(study.configuration, study.engine)
    looked = list(study.scanned)
    study.wait(hours=1)
    second = study.look()
    assert status(study.configuration, study.engine).equals(before)
    assert study.scanned == looked
    assert (second.new, second.changed, second.removed) == (0, 0, 0)
    assert second.counts == first.counts


def test_counts_add_up(study: SmallStudy):
    for number in range(5):
        study.put(f"incoming/100{number}_V1_7.bin")
    study.put("incoming/other.txt")
    summary = settled(study)
    assert sum(counts(study.configuration, study.engine).values()) == summary.n_files == 6


def test_same_bytes_under_two_names(study: SmallStudy):
    study.put("incoming/1001_V1_7.bin", salt="same")
    settled(study)
    study.put("incoming/1002_V1_7.bin", salt="same")
    settled(study)
    assert study.states() == {"1001_V1_7.bin": "ready", "1002_V1_7.bin": "duplicate_content"}
    assert "1001_V1_7.bin" in study.reason("1002_V1_7.bin")


def test_of_the_same_bytes_the_name_that_the_header_confirms_is_kept(study: SmallStudy):
    study.put("incoming/1001_V1_7.bin", salt="same", subject="1002")
    study.put("incoming/1002_V1_7.bin", salt="same", subject="1002")
    settled(study)
    assert study.states() == {"1001_V1_7.bin": "duplicate_content", "1002_V1_7.bin": "ready"}


def test_two_files_of_one_identity_are_both_held_back(study: SmallStudy):
    study.put("incoming/1001_V1_7.bin")
    study.put("incoming/1001_V1_8.bin")
    settled(study)
    assert set(study.states().values()) == {"duplicate_identity"}
    (study.folder / "raw/incoming/1001_V1_8.bin").unlink()
    study.look()
    assert study.states() == {"1001_V1_7.bin": "ready"}


def test_the_newest_is_used_where_that_is_the_rule(study: SmallStudy):
    study.document["file_types"][0]["on_duplicate"] = "newest"
    study.put("incoming/1001_V1_7.bin")
    study.wait(hours=1)
    study.put("incoming/1001_V1_8.bin")
    settled(study)
    assert study.states() == {"1001_V1_7.bin": "duplicate_identity", "1001_V1_8.bin": "ready"}


def test_recordings_that_share_time_are_processed_with_a_flag_or_held_back(study: SmallStudy):
    study.put("incoming/1001_V1_7.bin", start="2024-02-01T10:00")
    study.put("incoming/1001_V2_7.bin", start="2024-02-05T10:00")
    study.put("incoming/1001_V3_7.bin", start="2024-02-20T10:00")
    settled(study)
    assert study.states() == {"1001_V1_7.bin": "overlap", "1001_V2_7.bin": "overlap", "1001_V3_7.bin": "ready"}
    recordings = ready(study.configuration, study.engine)
    assert ["overlap" in recording.flags for recording in recordings] == [True, True, False]
    study.document["file_types"][0]["on_overlap"] = "quarantine"
    study.look()
    assert len(ready(study.configuration, study.engine)) == 1


def test_a_locked_study_is_cataloged_and_nothing_else(study: SmallStudy):
    study.document["study"]["status"] = "locked"
    study.put("incoming/1001_V1_7.bin")
    study.put("incoming/1001_V1.cwa")
    settled(study)
    assert set(study.states().values()) == {"locked"}
    assert ready(study.configuration, study.engine) == []
    assert notifications(study.engine) == []


def test_a_missing_bucket_is_recorded_told_once_and_changes_nothing(study: SmallStudy):
    study.put("incoming/1001_V1_7.bin")
    settled(study)
    stores, configuration = study.stores, study.configuration
    (study.folder / "raw").rename(study.folder / "away")
    for _ in range(3):
        with pytest.raises(SourceUnavailable, match="raw"):
            catalog(configuration, stores, study.engine, study.now)
        study.wait(minutes=1)
    state = study_state("TEST-001", study.engine)
    assert state is not None
    assert state[0] == "source_missing"
    assert [n.kind for n in notifications(study.engine)] == ["source"]
    (study.folder / "away").rename(study.folder / "raw")
    study.look()
    assert study.states() == {"1001_V1_7.bin": "ready"}
    assert study_state("TEST-001", study.engine)[0] == "ok"  # type: ignore[index]


def test_a_configuration_with_mistakes_is_recorded_told_once_and_starts_nothing(study: SmallStudy):
    study.put("incoming/1001_V1_7.bin")
    settled(study)
    study.document["study"]["titel"] = "x"
    for _ in range(3):
        with pytest.raises(StudyConfigurationInvalid) as caught:
            _ = study.configuration
        record_configuration_error("TEST-001", caught.value, study.engine, study.now)
        study.wait(minutes=1)
    state = study_state("TEST-001", study.engine)
    assert state is not None
    assert state[0] == "config_error"
    assert "unknown key `titel`" in state[1]
    assert [n.kind for n in notifications(study.engine)] == ["configuration"]
    del study.document["study"]["titel"]
    study.look()
    assert study.states() == {"1001_V1_7.bin": "ready"}
    assert study_state("TEST-001", study.engine)[0] == "ok"  # type: ignore[index]


def test_two_catalogs_at_once_give_the_same_as_one(study: SmallStudy):
    for number in range(20):
        study.put(f"incoming/{1000 + number}_V1_7.bin")
    study.wait(minutes=5)
    configuration, stores = study.configuration, study.stores
    with ThreadPoolExecutor(4) as pool:
        work = [pool.submit(catalog, configuration, stores, study.engine, study.now) for _ in range(8)]
        assert {one.result().n_files for one in work} == {20}
    study.look()
    assert status(configuration, study.engine).height == 20
    assert set(study.states().values()) == {"ready"}


def test_an_older_listing_does_not_undo_a_later_one(study: SmallStudy):
    study.put("incoming/1001_V1_7.bin")
    settled(study)
    (study.folder / "raw/incoming/1001_V1_7.bin").rename(study.folder / "raw/incoming/1002_V1_7.bin")
    catalog(study.configuration, study.stores, study.engine, study.now - timedelta(minutes=1))
    assert study.states() == {"1001_V1_7.bin": "ready"}


def test_an_empty_answer_is_an_outage_and_no_deletion(study: SmallStudy):
    study.put("incoming/1001_V1_7.bin")
    settled(study)
    (study.folder / "raw/incoming/1001_V1_7.bin").unlink()
    for _ in range(2):
        summary = study.look()
        assert summary.outages == ("raw/incoming/",)
        assert summary.removed == 0
    assert study.states() == {"1001_V1_7.bin": "ready"}
    assert [n.kind for n in notifications(study.engine)] == ["outage"]
    study.look(accept_empty={"raw/incoming/"})
    assert status(study.configuration, study.engine)["state"].to_list() == ["removed"]


def test_a_file_taken_away_among_others_is_removed(study: SmallStudy):
    study.put("incoming/1001_V1_7.bin")
    study.put("incoming/1002_V1_7.bin")
    settled(study)
    (study.folder / "raw/incoming/1002_V1_7.bin").unlink()
    summary = catalog(study.configuration, study.stores, study.engine, study.now)
    assert summary.removed == 1
    assert dict(summary.counts) == {"ready": 1, "removed": 1}


def test_new_bytes_under_a_known_name_are_a_new_version(study: SmallStudy):
    study.put("incoming/1001_V1_7.bin")
    settled(study)
    study.put("incoming/1001_V1_7.bin", version=2)
    settled(study)
    table = status(study.configuration, study.engine)
    assert table["state"].to_list() == ["superseded", "ready"]
    assert table["current"].to_list() == [False, True]


def test_patterns_that_match_nothing_are_said(study: SmallStudy):
    study.put("incoming/1001_V1_7.bin")
    summary = settled(study)
    assert len([w for w in summary.warnings if w.startswith(("file type lumbar", "file type half"))]) == 2


def test_a_corrected_pattern_finds_what_was_unmatched(study: SmallStudy):
    study.put("incoming/1001-V1-7.bin")
    settled(study)
    assert study.states() == {"1001-V1-7.bin": "unmatched"}
    study.document["file_types"][0]["filename_regex"] = "(?P<subject>[0-9]{4})-(?P<visit>V[0-9])-7\\.bin"
    study.look()
    assert study.states() == {"1001-V1-7.bin": "ready"}


def test_a_name_that_two_file_types_take_is_taken_by_neither(study: SmallStudy):
    other = copy.deepcopy({**study.document["file_types"][0], "name": "other"})
    study.document["file_types"].append(other)
    study.put("incoming/1001_V1_7.bin")
    settled(study)
    assert "wrist and other" in study.reason("1001_V1_7.bin")


def test_a_file_that_cannot_be_looked_into_does_not_stop_the_others(study: SmallStudy):
    study.put("incoming/1001_V1_7.bin", "no json")
    study.put("incoming/1002_V1_7.bin")
    settled(study)
    assert study.states() == {"1001_V1_7.bin": "arriving", "1002_V1_7.bin": "ready"}
    assert "could not be looked into" in study.reason("1001_V1_7.bin")


def test_since_moves_only_with_the_state(study: SmallStudy):
    study.put("incoming/1001_V1.cwa")
    settled(study)
    first = status(study.configuration, study.engine)["since"][0]
    study.put("meta/people.csv", "SUBJID,HEIGHT\n1001,9999\n")
    study.wait(hours=1)
    study.look()
    assert study.states() == {"1001_V1.cwa": "metadata_error"}
    assert status(study.configuration, study.engine)["since"][0] == first + timedelta(hours=1)


def test_parts_of_a_recording_come_together(study: SmallStudy):
    for part in range(3):
        study.put(f"incoming/1001_V1_{part}.avro", start=f"2024-02-01T1{part}:00", hours=1)
        study.wait(minutes=30)
    study.look()
    assert set(study.states().values()) == {"arriving"}
    assert "Further parts may come" in study.reason("1001_V1_0.avro")
    study.wait(hours=2)
    study.look()
    [recording] = ready(study.configuration, study.engine)
    assert [file.key[-6:] for file in recording.files] == ["0.avro", "1.avro", "2.avro"]


def test_a_damaged_part_is_left_out_and_said(study: SmallStudy):
    study.put("incoming/1001_V1_0.avro")
    study.put("incoming/1001_V1_1.avro", problems=[{"code": "no_data"}])
    study.wait(hours=3)
    study.look()
    [recording] = ready(study.configuration, study.engine)
    assert len(recording.files) == 1
    assert "part_missing" in recording.flags
