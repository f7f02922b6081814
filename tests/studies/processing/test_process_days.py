"""Two days of a made-up person: what was planted is found, again and again the same, in each runtime its own way."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biolake.studies.processing.models import Limits, Outcome, ProcessingTask
from biolake.studies.processing.results import Results, read_results
from biolake.studies.processing.runner import process
from biolake.studies.processing.warm import WarmRuntime
from biolake.studies.runtimes import Runtime
from biolake.studies.states import State
from tests.studies.generate.geneactiv import write_geneactiv
from tests.studies.generate.motion import Person
from tests.studies.processing.conftest import ACTIVITY, CALIBRATE, DAYS, READ_BIN, SLEEP, WEAR, write_pipeline

PERSON = Person(datetime(2024, 3, 4, 10), hours=36.0, non_wear=((0, 15.0, 4.0),))
STEPS = (READ_BIN, CALIBRATE, WEAR, DAYS, SLEEP, ACTIVITY)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("days") / "person.bin"
    write_geneactiv(path, PERSON, hertz=20.0)
    return path


def run(path: Path, runtime: Runtime, folder: Path, warm: WarmRuntime | None = None) -> tuple[Outcome, Results]:
    saved = write_pipeline(folder / "p.skdh", STEPS, runtime.skdh_version)
    task = ProcessingTask("days", (path,), saved, folder / "out", {"tz_name": "Europe/London"})
    outcome = process(task, runtime, Limits(), warm)
    assert outcome.state is State.PROCESSED, outcome.reason
    return outcome, read_results(folder / "out")


@pytest.fixture(scope="module")
def plain(
    recording: Path, runtime: Runtime, warm: WarmRuntime, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Outcome, Results]:
    return run(recording, runtime, tmp_path_factory.mktemp("plain"), warm)


def digest(results: Results, leave_out: tuple[str, ...] = ()) -> str:
    state = hashlib.sha256()
    for step in results.steps:
        for value in step.values:
            if value.path[0] not in leave_out:
                content = value.content.tobytes() if isinstance(value.content, np.ndarray) else repr(value.content)
                state.update(f"{step.name}{value.path}{value.dtype}{content!r}".encode())
    return state.hexdigest()


def test_planted_night_is_found(plain: tuple[Outcome, Results]) -> None:
    sleep = plain[1].step("Sleep")
    found = [value for value in sleep.column("TSO Start Timestamp") if not np.isnan(value)]
    lasted = [float(value) for value in sleep.column("TSO Duration") if not np.isnan(value)]
    [(begin, end)] = PERSON.truth.sleep
    onsets = [datetime.fromtimestamp(value, UTC).replace(tzinfo=None) for value in found]

    assert any(
        abs(onset - begin) < timedelta(minutes=90) and abs(minutes - (end - begin).total_seconds() / 60) < 90
        for onset, minutes in zip(onsets, lasted, strict=True)
    ), (onsets, lasted)


def test_planted_non_wear_is_found(plain: tuple[Outcome, Results]) -> None:
    wear = plain[1].step("AccelThresholdWearDetection").array("wear")
    [(begin, end)] = PERSON.truth.non_wear
    gap_begins, gap_ends = (PERSON.start + timedelta(seconds=float(at) / 20) for at in (wear[0, 1], wear[1, 0]))

    # Wear is told in windows of an hour.
    assert abs(gap_begins - begin) <= timedelta(hours=1)
    assert abs(gap_ends - end) <= timedelta(hours=1)


def test_outcome_says_what_the_numbers_come_from(plain: tuple[Outcome, Results], runtime: Runtime) -> None:
    outcome, _ = plain

    assert [step.process for step in outcome.steps] == [step[0] for step in STEPS]
    assert outcome.read["rest_g"] == pytest.approx(1.0, abs=0.01)
    assert outcome.read["samples"] == 36 * 3600 * 20
    assert len(outcome.pipeline_sha256) == 64
    assert outcome.runtime["skdh"] == "0.17.18"
    assert outcome.runtime["blas_core_types"] == ["Haswell"]
    assert outcome.runtime["patches"] == []
    assert outcome.host
    assert outcome.cost.peak_bytes > 0
    assert outcome.cost.peak_bytes < Limits().memory_bytes(outcome.scans[0].n_samples_expected)


def test_raw_signals_are_left_out(plain: tuple[Outcome, Results]) -> None:
    reader = plain[1].step("ReadBin")

    assert reader.value("accel").kind == "left_out"
    assert reader.value("accel").shape == (36 * 3600 * 20, 3)
    assert plain[0].output is not None
    assert (plain[0].output / "arrays.npz").stat().st_size < 1_000_000


def test_day_windows_keep_their_keys(plain: tuple[Outcome, Results]) -> None:
    days = plain[1].step("GetDayWindowIndices")

    assert days.array("day_ends", (0, 24)).dtype == np.int64
    assert days.has("day_ends", (12, 24))


def test_again_in_the_same_warm_runtime_gives_the_same_bytes(
    recording: Path,
    plain: tuple[Outcome, Results],
    open_runtime: Callable[[str], Runtime],
    tmp_path: Path,
    warm: WarmRuntime,
) -> None:
    """SKDH's pipelines keep state from one file to the next; a process and a pipeline per recording do not."""
    _, again = run(recording, warm.runtime, tmp_path, warm)

    assert digest(again) == digest(plain[1])


DFA_COLUMNS = ("wake dfa alpha", "wake dfa activity balance index")


def test_patched_runtime_is_recorded_and_equal(
    recording: Path, plain: tuple[Outcome, Results], open_runtime: Callable[[str], Runtime], tmp_path: Path
) -> None:
    outcome, patched = run(recording, open_runtime("skdh-0.17.18-py311-dfa"), tmp_path)
    activity, expected = (results.step("ActivityLevelClassification") for results in (patched, plain[1]))

    assert [patch["name"] for patch in outcome.runtime["patches"]] == ["vectorised_dfa"]
    assert digest(patched, DFA_COLUMNS) == digest(plain[1], DFA_COLUMNS)
    for column in DFA_COLUMNS:
        assert np.isfinite(expected.array(column)).any()
        np.testing.assert_allclose(activity.array(column), expected.array(column), rtol=1e-10)


def test_older_version_runs_beside_the_newer(
    recording: Path, plain: tuple[Outcome, Results], open_runtime: Callable[[str], Runtime], tmp_path: Path
) -> None:
    outcome, older = run(recording, open_runtime("skdh-0.17.9-py311-a"), tmp_path)
    columns = [value.path for value in older.step("ActivityLevelClassification").values]

    assert outcome.runtime["skdh"] == "0.17.9"
    assert len(columns) < len(plain[1].step("ActivityLevelClassification").values)


@pytest.mark.parametrize("name", ["skdh-0.17.9-py311-a", "skdh-0.17.18-py311-a"])
def test_table_of_50_hz_is_read_as_50_hz(open_runtime: Callable[[str], Runtime], tmp_path: Path, name: str) -> None:
    """With pandas 3 the older version takes it for 50,000 Hz, which is why its lock has pandas 2."""
    start = datetime(2024, 3, 4, 10)
    rows = [
        f"{(start + timedelta(seconds=n / 50)).isoformat(sep=' ', timespec='milliseconds')},0.01,-0.02,0.99"
        for n in range(3000)
    ]
    (tmp_path / "table.csv").write_text("time,x,y,z\n" + "\n".join(rows) + "\n")
    parameters: dict[str, Any] = {"time_col_name": "time", "column_names": {"accel": ["x", "y", "z"]}}
    runtime = open_runtime(name)
    saved = write_pipeline(tmp_path / "p.skdh", (("ReadCSV", "io.csv", parameters),), runtime.skdh_version)
    outcome = process(ProcessingTask("t", (tmp_path / "table.csv",), saved, tmp_path / "out"), runtime, Limits())

    assert outcome.state is State.PROCESSED, outcome.reason
    assert outcome.read["fs"] == pytest.approx(50, abs=0.01)
    assert outcome.read["last"] - outcome.read["first"] == pytest.approx(59.98, abs=0.001)


@pytest.mark.shared_data
def test_dfa_equals_skdh_s_on_real_acceleration(shared_data: Path) -> None:
    from skdh.utility.math import DFA

    from biolake.studies.processing.patches.vectorised_dfa import dfa

    with np.load(shared_data / "wearables/skdh/ax3_data.npz") as recorded:
        length = np.linalg.norm(recorded["accel"], axis=1)
    enmo = np.maximum(length - 1, 0)[: 58_800 // 40 * 40].reshape(-1, 40).mean(axis=1)
    for signal in (enmo[-600:], np.cumsum(enmo[:400] - enmo.mean()), enmo[:300]):
        sizes, fluctuation, alpha, balance = dfa(signal)
        expected = DFA(signal)
        np.testing.assert_array_equal(sizes, expected[0])
        np.testing.assert_allclose(fluctuation, expected[1], rtol=1e-9)
        assert alpha == pytest.approx(expected[2], rel=1e-10)
        assert balance == pytest.approx(expected[3], rel=1e-9)
