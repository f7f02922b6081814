"""Every broken file ends in its own state, within its limits, and its neighbours finish."""

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biolake.studies.devices import scan
from biolake.studies.devices.models import RecordingFormat, Scan
from biolake.studies.processing.batch import process_all
from biolake.studies.processing.models import Crash, Limits, Outcome, ProcessingTask, RecordingLimits
from biolake.studies.processing.results import read_results
from biolake.studies.processing.runner import process
from biolake.studies.processing.warm import WarmRuntime
from biolake.studies.runtimes import Runtime
from biolake.studies.states import State
from tests.studies.generate import broken
from tests.studies.generate.cwa import write_cwa
from tests.studies.generate.geneactiv import write_geneactiv
from tests.studies.generate.motion import Person
from tests.studies.processing.conftest import READ_BIN, READ_CWA, READ_NPZ, WEAR

STUDY = Limits(min_seconds=20, recording=RecordingLimits(max_bad_block_fraction=0.02, max_gap_seconds=60))
GIB = 1024**3

EXPECTED: dict[str, tuple[State, set[str]]] = {
    "whole.cwa": (State.PROCESSED, set()),
    "header_only.cwa": (State.CORRUPTED, set()),
    "missing_blocks.cwa": (State.PROCESSED, {"missing_blocks", "gap", "mended"}),
    "missing_first_blocks.cwa": (State.PROCESSED, {"missing_blocks", "mended"}),
    "session_restart.cwa": (State.CORRUPTED, set()),
    "cut_within_block.cwa": (State.CORRUPTED, set()),
    "bad_checksum.cwa": (State.PROCESSED, {"bad_checksum", "gap", "mended"}),
    "erased_blocks.cwa": (State.PROCESSED, {"bad_checksum", "gap", "mended"}),
    "zero_tail.cwa": (State.CORRUPTED, set()),
    "clock_jump.cwa": (State.CLOCK_ERROR, set()),
    "clock_unset.cwa": (State.CLOCK_ERROR, set()),
    "clock_backwards.cwa": (State.CLOCK_ERROR, set()),
    "gap.cwa": (State.CLOCK_ERROR, set()),
    "whole.bin": (State.PROCESSED, set()),
    "bin_cut_within_page.bin": (State.CORRUPTED, set()),
    "bin_header_only.bin": (State.CORRUPTED, set()),
    "bin_page_count_high.bin": (State.CORRUPTED, set()),
    "bin_page_count_low.bin": (State.CORRUPTED, set()),
    "bin_sequence_beyond.bin": (State.PROCESSED, {"bad_sequence", "mended"}),
    "bin_missing_pages.bin": (State.PROCESSED, {"missing_blocks", "gap", "mended"}),
    "bin_damaged_page.bin": (State.PROCESSED, {"bad_checksum", "gap", "mended"}),
    "bin_restart.bin": (State.CORRUPTED, set()),
    **{name: (State.WRONG_FORMAT, set()) for name in broken.IMPOSTORS},
    "tiny.cwa": (State.CORRUPTED, set()),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("recordings")
    person = Person(datetime(2024, 3, 4, 10), hours=1.0)
    write_cwa(folder / "whole.cwa", person)
    write_geneactiv(folder / "whole.bin", person)
    cwa, geneactiv = (folder / "whole.cwa").read_bytes(), (folder / "whole.bin").read_bytes()
    for name, fault in broken.CWA.items():
        (folder / f"{name}.cwa").write_bytes(fault(cwa))
    for name, fault in broken.GENEACTIV.items():
        (folder / f"{name}.bin").write_bytes(fault(geneactiv))
    for name, content in broken.IMPOSTORS.items():
        (folder / name).write_bytes(content)
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture(scope="module")
def outcomes(files: dict[str, Path], runtime: Runtime, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    from tests.studies.processing.conftest import write_pipeline

    folder = tmp_path_factory.mktemp("outcomes")
    pipelines = {
        suffix: write_pipeline(folder / f"{suffix}.skdh", (step,))
        for suffix, step in ((".cwa", READ_CWA), (".bin", READ_BIN), (".csv", READ_CWA))
    }
    tasks = [
        ProcessingTask(name, (path,), pipelines[path.suffix], folder / name, keep_raw=True)
        for name, path in files.items()
    ]
    found = process_all(tasks, runtime, STUDY, memory_budget=4 * GIB, cores=2)
    return {outcome.key: outcome for outcome in found}


def test_every_recording_has_an_outcome(files: dict[str, Path], outcomes: dict[str, Outcome]) -> None:
    assert set(outcomes) == set(files) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_state(outcomes: dict[str, Outcome], name: str) -> None:
    outcome, (state, codes) = outcomes[name], EXPECTED[name]

    assert outcome.state is state, outcome.reason
    assert set(outcome.qc_codes) == codes
    assert bool(outcome.reason) == (state is not State.PROCESSED)


@pytest.mark.parametrize("name", [name for name, (state, _) in EXPECTED.items() if state is not State.PROCESSED])
def test_what_is_refused_never_reaches_skdh(outcomes: dict[str, Outcome], name: str) -> None:
    assert outcomes[name].attempts == 0


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("missing_blocks.cwa", slice(1500 * 120, 1510 * 120)),
        ("missing_first_blocks.cwa", slice(0, 10 * 120)),
        ("erased_blocks.cwa", slice(1000 * 120, 1005 * 120)),
        ("bin_missing_pages.bin", slice(300 * 300, 303 * 300)),
        ("bin_damaged_page.bin", slice(300 * 300, 301 * 300)),
        ("bin_sequence_beyond.bin", slice(0, 0)),
    ],
)
def test_mended_recording_has_all_that_is_left(outcomes: dict[str, Outcome], name: str, lost: slice) -> None:
    """SKDH gives the samples of the undamaged blocks at their own times, as in the whole recording."""

    def arrays(outcome: Outcome) -> tuple[Any, Any]:
        assert outcome.output is not None
        [step] = read_results(outcome.output).steps
        return step.array("time"), step.array("accel")

    time, accel = arrays(outcomes[name])
    whole_time, whole_accel = arrays(outcomes[f"whole{Path(name).suffix}"])

    np.testing.assert_array_equal(accel, np.delete(whole_accel, lost, axis=0))
    # Within a block SKDH spreads the samples up to the next block's time, which now is another one.
    np.testing.assert_allclose(time, np.delete(whole_time, lost, axis=0), atol=0.02)


@pytest.mark.parametrize(
    ("name", "kind", "crash", "signal_number"),
    [
        ("header_only.cwa", RecordingFormat.CWA, Crash.EXIT, None),
        ("bin_sequence_beyond.bin", RecordingFormat.GENEACTIV, Crash.SIGNAL, int(signal.SIGSEGV)),
        ("random.bin", RecordingFormat.GENEACTIV, Crash.TIMEOUT, int(signal.SIGKILL)),
    ],
)
def test_crash_is_an_outcome_and_tried_twice(
    files: dict[str, Path],
    runtime: Runtime,
    warm: WarmRuntime,
    pipeline: Callable[..., Path],
    tmp_path: Path,
    name: str,
    kind: RecordingFormat,
    crash: Crash,
    signal_number: int | None,
) -> None:
    """The scans are made to say that all is well, as they would of a fault that nobody knows yet."""
    step = READ_CWA if kind is RecordingFormat.CWA else READ_BIN
    task = ProcessingTask("one", (files[name],), pipeline(step), tmp_path / "out", scans=(Scan(kind),))
    outcome = process(task, runtime, replace(STUDY, min_seconds=1.5), warm)

    assert (outcome.state, outcome.crash, outcome.signal) == (State.CRASHED, crash, signal_number)
    assert outcome.attempts == 2
    assert outcome.reason
    assert warm.alive


def test_session_restart_that_got_past_the_scan_is_caught_after_reading(
    files: dict[str, Path], runtime: Runtime, warm: WarmRuntime, pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    path = files["session_restart.cwa"]
    blind = replace(scan(path), problems=())
    outcome = process(
        ProcessingTask("one", (path,), pipeline(READ_CWA), tmp_path / "out", scans=(blind,)), runtime, STUDY, warm
    )

    assert outcome.state is State.CORRUPTED
    assert "no time" in outcome.reason


def test_memory_limit(
    files: dict[str, Path], runtime: Runtime, warm: WarmRuntime, pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    tight = replace(STUDY, base_bytes=0, bytes_per_sample=1, headroom_bytes=4 * 1024**2)
    task = ProcessingTask("one", (files["whole.bin"],), pipeline(READ_BIN), tmp_path / "out")
    outcome = process(task, runtime, tight, warm)

    assert outcome.state is State.CRASHED
    assert outcome.crash in (Crash.OOM, Crash.SIGNAL)
    assert outcome.attempts == 2


def test_error_that_skdh_raises_is_a_failure_with_its_step(
    files: dict[str, Path], runtime: Runtime, warm: WarmRuntime, pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    saved = pipeline(READ_BIN, ("Sleep", "sleep.sleep", {"day_window": [12, 24]}))
    outcome = process(ProcessingTask("one", (files["whole.bin"],), saved, tmp_path / "out"), runtime, STUDY, warm)

    assert outcome.state is State.FAILED
    assert outcome.reason.startswith("Sleep: ValueError")
    assert outcome.attempts == 1


def test_pipeline_for_another_format_is_a_failure(
    files: dict[str, Path], runtime: Runtime, warm: WarmRuntime, pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    outcome = process(
        ProcessingTask("one", (files["whole.cwa"],), pipeline(READ_BIN), tmp_path / "out"), runtime, STUDY, warm
    )

    assert outcome.state is State.FAILED
    assert "ReadCwa" in outcome.reason


@pytest.mark.parametrize(
    ("package", "module", "process_name", "parameters"),
    [
        ("os", "path.os", "makedirs", {"name": "PLACE"}),
        ("skdh", "pipeline.import_module.__globals__", "Path", {}),
        ("skdh", "io.base.Path", "touch", {}),
        ("skdh", "io.axivity", "handle_naive_timestamps", {}),
        ("subprocess", "subprocess", "run", {"args": ["touch", "PLACE"]}),
    ],
)
def test_malicious_pipeline_has_no_effect(
    files: dict[str, Path],
    runtime: Runtime,
    warm: WarmRuntime,
    tmp_path: Path,
    package: str,
    module: str,
    process_name: str,
    parameters: dict[str, Any],
) -> None:
    import yaml

    place = tmp_path / "made"
    step = {"name": "x", "process": process_name, "package": package, "module": module, "save_file": None}
    step["parameters"] = {key: str(place) if value == "PLACE" else value for key, value in parameters.items()}
    (tmp_path / "p.skdh").write_text(yaml.safe_dump({"Steps": [{**step, "plot_file": None}], "Version": "0.17.18"}))
    task = ProcessingTask("one", (files["whole.cwa"],), tmp_path / "p.skdh", tmp_path / "out")
    outcome = process(task, runtime, STUDY, warm)

    assert outcome.state is State.FAILED
    assert "UnsafePipeline" in outcome.reason
    assert not place.exists()


@pytest.mark.parametrize("place", ["/tmp/outside.csv", "../outside.csv"])
def test_pipeline_cannot_write_outside_its_folder(
    files: dict[str, Path],
    runtime: Runtime,
    warm: WarmRuntime,
    pipeline: Callable[..., Path],
    tmp_path: Path,
    place: str,
) -> None:
    saved = pipeline(READ_CWA)
    saved.write_text(saved.read_text().replace("save_file: null", f"save_file: {place}"))
    outcome = process(ProcessingTask("one", (files["whole.cwa"],), saved, tmp_path / "out"), runtime, STUDY, warm)

    assert outcome.state is State.FAILED
    assert "UnsafePipeline" in outcome.reason


def test_runtime_whose_parent_dies_is_started_again(
    files: dict[str, Path], runtime: Runtime, pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    task = ProcessingTask("one", (files["whole.cwa"],), pipeline(READ_CWA), tmp_path / "out")
    with WarmRuntime(runtime) as mortal:
        os.kill(int(mortal.described["pid"]), signal.SIGKILL)
        outcome = process(task, runtime, STUDY, mortal)

    assert outcome.state is State.PROCESSED


def test_nothing_runs_on_when_the_platform_goes(
    files: dict[str, Path], runtime: Runtime, pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    task = ProcessingTask(
        "one", (files["random.bin"],), pipeline(READ_BIN), tmp_path / "out", scans=(Scan(RecordingFormat.GENEACTIV),)
    )
    with WarmRuntime(runtime) as warm:
        parent = int(warm.described["pid"])
        endless = threading.Thread(target=process, args=(task, runtime, replace(STUDY, retries=0), warm))
        endless.start()
        children = Path(f"/proc/{parent}/task/{parent}/children")
        while not (running := children.read_text().split()):
            time.sleep(0.01)
    endless.join()

    assert not any(Path(f"/proc/{pid}/status").exists() for pid in (*running, str(parent)))


def test_too_short_is_a_row_with_a_code(
    files: dict[str, Path], runtime: Runtime, warm: WarmRuntime, pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    study = replace(STUDY, recording=RecordingLimits(min_hours=24))
    task = ProcessingTask("one", (files["whole.cwa"],), pipeline(READ_CWA, WEAR), tmp_path / "out")
    outcome = process(task, runtime, study, warm)

    assert (outcome.state, outcome.qc_codes, outcome.attempts) == (State.PROCESSED, ("too_short",), 0)


def test_another_unit_is_flagged(
    runtime: Runtime, warm: WarmRuntime, pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    time = 1_700_000_000 + np.arange(6000) / 50
    np.savez(tmp_path / "metres.npz", time=time, accel=np.tile([0.0, 0.0, 9.81], (6000, 1)), fs=50.0)
    task = ProcessingTask("one", (tmp_path / "metres.npz",), pipeline(READ_NPZ), tmp_path / "out")
    outcome = process(task, runtime, STUDY, warm)

    assert outcome.state is State.PROCESSED
    assert "rest_not_1g" in outcome.qc_codes


def test_recording_that_does_not_fit_is_told(
    files: dict[str, Path], runtime: Runtime, pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    task = ProcessingTask("one", (files["whole.cwa"],), pipeline(READ_CWA), tmp_path / "out")
    [outcome] = process_all([task], runtime, STUDY, memory_budget=1024, cores=1)

    assert outcome.state is State.FAILED
    assert "GiB" in outcome.reason
