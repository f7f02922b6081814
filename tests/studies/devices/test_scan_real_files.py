"""What the pre-scan says of real files equals what their headers and other readers say."""

from datetime import datetime
from pathlib import Path

import pytest

from biolake.studies.devices import scan
from biolake.studies.devices.models import ProblemCode, RecordingFormat

pytestmark = pytest.mark.shared_data


@pytest.mark.parametrize(
    ("name", "kind", "device_id", "hertz", "samples"),
    [
        ("skdh/ax3_sample.cwa", "ax3", "51888", 200, 58_800),
        ("skdh/ax6_sample.cwa", "ax6", "6011802", 100, 10_360),
        ("ggirread/ax3_testfile.cwa", "ax3", "39434", 100, 17_400),
        ("ggirread/ax6_testfile.cwa", "ax6", "6011834", 100, 11_320),
        ("openmovement/example-610-steps.cwa", "ax3", "1841", 100, 71_400),
        ("paradigma/test_data.CWA", "ax6", "6021376", 100, 36_400),
        ("skdh/gnactv_sample.bin", "geneactiv", "051386", 50, 900),
        ("wristpy/example_geneactiv.bin", "geneactiv", "101806", 60, 27_300),
        ("generead/TESTfile.bin", "geneactiv", "011073", 100, 31_200),
        ("ggir/actigraph_testfile.gt3x", "actigraph", "MOS2E39180594", 30, 53_040),
    ],
)
def test_device_and_length(shared_data: Path, name: str, kind: str, device_id: str, hertz: float, samples: int) -> None:
    found = scan(shared_data / "wearables" / name)

    assert (found.device_kind, found.device_id, found.sampling_hz) == (kind, device_id, hertz)
    assert found.n_samples_expected == samples
    assert found.problems == ()
    assert found.bad_block_fraction == 0


def test_what_a_geneactiv_header_says_of_the_participant(shared_data: Path) -> None:
    found = scan(shared_data / "wearables/generead/TESTfile.bin")

    assert (found.subject, found.location, found.sex) == ("TESTSubject", "left wrist", "male")
    assert found.height_m == pytest.approx(1.60)
    assert found.handedness == "right"
    assert found.timezone == "GMT +01:00"
    assert found.start == datetime(2012, 5, 23, 16, 47, 50)
    assert found.end == datetime(2012, 5, 23, 16, 53, 2)


def test_what_a_gt3x_says_of_the_participant(shared_data: Path) -> None:
    found = scan(shared_data / "wearables/ggir/actigraph_testfile.gt3x")

    assert (found.subject, found.location, found.age_years) == ("MOS2E39180594", "Waist", 42)
    assert found.height_m == pytest.approx(1.50)


def test_sleep_mode_of_an_actigraph_is_no_gap(shared_data: Path) -> None:
    """Of 36 minutes the device recorded 5.5; it slept the rest and lost 7 seconds while a cable was put in."""
    found = scan(shared_data / "wearables/readgt3x/TAS1H30182785_2019-09-17.gt3x")

    [problem] = found.problems
    assert problem.code is ProblemCode.GAP
    assert problem.seconds == pytest.approx(7)
    assert found.n_samples_expected == 215_200


def test_avro_of_another_maker_is_refused(shared_data: Path) -> None:
    found = scan(shared_data / "wearables/icampam/small.avro")

    assert found.format is RecordingFormat.UNKNOWN
    assert found.problems[0].code is ProblemCode.WRONG_FORMAT
    assert "Empatica" in found.problems[0].message


def test_every_file_is_answered(shared_data: Path) -> None:
    for path in (shared_data / "wearables").rglob("*"):
        if path.is_file():
            found = scan(path)
            assert (found.format is RecordingFormat.UNKNOWN) <= bool(found.problems)


@pytest.mark.parametrize("name", ["ax3", "ax6"])
def test_clock_agrees_with_the_reference_times(shared_data: Path, name: str) -> None:
    import numpy as np

    found = scan(shared_data / f"wearables/skdh/{name}_sample.cwa")
    times = np.load(shared_data / f"wearables/skdh/{name}_data.npz")["time"]

    assert found.start is not None
    assert (found.start - datetime(1970, 1, 1)).total_seconds() == pytest.approx(times[0], abs=0.01)
    assert found.end is not None
    assert (found.end - datetime(1970, 1, 1)).total_seconds() == pytest.approx(times[-1], abs=0.03)
