"""Pipelines of a few steps, and a warm runtime that the tests of a session share."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from biolake.studies.processing.warm import WarmRuntime
from biolake.studies.runtimes import Runtime


@pytest.fixture(scope="session")
def runtime(open_runtime: Callable[[str], Runtime]) -> Runtime:
    return open_runtime("skdh-0.17.18-py311-a")


@pytest.fixture(scope="session")
def warm(runtime: Runtime) -> Iterator[WarmRuntime]:
    with WarmRuntime(runtime) as running:
        yield running


Step = tuple[str, str, dict[str, Any]]

READ_CWA: Step = ("ReadCwa", "io.axivity", {})
READ_BIN: Step = ("ReadBin", "io.geneactiv", {})
READ_NPZ: Step = ("ReadNumpyFile", "io.numpy_compressed", {})
READ_AVRO: Step = ("ReadEmpaticaAvro", "io.empatica", {})
READ_APDM: Step = ("ReadApdmH5", "io.apdm", {"sensor_location": "Lumbar"})
WEAR: Step = ("AccelThresholdWearDetection", "preprocessing.wear_detection", {})
CALIBRATE: Step = ("CalibrateAccelerometer", "preprocessing.calibrate", {"min_hours": 12})
DAYS: Step = ("GetDayWindowIndices", "preprocessing.window_days", {"bases": [0, 12], "periods": [24, 24]})
SLEEP: Step = ("Sleep", "sleep.sleep", {"day_window": [12, 24]})
ACTIVITY: Step = ("ActivityLevelClassification", "activity.core", {"day_window": [0, 24], "short_wlen": 30})
GAIT_BOUTS: Step = ("PredictGaitLumbarLgbm", "context.gait_classification", {})
GAIT: Step = ("GaitLumbar", "gait.core", {})


def write_pipeline(path: Path, steps: tuple[Step, ...], version: str = "0.17.18") -> Path:
    """Write a pipeline of steps as SKDH saves it."""
    saved = [
        {
            "name": process,
            "process": process,
            "package": "skdh",
            "module": module,
            "parameters": parameters,
            "save_file": None,
            "plot_file": None,
        }
        for process, module, parameters in steps
    ]
    path.write_text(yaml.safe_dump({"Steps": saved, "Version": version}))
    return path


@pytest.fixture
def pipeline(tmp_path: Path) -> Callable[..., Path]:
    """Write a pipeline into the test's folder."""

    def write(*steps: Step, version: str = "0.17.18", name: str = "pipeline.skdh") -> Path:
        return write_pipeline(tmp_path / name, steps, version)

    return write
