"""Every known fault is found, named and measured; nothing a file holds makes the scan fail."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biolake.studies.devices import scan
from biolake.studies.devices.models import ProblemCode, RecordingFormat, Scan
from tests.studies.generate import broken
from tests.studies.generate.empatica import document, write_empatica
from tests.studies.generate.motion import Person


def scanned(folder: Path, content: bytes, name: str = "file.bin") -> Scan:
    path = folder / name
    path.write_bytes(content)
    return scan(path)


def test_whole_files_have_no_problem(tmp_path: Path, cwa: bytes, geneactiv: bytes) -> None:
    for content, hertz in ((cwa, 100), (geneactiv, 50)):
        found = scanned(tmp_path, content)
        assert found.problems == ()
        assert found.n_samples_expected == 3600 * hertz
        assert found.start == datetime(2024, 3, 4, 10)
        assert found.hours == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("fault", "code", "fraction"),
    [
        ("header_only", ProblemCode.NO_DATA, 1.0),
        ("missing_blocks", ProblemCode.MISSING_BLOCKS, 10 / 3000),
        ("missing_first_blocks", ProblemCode.MISSING_BLOCKS, 10 / 3000),
        ("session_restart", ProblemCode.SESSION_RESTART, 0.25),
        ("cut_within_block", ProblemCode.TRUNCATED, 0.5),
        ("bad_checksum", ProblemCode.BAD_CHECKSUM, 1 / 3000),
        ("erased_blocks", ProblemCode.BAD_CHECKSUM, 5 / 3000),
        ("zero_tail", ProblemCode.BAD_CHECKSUM, 0.5),
        ("clock_jump", ProblemCode.CLOCK_JUMP, 0.5),
        ("clock_unset", ProblemCode.CLOCK_BEFORE_MIN, 1.0),
        ("clock_backwards", ProblemCode.CLOCK_BACKWARDS, 1 / 2999),
        ("gap", ProblemCode.GAP, 600 / 4200),
    ],
)
def test_fault_of_an_axivity_file(tmp_path: Path, cwa: bytes, fault: str, code: ProblemCode, fraction: float) -> None:
    found = scanned(tmp_path, broken.CWA[fault](cwa))

    assert found.format is RecordingFormat.CWA
    problem = found.problem(code)
    assert problem is not None, found.problems
    assert problem.fraction == pytest.approx(fraction, rel=0.01)


@pytest.mark.parametrize(
    ("fault", "code", "fraction"),
    [
        ("bin_cut_within_page", ProblemCode.TRUNCATED, 0.5),
        ("bin_header_only", ProblemCode.NO_DATA, 1.0),
        ("bin_page_count_high", ProblemCode.BAD_PAGE_COUNT, 0.5),
        ("bin_page_count_low", ProblemCode.BAD_PAGE_COUNT, 0.5),
        ("bin_sequence_beyond", ProblemCode.BAD_SEQUENCE, 1 / 600),
        ("bin_missing_pages", ProblemCode.MISSING_BLOCKS, 3 / 600),
        ("bin_damaged_page", ProblemCode.BAD_CHECKSUM, 1 / 600),
        ("bin_restart", ProblemCode.SESSION_RESTART, 0.25),
    ],
)
def test_fault_of_a_geneactiv_file(
    tmp_path: Path, geneactiv: bytes, fault: str, code: ProblemCode, fraction: float
) -> None:
    found = scanned(tmp_path, broken.GENEACTIV[fault](geneactiv))

    assert found.format is RecordingFormat.GENEACTIV
    problem = found.problem(code)
    assert problem is not None, found.problems
    assert problem.fraction == pytest.approx(fraction, rel=0.01)


def test_one_fault_is_told_once(tmp_path: Path, cwa: bytes, geneactiv: bytes) -> None:
    """An erased block is not missing as well, and missing pages explain the header's higher count."""
    erased = scanned(tmp_path, broken.erased_blocks(cwa))
    assert {problem.code for problem in erased.problems} == {ProblemCode.BAD_CHECKSUM, ProblemCode.GAP}
    assert erased.bad_block_fraction == pytest.approx(5 / 3000)

    missing = scanned(tmp_path, broken.bin_missing_pages(geneactiv))
    assert {problem.code for problem in missing.problems} == {ProblemCode.MISSING_BLOCKS, ProblemCode.GAP}
    assert missing.bad_block_fraction == pytest.approx(3 / 600)


def test_offset_points_to_the_fault(tmp_path: Path, cwa: bytes) -> None:
    problem = scanned(tmp_path, broken.bad_checksum(cwa)).problem(ProblemCode.BAD_CHECKSUM)

    assert problem is not None
    assert problem.offset == 1024 + 1000 * 512


def test_gap_and_jump_say_how_long(tmp_path: Path, cwa: bytes) -> None:
    gap = scanned(tmp_path, broken.gap(cwa)).problem(ProblemCode.GAP)
    jump = scanned(tmp_path, broken.clock_jump(cwa)).problem(ProblemCode.CLOCK_JUMP)

    assert gap is not None
    assert gap.seconds == pytest.approx(600, abs=0.1)
    assert jump is not None
    assert jump.seconds == pytest.approx(5 * 365 * 86400, abs=0.1)


@pytest.mark.parametrize("name", sorted(set(broken.IMPOSTORS) - {"tiny.cwa"}))
def test_name_does_not_make_a_recording(tmp_path: Path, name: str) -> None:
    found = scanned(tmp_path, broken.IMPOSTORS[name], name)

    assert found.format is RecordingFormat.UNKNOWN
    assert found.problems[0].code is ProblemCode.WRONG_FORMAT


def test_message_says_what_it_is_instead(tmp_path: Path) -> None:
    assert "decompress" in scanned(tmp_path, broken.IMPOSTORS["compressed.cwa"]).problems[0].message
    assert "GENEActiv" in scanned(tmp_path, broken.IMPOSTORS["genea.bin"]).problems[0].message
    assert "empty" in scanned(tmp_path, b"").problems[0].message


def test_free_text_of_a_header_is_never_repeated(tmp_path: Path, cwa: bytes) -> None:
    named = cwa[:64] + b"_p=Jane Doe&_sc=STUDY" + cwa[85:]
    found = scanned(tmp_path, broken.bad_checksum(named))

    assert "Jane" not in repr(found)


def test_empatica_document(tmp_path: Path) -> None:
    [path] = write_empatica(tmp_path, Person(datetime(2024, 3, 4, 10), 0.1), minutes=6)
    found = scan(path)

    assert (found.device_kind, found.subject, found.device_id) == ("embraceplus", "0001", "3YK3L1")
    assert (found.site, found.visit) == ("1", "7")
    assert found.start == datetime(2024, 3, 4, 10)
    assert found.n_samples_expected == 6 * 60 * 64
    assert found.problems == ()


def test_empatica_document_cut_off(tmp_path: Path) -> None:
    [path] = write_empatica(tmp_path, Person(datetime(2024, 3, 4, 10), 0.1), minutes=6)
    found = scanned(tmp_path, path.read_bytes()[:-5000])

    assert found.problems[0].code is ProblemCode.TRUNCATED


def test_csv_counts_its_lines(tmp_path: Path) -> None:
    found = scanned(tmp_path, b"time,x,y,z\n1,0,0,1\n2,0,0,1", "a.csv")

    assert (found.format, found.n_samples_expected) == (RecordingFormat.CSV, 2)


def test_npz(tmp_path: Path) -> None:
    time = 1_700_000_000 + np.arange(500) / 50
    np.savez_compressed(tmp_path / "good.npz", time=time, accel=np.zeros((500, 3)), fs=50.0)
    np.savez(tmp_path / "no_time.npz", accel=np.zeros((5, 3)))
    np.savez(tmp_path / "objects.npz", time=np.array([object()]), accel=np.zeros((1, 3)))
    good = scan(tmp_path / "good.npz")

    assert (good.n_samples_expected, good.sampling_hz, good.problems) == (500, 50.0, ())
    assert scan(tmp_path / "no_time.npz").problems[0].code is ProblemCode.WRONG_FORMAT
    assert scan(tmp_path / "objects.npz").problems[0].code is ProblemCode.BAD_HEADER


def write_apdm(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        sensor = file.create_group("Sensors/1234")
        sensor.create_group("Configuration").attrs.update({"Label 0": np.bytes_("Lumbar"), "Timezone Offset": -5})
        count = 128 * 60
        sensor["Time"] = (1_581_498_217 * 1_000_000 + np.arange(count) * 1_000_000 / 128).astype("u8")
        sensor["Accelerometer"] = np.tile([0.0, 0.0, 9.81], (count, 1))
        sensor["Gyroscope"] = np.zeros((count, 3))
        sensor["Temperature"] = np.full(count, 30.0)


def test_apdm(tmp_path: Path) -> None:
    write_apdm(tmp_path / "walk.h5")
    found = scan(tmp_path / "walk.h5")

    assert (found.device_kind, found.location, found.device_id) == ("apdm_opal", "Lumbar", "1234")
    assert found.n_samples_expected == 128 * 60
    assert found.sampling_hz == pytest.approx(128, rel=1e-4)
    assert found.problems == ()


def test_apdm_cut_off(tmp_path: Path) -> None:
    write_apdm(tmp_path / "walk.h5")
    content = (tmp_path / "walk.h5").read_bytes()

    assert scanned(tmp_path, content[: len(content) // 2], "cut.h5").problems[0].code is ProblemCode.TRUNCATED


_ANY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_MAGIC = st.sampled_from([b"", b"MD\xfc\x03", b"Device Identity\nGENEActiv\n", b"Obj\x01", b"PK\x03\x04"])


@_ANY
@given(magic=_MAGIC, body=st.binary(max_size=4000))
def test_any_bytes_are_answered(tmp_path: Path, magic: bytes, body: bytes) -> None:
    found = scanned(tmp_path, magic + body)

    assert 0 <= found.bad_block_fraction <= 1
    assert all(0 <= problem.fraction <= 1 and problem.message for problem in found.problems)


@_ANY
@given(data=st.data())
def test_any_damage_to_a_recording_is_answered(
    tmp_path: Path, cwa: bytes, geneactiv: bytes, data: st.DataObject
) -> None:
    acceleration = np.zeros((50, 3), dtype=np.float32)
    avro = document(acceleration, 1_700_000_000_000_000, 64.0, "0001", 0)
    content = bytearray(data.draw(st.sampled_from([cwa[:60_000], geneactiv[:60_000], avro])))
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(content) - 1))
        patch = data.draw(st.binary(min_size=1, max_size=600) | st.binary(min_size=1, max_size=3))
        content[at : at + len(patch)] = patch
    found = scanned(tmp_path, bytes(content[: data.draw(st.integers(1, len(content)))]))

    assert 0 <= found.bad_block_fraction <= 1
    assert all(0 <= problem.fraction <= 1 and problem.message for problem in found.problems)
