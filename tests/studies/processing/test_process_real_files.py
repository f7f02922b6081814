"""Real recordings of every format give, through the platform, the very bytes that SKDH gives when called directly."""

import json
import subprocess
from collections.abc import Callable
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
from tests.studies.processing.conftest import (
    DAYS,
    GAIT,
    GAIT_BOUTS,
    READ_AVRO,
    READ_BIN,
    READ_CWA,
    READ_NPZ,
    Step,
    write_pipeline,
)

pytestmark = pytest.mark.shared_data

DIRECT = """
import hashlib, json, sys, warnings
warnings.simplefilter("ignore")
from skdh import Pipeline
import numpy as np

def walk(path, value, digests):
    if isinstance(value, dict):
        for key, inner in value.items():
            name = str(tuple(int(k) for k in key)) if isinstance(key, tuple) else key
            walk(f"{path}/{name}", inner, digests)
    elif isinstance(value, np.ndarray) and not value.dtype.hasobject:
        array = np.ascontiguousarray(value)
        digests[path] = [array.dtype.str, list(array.shape), hashlib.sha256(array.tobytes()).hexdigest()]

answers = []
for file, arguments in json.load(sys.stdin):
    pipeline = Pipeline()
    pipeline.load(file, process_raise=True, noversion_raise=True, old_raise=True)
    answers.append({})
    for name, result in pipeline.run(**arguments).items():
        walk(name, result, answers[-1])
print(json.dumps(answers))
"""

CASES: dict[str, tuple[tuple[Step, ...], dict[str, Any]]] = {
    "skdh/ax3_sample.cwa": ((READ_CWA,), {}),
    "skdh/ax6_sample.cwa": ((READ_CWA,), {}),
    "skdh/gnactv_sample.bin": ((READ_BIN,), {}),
    "openmovement/example-610-steps.cwa": ((READ_CWA, DAYS), {"tz_name": "Europe/Berlin"}),
    "ggirread/ax6_testfile.cwa": ((READ_CWA, DAYS), {"tz_name": "Europe/Berlin"}),
    "generead/TESTfile.bin": ((READ_BIN, DAYS), {"tz_name": "Europe/Berlin"}),
    "wristpy/example_geneactiv.bin": ((READ_BIN, DAYS), {"tz_name": "America/New_York"}),
    "walk.npz": ((READ_NPZ, GAIT_BOUTS, GAIT), {"tz_name": "UTC", "height": 1.88}),
}


def file_of(name: str, shared_data: Path, folder: Path) -> Path:
    if name != "walk.npz":
        return shared_data / "wearables" / name
    with np.load(shared_data / "wearables/skdh/gait_input.npz") as walk:
        np.savez(folder / name, time=walk["time"], accel=walk["accel"])
    return folder / name


@pytest.fixture(scope="module")
def direct(
    shared_data: Path, runtime: Runtime, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, list[Any]]]:
    """Call SKDH in a process of the runtime without the platform; type, shape and hash of every array it returns."""
    folder = tmp_path_factory.mktemp("direct")
    jobs = []
    for number, (name, (steps, arguments)) in enumerate(CASES.items()):
        saved = write_pipeline(folder / f"{number}.skdh", steps)
        jobs.append([str(saved), {**arguments, "file": str(file_of(name, shared_data, folder))}])
    done = subprocess.run(
        [str(runtime.python), "-I", "-c", DIRECT],
        env=runtime.environment(),
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip(CASES, json.loads(done.stdout), strict=True))


def digests(results: Results) -> dict[str, list[Any]]:
    import hashlib

    found: dict[str, list[Any]] = {}
    for step in results.steps:
        for value in step.values:
            if value.kind == "array":
                array = np.ascontiguousarray(value.content)
                path = "/".join([step.name, *(str(part) for part in value.path)])
                digest = hashlib.sha256(array.tobytes()).hexdigest()
                found[path] = [array.dtype.str, list(array.shape), digest]
    return found


@pytest.fixture
def run(runtime: Runtime, warm: WarmRuntime, tmp_path: Path) -> Callable[..., tuple[Outcome, Results]]:
    def run(pipeline: Path, *files: Path, **arguments: Any) -> tuple[Outcome, Results]:
        task = ProcessingTask("one", files, pipeline, tmp_path / "out", arguments, keep_raw=True)
        outcome = process(task, runtime, Limits(), warm)
        assert outcome.state is State.PROCESSED, outcome.reason
        assert outcome.output is not None
        return outcome, read_results(outcome.output)

    return run


@pytest.mark.parametrize("name", CASES)
def test_arrays_are_skdh_s(shared_data: Path, direct: Any, run: Any, pipeline: Any, tmp_path: Path, name: str) -> None:
    steps, arguments = CASES[name]
    outcome, results = run(pipeline(*steps), file_of(name, shared_data, tmp_path), **arguments)

    assert digests(results) == direct[name]
    assert outcome.read["samples"] == outcome.scans[0].n_samples_expected
    assert [step.process for step in outcome.steps] == [step[0] for step in steps]


@pytest.mark.parametrize("name", ["ax3_sample.cwa", "ax6_sample.cwa", "gnactv_sample.bin"])
def test_arrays_are_the_reference_s(shared_data: Path, run: Any, pipeline: Any, name: str) -> None:
    folder = shared_data / "wearables/skdh"
    [step], _ = CASES[f"skdh/{name}"]
    _, results = run(pipeline(step), folder / name)
    read = results.step(step[0])

    with np.load(folder / f"{name.split('_')[0]}_data.npz") as expected:
        np.testing.assert_allclose(read.array("accel"), expected["accel"], atol=5e-5)
        # The references were stored with times to the hundredth of a second.
        np.testing.assert_allclose(read.array("time"), expected["time"], atol=0.01)
        np.testing.assert_allclose(read.array("temperature"), expected["temperature"], atol=5e-3)


def test_a_real_walk_has_strides(shared_data: Path, run: Any, pipeline: Any, tmp_path: Path) -> None:
    steps, arguments = CASES["walk.npz"]
    _, results = run(pipeline(*steps), file_of("walk.npz", shared_data, tmp_path), **arguments)
    gait = results.step("GaitLumbar")

    assert len(gait.array("Bout N")) > 20
    assert 0.5 < np.nanmedian(gait.array("stride time")) < 2.0


def test_upper_case_suffix_is_no_reason_to_warn(shared_data: Path, run: Any, pipeline: Any) -> None:
    outcome, _ = run(pipeline(READ_CWA), shared_data / "wearables/paradigma/test_data.CWA", tz_name="Europe/Amsterdam")

    assert outcome.warnings == ()


def test_gt3x_with_packed_samples(shared_data: Path, run: Any, pipeline: Any) -> None:
    outcome, results = run(pipeline(READ_NPZ), shared_data / "wearables/ggir/actigraph_testfile.gt3x")
    accel = results.step("ReadNumpyFile").array("accel")

    assert outcome.read_by.startswith("actfast")
    assert outcome.read["rest_g"] == pytest.approx(1.0, abs=0.01)
    np.testing.assert_array_equal(accel[0], [0.00390625, 0.0234375, -0.95703125])


def test_gt3x_that_actfast_finds_empty_equals_the_maker_s_export(shared_data: Path, run: Any, pipeline: Any) -> None:
    folder = shared_data / "wearables/readgt3x"
    outcome, results = run(pipeline(READ_NPZ), folder / "TAS1H30182785_2019-09-17.gt3x")
    read = results.step("ReadNumpyFile")
    time, accel = read.array("time"), read.array("accel")
    export = np.loadtxt(folder / "TAS1H30182785_2019-09-17.csv.gz", delimiter=",", skiprows=11)

    assert outcome.read_by.startswith("biolake")
    assert outcome.qc_codes == ("gap",)
    # The export has a row for every hundredth of a second from the first sample on, the gap filled as well.
    rows = np.round((time - time[0]) * 100).astype(int)
    same = np.isclose(accel, export[rows], atol=0.0011).all(axis=1)
    assert same.mean() > 0.9999


def test_empatica_files_are_one_recording(runtime: Runtime, run: Any, pipeline: Any, tmp_path: Path) -> None:
    from datetime import datetime

    from tests.studies.generate.empatica import write_empatica
    from tests.studies.generate.motion import Person

    files = write_empatica(tmp_path / "parts", Person(datetime(2024, 3, 4, 10), 0.3), minutes=3)
    outcome, results = run(pipeline(READ_AVRO), *files, tz_name="Europe/London")
    time = results.step("ReadEmpaticaAvro").array("time")

    assert outcome.read_by == "MultiReader of ReadEmpaticaAvro"
    assert outcome.read["samples"] == 6 * 3 * 60 * 64
    assert np.diff(time).max() == pytest.approx(1 / 64, abs=1e-4)
