"""A small study in a folder, with files whose content says what a scan of them finds."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy.engine import Engine

from biolake.ledger.ledger import Ledger
from biolake.objects.store import ObjectStore
from biolake.studies.catalog.check import check_arrivals
from biolake.studies.catalog.status import status
from biolake.studies.catalog.update import catalog, open_stores
from biolake.studies.configuration.load import load_study
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.devices.models import Problem, ProblemCode, RecordingFormat, Scan
from biolake.studies.models import CatalogSummary

START = datetime(2024, 3, 1, 12, tzinfo=UTC)


def step(process: str, module: str, **parameters: Any) -> dict[str, Any]:
    """Return a step as SKDH saves it."""
    names = {"name": process, "process": process, "package": "skdh", "module": module, "parameters": parameters}
    return {**names, "save_file": None, "plot_file": None}


def sleep_pipeline(version: str = "0.17.18") -> dict[str, Any]:
    return {
        "Steps": [
            step("ReadBin", "io.geneactiv", trim_keys=None, ext_error="warn"),
            step("GetDayWindowIndices", "preprocessing.window_days", bases=[0, 12], periods=[24, 24]),
            step("Sleep", "sleep.sleep", day_window=[12, 24]),
            step("ActivityLevelClassification", "activity.core", day_window=[0, 24], cutpoints="migueles_wrist_adult"),
        ],
        "Version": version,
    }


def gait_pipeline(version: str = "0.17.18") -> dict[str, Any]:
    return {
        "Steps": [
            step("ReadCwa", "io.axivity"),
            step("PredictGaitLumbarLgbm", "context.gait_classification"),
            step("GaitLumbar", "gait.core", day_window=None),
        ],
        "Version": version,
    }


def study_document(folder: Path) -> dict[str, Any]:
    """Return a configuration with a wrist type that needs nothing and a lumbar type that needs a height."""
    return {
        "schema_version": 1,
        "study": {"id": "TEST-001", "title": "A small study", "timezone_default": "Europe/London"},
        "sources": [
            {
                "name": "raw",
                "uri": (folder / "raw").as_uri(),
                "prefixes": ["incoming/"],
                "settle_seconds": 60,
                "ignore": ["*.tmp"],
            }
        ],
        "metadata": {
            "files": [
                {
                    "pattern": "meta/*.csv",
                    "source": "raw",
                    "key": ["subject"],
                    "columns": {
                        "subject": {"from": "SUBJID", "type": "str", "regex": "[0-9]{4}"},
                        "height_m": {"from": "HEIGHT", "type": "float", "unit": "cm", "to_unit": "m"},
                        "timezone": {"from": "TZ", "type": "timezone", "required": False},
                    },
                }
            ]
        },
        "file_types": [
            {
                "name": "wrist",
                "source": "raw",
                "pattern": "**/*.bin",
                "filename_regex": "(?P<subject>[0-9]{4})_(?P<visit>V[0-9])_(?P<device>[0-9]+)\\.bin",
                "identity": ["subject", "visit"],
                "device": {"expect": "geneactiv", "header_checks": {"subject": "Subject Code"}},
                "clock": {"min_date": "2023-01-01"},
                "recording": {
                    "min_hours": 24,
                    "max_hours": 720,
                    "max_gap_seconds": 60,
                    "max_bad_block_fraction": 0.01,
                },
                "pipelines": ["sleep"],
            },
            {
                "name": "lumbar",
                "source": "raw",
                "pattern": "**/*.cwa",
                "filename_regex": "(?P<subject>[0-9]{4})_(?P<visit>V[0-9])\\.cwa",
                "identity": ["subject", "visit"],
                "device": {"expect": "axivity"},
                "pipelines": ["gait"],
            },
            {
                "name": "half_hours",
                "source": "raw",
                "pattern": "**/*.avro",
                "filename_regex": "(?P<subject>[0-9]{4})_(?P<visit>V[0-9])_(?P<part>[0-9]+)\\.avro",
                "identity": ["subject", "visit"],
                "on_duplicate": "concatenate",
                "device": {"expect": "empatica"},
                "recording": {"quiet_hours": 2},
                "pipelines": ["parts"],
            },
        ],
        "pipelines": {
            "sleep": {
                "runtime": "skdh-0.17.18-py311-a",
                "file": "pipelines/sleep.skdh",
                "timezone": {"from": "metadata.timezone", "else": "study"},
                "outputs": {"Sleep": "table"},
            },
            "gait": {
                "runtime": "skdh-0.17.18-py311-a",
                "file": "pipelines/gait.skdh",
                "requires": {"metadata": ["height_m"]},
                "pass": {"height": "metadata.height_m"},
                "outputs": {"GaitLumbar": "table"},
            },
            "parts": {
                "runtime": "skdh-0.17.18-py311-a",
                "file": "pipelines/parts.skdh",
                "outputs": {"AccelThresholdWearDetection": "intervals"},
            },
        },
        "waiting": {"give_up_after": "P14D", "notify": ["log", "webhook:team"]},
        "results": {"uri": (folder / "results").as_uri()},
    }


def parts_pipeline() -> dict[str, Any]:
    reader = step("MultiReader", "io.multireader", mode="concatenate", reader="ReadEmpaticaAvro")
    return {
        "Steps": [reader, step("AccelThresholdWearDetection", "preprocessing.wear_detection")],
        "Version": "0.17.18",
    }


def write_study(folder: Path, document: dict[str, Any] | None = None) -> Path:
    """Write the study's document and pipelines, and return the document's path."""
    (folder / "pipelines").mkdir(parents=True, exist_ok=True)
    for name in ("incoming", "meta"):
        (folder / "raw" / name).mkdir(parents=True, exist_ok=True)
    saved = {"sleep": sleep_pipeline(), "gait": gait_pipeline(), "parts": parts_pipeline()}
    for name, pipeline in saved.items():
        path = folder / "pipelines" / f"{name}.skdh"
        if not path.exists():
            path.write_text(yaml.safe_dump(pipeline))
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(document or study_document(folder), sort_keys=False))
    return path


_KINDS = {
    ".bin": (RecordingFormat.GENEACTIV, "geneactiv"),
    ".cwa": (RecordingFormat.CWA, "ax3"),
    ".avro": (RecordingFormat.EMPATICA_AVRO, "embraceplus"),
}


def scan_of_test_file(path: Path) -> Scan:
    """Return the scan that a test file describes as JSON."""
    said = json.loads(path.read_text())
    kind = _KINDS[path.suffix]
    problems = tuple(
        Problem(
            ProblemCode(p["code"]),
            p.get("offset"),
            p.get("fraction", 0.0),
            p.get("message", "it is so"),
            p.get("seconds"),
        )
        for p in said.get("problems", ())
    )
    start = datetime.fromisoformat(said.get("start", "2024-02-01T10:00"))
    return Scan(
        format=RecordingFormat(said.get("format", kind[0])),
        device_kind=said.get("device_kind", kind[1]),
        subject=said.get("subject"),
        start=start,
        end=start + timedelta(hours=said.get("hours", 168)),
        sampling_hz=said.get("sampling_hz", 50.0),
        problems=problems,
        bad_block_fraction=said.get("bad_block_fraction", 0.0),
    )


@dataclass
class SmallStudy:
    """A study in a folder, its tables, and a clock that the test moves."""

    folder: Path
    engine: Engine
    document: dict[str, Any]
    now: datetime = START
    scanned: list[str] = field(default_factory=list)

    @classmethod
    def make(cls, folder: Path, database: str | None = None) -> "SmallStudy":
        document = study_document(folder)
        write_study(folder, document)
        engine = Ledger(database or f"sqlite:///{folder / 'state.db'}").engine
        return cls(folder, engine, document)

    @property
    def configuration(self) -> StudyConfiguration:
        write_study(self.folder, self.document)
        return load_study(self.folder / "study.yaml")

    @property
    def stores(self) -> dict[str, ObjectStore]:
        return open_stores(self.configuration)

    def put(self, key: str, content: str | None = None, **said: Any) -> Path:
        """Upload a file: text, or what a scan of it is to find (with the name, so that bytes differ by name)."""
        path = self.folder / "raw" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if content is not None else json.dumps({"": said.pop("salt", key), **said}))
        stamp = self.now.timestamp()
        import os

        os.utime(path, (stamp, stamp))
        return path

    def look(self, **options: Any) -> CatalogSummary:
        """Catalog, look into what has settled, and return what a last catalog says."""
        configuration, stores = self.configuration, self.stores
        catalog(configuration, stores, self.engine, self.now, **options)
        check_arrivals(configuration, stores, self.engine, self.now, scan=self._scan)
        return catalog(configuration, stores, self.engine, self.now, **options)

    def _scan(self, path: Path) -> Scan:
        self.scanned.append(path.name)
        return scan_of_test_file(path)

    def wait(self, **time: float) -> None:
        self.now += timedelta(**time)

    def states(self) -> dict[str, str]:
        """Return the states of current files by the file's name."""
        table = status(self.configuration, self.engine)
        current = table.filter(table["current"])
        return {row["key"].rsplit("/", 1)[-1]: row["state"] for row in current.iter_rows(named=True)}

    def reason(self, name: str) -> str:
        table = status(self.configuration, self.engine)
        return next(r["reason"] for r in table.iter_rows(named=True) if r["key"].endswith(name) and r["current"])
