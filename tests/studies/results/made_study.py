"""A study with wrist and lumbar recordings, and outcomes as a worker would leave them, without running SKDH."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from biolake.lake.lake import Lake
from biolake.objects.store import ObjectStore, open_store
from biolake.studies.configuration.load import load_study
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.devices.models import RecordingFormat, Scan
from biolake.studies.models import FileInRecording, Recording, RecordingKey, fingerprint
from biolake.studies.processing.models import Outcome, StepRun
from biolake.studies.processing.worker.store import Store
from biolake.studies.results.recipe import run_inputs
from biolake.studies.states import State

NOW = datetime(2024, 5, 1, 9, tzinfo=UTC)
HERTZ = 20.0


def step(process: str, module: str, **parameters: Any) -> dict[str, Any]:
    names = {"name": process, "process": process, "package": "skdh", "module": module, "parameters": parameters}
    return {**names, "save_file": None, "plot_file": None}


def wrist_pipeline(version: str = "0.17.18", **activity: Any) -> dict[str, Any]:
    return {
        "Steps": [
            step("ReadBin", "io.geneactiv"),
            step("CalibrateAccelerometer", "preprocessing.calibrate", min_hours=12),
            step("AccelThresholdWearDetection", "preprocessing.wear_detection"),
            step("GetDayWindowIndices", "preprocessing.window_days", bases=[0, 12], periods=[24, 24]),
            step("Sleep", "sleep.sleep", day_window=[12, 24]),
            step("ActivityLevelClassification", "activity.core", day_window=[0, 24], **activity),
        ],
        "Version": version,
    }


def gait_pipeline() -> dict[str, Any]:
    return {
        "Steps": [
            step("ReadNumpyFile", "io.numpy_compressed"),
            step("PredictGaitLumbarLgbm", "context.gait_classification"),
            step("GaitLumbar", "gait.core", day_window=None),
        ],
        "Version": "0.17.18",
    }


def study_document(folder: Path) -> dict[str, Any]:
    wrist = {
        "name": "wrist",
        "source": "raw",
        "pattern": "**/*.bin",
        "filename_regex": "(?P<subject>[^_]+)_(?P<visit>V[0-9])_(?P<location>left|right)\\.bin",
        "identity": ["subject", "visit", "location"],
        "device": {"expect": "geneactiv"},
        "recording": {"min_hours": 1, "max_bad_block_fraction": 0.01},
        "pipelines": ["wrist"],
    }
    lumbar = {
        "name": "lumbar",
        "source": "raw",
        "pattern": "**/*.npz",
        "filename_regex": "(?P<subject>[^_]+)_(?P<visit>V[0-9])\\.npz",
        "identity": ["subject", "visit"],
        "device": {"expect": "npz"},
        "pipelines": ["gait"],
    }
    return {
        "schema_version": 1,
        "study": {"id": "TEST-001", "title": "A small study", "timezone_default": "Europe/London"},
        "sources": [{"name": "raw", "uri": (folder / "raw").as_uri()}],
        "metadata": {
            "files": [
                {
                    "pattern": "meta/*.csv",
                    "source": "raw",
                    "columns": {
                        "subject": {"from": "SUBJID", "type": "str"},
                        "height_m": {"from": "HEIGHT", "type": "float", "unit": "m"},
                    },
                }
            ]
        },
        "file_types": [wrist, lumbar],
        "pipelines": {
            "wrist": {
                "runtime": "skdh-0.17.18-py311-a",
                "file": "pipelines/wrist.skdh",
                "outputs": {
                    "Sleep": "table",
                    "ActivityLevelClassification": "table",
                    "AccelThresholdWearDetection": "intervals",
                },
            },
            "gait": {
                "runtime": "skdh-0.17.18-py311-a",
                "file": "pipelines/gait.skdh",
                "requires": {"metadata": ["height_m"]},
                "pass": {"height": "metadata.height_m"},
                "outputs": {"GaitLumbar": "table"},
            },
        },
        "exclusion": {
            "day": {"min_wear_hours": 10, "min_hours": 20},
            "night": {"min_wear_hours": 6},
            "subject": {"min_valid_days": 2, "min_weekend_days": 0},
            "first_last_partial_day": "exclude",
        },
        "results": {"uri": (folder / "results").as_uri()},
    }


@dataclass
class MadeStudy:
    """A study in a folder with its lake and its place for results."""

    folder: Path
    document: dict[str, Any]
    pipelines: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def make(cls, folder: Path) -> "MadeStudy":
        made = cls(folder, study_document(folder), {"wrist": wrist_pipeline(), "gait": gait_pipeline()})
        for name in ("raw", "results", "pipelines"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        return made

    @property
    def configuration(self) -> StudyConfiguration:
        for name, pipeline in self.pipelines.items():
            (self.folder / "pipelines" / f"{name}.skdh").write_text(yaml.safe_dump(pipeline))
        (self.folder / "study.yaml").write_text(yaml.safe_dump(self.document, sort_keys=False))
        return load_study(self.folder / "study.yaml")

    @property
    def lake(self) -> Lake:
        return Lake((self.folder / "lake").as_uri())

    @property
    def results(self) -> ObjectStore:
        return open_store((self.folder / "results").as_uri(), create=True)

    def recording(
        self,
        subject: str = "0001",
        visit: str = "V1",
        location: str = "left",
        *,
        file_type: str = "wrist",
        sha256: str = "a" * 64,
        key: str | None = None,
        timezone: str = "Europe/London",
        metadata: Mapping[str, object] | None = None,
        flags: tuple[str, ...] = (),
        size: int = 1000,
    ) -> Recording:
        identity = (subject, visit, location) if file_type == "wrist" else (subject, visit)
        name = key or f"{'_'.join(identity)}.{'bin' if file_type == 'wrist' else 'npz'}"
        pipeline = "wrist" if file_type == "wrist" else "gait"
        made = Recording(
            study="TEST-001",
            key=RecordingKey(file_type, identity),
            subject=subject,
            groups={"visit": visit, **({"location": location} if file_type == "wrist" else {})},
            files=(FileInRecording("raw", name, "e1", size, NOW, sha256, 1),),
            pipelines=(pipeline,),
            metadata=metadata or {},
            timezones={pipeline: timezone},
            flags=flags,
            inputs=None,  # type: ignore[arg-type]
        )
        return Recording(**{**vars(made), "inputs": run_inputs(self.configuration, made, pipeline)})


def outcome(
    folder: Path,
    outputs: Mapping[str, tuple[str, Any]],
    first: float,
    seconds: float,
    *,
    qc_codes: tuple[str, ...] = (),
    gaps: tuple[tuple[float, float], ...] = (),
) -> Outcome:
    """Leave `outputs` (step name: process and what it returned) in `folder` as a worker would, and say so.

    Args:
        folder: Made where it is missing.
        outputs: By the step's name.
        first: Time of the first sample, UTC seconds.
        seconds: Length of the recording.
        qc_codes: What processing said.
        gaps: Stretches without samples, in seconds from the first sample.
    """
    folder.mkdir(parents=True, exist_ok=True)
    store = Store(str(folder), keep_raw=False)
    for name, (process, output) in outputs.items():
        store.add(name, process, output, 0)
    store.close()
    missing = sum(end - start for start, end in gaps)
    samples = int((seconds - missing) * HERTZ)
    index, time, lost = [0], [first], 0.0
    for start, end in gaps:
        before = int((start - lost) * HERTZ) - 1
        index += [before, before + 1]
        time += [first + start, first + end]
        lost += end - start
    index.append(samples - 1)
    time.append(first + seconds)
    minutes = int((seconds - missing) // 60)
    np.savez(
        folder / "overview.npz",
        clock_index=np.array(index),
        clock_time=np.array(time),
        minute_samples=np.array(int(60 * HERTZ)),
        minute_sd=np.abs(np.sin(np.arange(minutes) / 100)).astype(np.float32) * 0.1,
    )
    return Outcome(
        "made",
        State.PROCESSED,
        qc_codes=qc_codes,
        attempts=1,
        output=folder,
        scans=(
            Scan(RecordingFormat.GENEACTIV, device_kind="geneactiv", sampling_hz=HERTZ, n_samples_expected=samples),
        ),
        read={"samples": samples, "first": first, "last": first + seconds, "rest_g": 1.0},
        steps=(StepRun("CalibrateAccelerometer", "CalibrateAccelerometer", 1.0, 1.0, True),),
        started=NOW,
        ended=NOW,
        host="here",
        runtime={"skdh": "0.17.18", "python": "3.11.7"},
    )


def wrist_outcome(
    folder: Path,
    first: float,
    seconds: float,
    *,
    worn: tuple[tuple[float, float], ...] | None = None,
    dates: tuple[str, ...] = (),
    nights: Mapping[str, tuple[float, float]] | None = None,
    mvpa: tuple[float, ...] = (),
    **options: Any,
) -> Outcome:
    """Leave what a wrist pipeline returns: wear, days of activity, nights of sleep.

    Args:
        folder: As in `outcome`.
        first: As in `outcome`.
        seconds: As in `outcome`.
        worn: Stretches of wear in seconds from the first sample; all of it where not given.
        dates: Days that SKDH has a row for.
        nights: By date, beginning of the sleep (UTC seconds) and its minutes.
        mvpa: Minutes of activity by day.
        options: For `outcome`.
    """
    wear = np.array([[a * HERTZ, b * HERTZ] for a, b in (worn if worn is not None else ((0, seconds),))]).astype(int)
    activity = {
        "Date": np.array(dates),
        "Wear Minutes": np.full(len(dates), 1440.0),
        "wake MVPA 5s epoch [min]": np.array(mvpa or [30.0] * len(dates)),
    }
    found = nights or {}
    sleep = {
        "Date": list(found),
        "TSO Start Timestamp": [start for start, _ in found.values()],
        "TSO Duration": [minutes for _, minutes in found.values()],
        "total sleep time": [minutes - 10 for _, minutes in found.values()],
    }
    outputs = {
        "AccelThresholdWearDetection": ("AccelThresholdWearDetection", {"wear": wear.reshape(-1, 2)}),
        "Sleep": ("Sleep", sleep),
        "ActivityLevelClassification": ("ActivityLevelClassification", activity),
    }
    return outcome(folder, outputs, first, seconds, **options)


def digest(value: object) -> str:
    return fingerprint(json.loads(json.dumps(value, default=str)))
