"""A deployment with one study, driven through the study's own sensor and runs in locked runtimes."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
import yaml

from biolake.platform import Platform
from biolake.settings import Settings
from biolake.studies.catalog.status import status
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.folder import add_study
from biolake.studies.notifications.messages import notifications
from biolake.studies.recordings.progress import rerun
from biolake.studies.results.read import results_table
from biolake.studies.runtimes import Runtime
from biolake.studies.states import State
from partitions.recordings import group_name
from platform_assets import drive
from tests.studies.locked_runtimes import built, cache_of

CURRENT, OLDER, FAST = "skdh-0.17.18-py311-a", "skdh-0.17.9-py311-a", "skdh-0.17.18-py311-dfa"


@pytest.fixture(scope="session")
def runtime_cache(request: pytest.FixtureRequest) -> Path:
    """Where runtimes are built and kept between sessions."""
    return cache_of(request)


@pytest.fixture(scope="session")
def runtime(runtime_cache: Path) -> Callable[[str], Runtime]:
    """Build a runtime by name; skips where that is impossible, fails in CI."""
    return lambda name: built(name, runtime_cache)


def step(process: str, module: str, **parameters: Any) -> dict[str, Any]:
    """A step of a pipeline as SKDH saves it."""
    names = {"name": process, "process": process, "package": "skdh", "module": module, "parameters": parameters}
    return {**names, "save_file": None, "plot_file": None}


READ_CWA = step("ReadCwa", "io.axivity")
READ_BIN = step("ReadBin", "io.geneactiv")
READ_NPZ = step("ReadNumpyFile", "io.numpy_compressed")
READ_AVRO = step("ReadEmpaticaAvro", "io.empatica")
DAYS = step("GetDayWindowIndices", "preprocessing.window_days", bases=[0, 12], periods=[24, 24])
WEAR = step("AccelThresholdWearDetection", "preprocessing.wear_detection")
CALIBRATE = step("CalibrateAccelerometer", "preprocessing.calibrate", min_hours=12)
SLEEP = step("Sleep", "sleep.sleep", day_window=[12, 24])
ACTIVITY = step("ActivityLevelClassification", "activity.core", day_window=[0, 24], short_wlen=30)
FIND_GAIT = step("PredictGaitLumbarLgbm", "context.gait_classification")
GAIT = step("GaitLumbar", "gait.core", day_window=None)

HEIGHTS = {
    "pattern": "meta/*.csv",
    "source": "raw",
    "key": ["subject"],
    "columns": {
        "subject": {"from": "SUBJID", "type": "str"},
        "height_m": {"from": "HEIGHT_CM", "type": "float", "unit": "cm", "to_unit": "m"},
    },
}


def file_type(name: str, device: str, suffix: str, pipeline: str, **more: Any) -> dict[str, Any]:
    """A file type whose names are `<subject>_<visit>.<suffix>`."""
    return {
        "name": name,
        "source": "raw",
        "pattern": f"{name}/*.{suffix}",
        "filename_regex": f"(?P<subject>[A-Za-z0-9-]+)_(?P<visit>V[0-9])\\.{suffix}",
        "identity": ["subject", "visit"],
        "device": {"expect": device},
        "recording": {"max_bad_block_fraction": 0.02, "max_gap_seconds": 60},
        "pipelines": [pipeline],
        **more,
    }


@dataclass
class StudyDeployment:
    """One deployment with one study, and what a test does with it."""

    folder: Path
    platform: Platform
    instance: dg.DagsterInstance
    document: dict[str, Any]
    pipelines: dict[str, dict[str, Any]] = field(default_factory=dict)

    def pipeline(self, name: str, *steps: dict[str, Any], runtime: str = CURRENT, **rules: Any) -> None:
        """Write a pipeline and name it in the document."""
        version = runtime.split("-")[1]
        self.pipelines[name] = {"Steps": list(steps), "Version": version}
        self.document["pipelines"][name] = {"runtime": runtime, "file": f"pipelines/{name}.skdh", **rules}

    def write(self) -> Path:
        """Write the document and its pipelines, and return the document's path."""
        folder = self.folder / "document"
        (folder / "pipelines").mkdir(parents=True, exist_ok=True)
        for name, saved in self.pipelines.items():
            (folder / "pipelines" / f"{name}.skdh").write_text(yaml.safe_dump(saved))
        (folder / "study.yaml").write_text(json.dumps(self.document, indent=1))
        return folder / "study.yaml"

    def add(self) -> StudyConfiguration:
        """Add the study, or take its changed document."""
        here = self.platform
        return add_study(self.write(), here.settings.home / "studies", here.runtimes, replace=True)

    def put(self, key: str, content: bytes | str | Path) -> Path:
        """Upload a file."""
        path = self.folder / "raw" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            content = content.read_bytes()
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    @property
    def id(self) -> str:
        return self.document["study"]["id"]

    @property
    def configuration(self) -> StudyConfiguration:
        return self.platform.studies.get(self.id)

    def drive(self) -> int:
        """Let the sensor and its runs work until nothing is left; return the number of runs of recordings."""
        started: list[str] = []
        drive.drive_study(self.platform, self.instance, self.id, timeout=150, progress=started.append)
        return len([key for key in started if "~" in key])

    def rerun(self, *states: State) -> int:
        """Ask for recordings to be processed again."""
        from datetime import UTC, datetime

        return rerun(self.configuration, self.platform.study_engine, datetime.now(UTC), states=states)

    def files(self) -> dict[str, dict[str, Any]]:
        """What the catalog says of current files, by key."""
        rows = status(self.configuration, self.platform.study_engine).filter(pl.col("current"))
        return {row["key"]: row for row in rows.iter_rows(named=True)}

    def states(self) -> dict[str, str]:
        """The state of each current file, by its name."""
        return {key.rpartition("/")[2]: row["state"] for key, row in self.files().items()}

    def table(self, name: str, **options: Any) -> pl.DataFrame:
        """A table of the study's results."""
        return results_table(self.configuration, name, self.platform.lake, **options)

    def told(self) -> list[tuple[str, str]]:
        """Kind and text of what was told, oldest first."""
        return [(one.kind, one.text) for one in notifications(self.platform.study_engine, self.id)][::-1]

    def definitions(self) -> dg.Definitions:
        """The graph as it is now."""
        from platform_assets.definitions import build_definitions
        from resources.platform import PlatformResource

        return build_definitions(self.platform.repositories, self.platform.studies, {"platform": PlatformResource()})

    def key(self, name: str) -> dg.AssetKey:
        return dg.AssetKey([group_name(self.id), name])

    def materialization(self, asset: str, partition: str | None = None) -> Mapping[str, dg.MetadataValue]:
        """Metadata of an asset's newest materialization."""
        wanted = dg.AssetRecordsFilter(
            asset_key=self.key(asset), asset_partitions=None if partition is None else [partition]
        )
        (record,) = self.instance.fetch_materializations(wanted, limit=1).records
        assert record.asset_materialization is not None
        return record.asset_materialization.metadata

    def checks(self, partition: str | None) -> dict[str, bool]:
        """By name, whether the newest evaluation of each check passed for a partition."""
        found = self.instance.get_event_records(
            dg.EventRecordsFilter(event_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION), ascending=True
        )
        passed: dict[str, bool] = {}
        for record in found:
            event = record.event_log_entry.dagster_event
            assert event is not None
            evaluation = event.asset_check_evaluation_data
            if evaluation.partition == partition:
                passed[evaluation.check_name] = evaluation.passed
        return passed


def new_document(folder: Path, study: str = "TEST-001", place: str | None = None) -> dict[str, Any]:
    """A document without file types and pipelines; its files are in `folder` unless another place is named."""
    place = place or folder.as_uri()
    return {
        "schema_version": 1,
        "study": {"id": study, "title": "A small study", "timezone_default": "Europe/London"},
        "sources": [{"name": "raw", "uri": f"{place}/raw", "settle_seconds": 0}],
        "metadata": {"files": [HEIGHTS]},
        "file_types": [],
        "pipelines": {},
        "waiting": {"give_up_after": "P14D", "notify": ["log"]},
        "results": {"uri": f"{place}/results"},
    }


@contextmanager
def deployed(
    folder: Path,
    runtime_cache: Path,
    *,
    persistent: bool = False,
    place: str | None = None,
    kind: type[StudyDeployment] = StudyDeployment,
) -> Iterator[StudyDeployment]:
    """A fresh deployment in `folder`, its files elsewhere where a place is named."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIOLAKE_HOME", str(folder / "home"))
        patch.setenv("BIOLAKE_RUNTIME_CACHE", str(runtime_cache))
        patch.setenv("BIOLAKE_SILENT_SECONDS", "10")
        patch.setattr(drive, "_PAUSE_SECONDS", 0.05)
        for name in ("raw", "results"):
            (folder / name).mkdir(parents=True)
        platform = Platform(Settings.from_environment())
        if persistent:
            with drive.local_instance(folder / "home") as instance:
                yield kind(folder, platform, instance, new_document(folder, place=place))
        else:
            with dg.DagsterInstance.ephemeral() as instance:
                yield kind(folder, platform, instance, new_document(folder, place=place))
        platform.close()


@pytest.fixture
def study(tmp_path: Path, runtime_cache: Path) -> Iterator[StudyDeployment]:
    """A deployment with an empty study."""
    with deployed(tmp_path, runtime_cache) as made:
        yield made
