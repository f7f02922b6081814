"""A study over real recordings of all devices, found by their real names: each ends in its state, explained."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from biolake.ledger.ledger import Ledger
from biolake.studies.catalog.check import check_arrivals
from biolake.studies.catalog.status import status
from biolake.studies.catalog.update import catalog, open_stores
from biolake.studies.configuration.load import load_study
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.recordings.progress import ready
from tests.studies.small_study import step

NOW = datetime.now(UTC) + timedelta(days=1)
WEAR = step("AccelThresholdWearDetection", "preprocessing.wear_detection")
READERS = {
    "cwa": step("ReadCwa", "io.axivity"),
    "bin": step("ReadBin", "io.geneactiv"),
    "gt3x": step("ReadNumpyFile", "io.numpy_compressed"),
    "avro": step("ReadEmpaticaAvro", "io.empatica"),
    "npz": step("ReadNumpyFile", "io.numpy_compressed"),
    "csv": step("ReadCSV", "io.csv", time_col_name="timestamp", column_names={"accel": ["x", "y", "z"]}),
}
DEVICES = {"cwa": "axivity", "bin": "geneactiv", "gt3x": "actigraph", "avro": "empatica", "npz": "npz", "csv": "csv"}


def file_type(kind: str, **more: Any) -> dict[str, Any]:
    either_case = "".join(f"[{letter}{letter.upper()}]" for letter in kind)
    return {
        "name": kind,
        "source": "raw",
        "pattern": f"*/*.{either_case}",
        "filename_regex": f"(?P<subject>[a-z0-9]+)/(?P<visit>[^/]+)\\.{either_case}",
        "identity": ["subject", "visit"],
        "device": {"expect": DEVICES[kind]},
        "pipelines": [kind],
        **more,
    }


@pytest.fixture
def study(shared_data: Path, tmp_path: Path) -> StudyConfiguration:
    (tmp_path / "pipelines").mkdir()
    for kind, reader in READERS.items():
        saved = {"Steps": [reader, WEAR], "Version": "0.17.18"}
        (tmp_path / "pipelines" / f"{kind}.skdh").write_text(yaml.safe_dump(saved))
    one_pipeline = {"runtime": "skdh-0.17.18-py311-a", "outputs": {"AccelThresholdWearDetection": "intervals"}}
    document = {
        "schema_version": 1,
        "study": {"id": "OPEN-DATA", "title": "Recordings of all devices", "timezone_default": "Europe/London"},
        "sources": [
            {"name": "raw", "uri": (shared_data / "wearables").as_uri(), "ignore": ["*.json", "*.mat", "*.md"]}
        ],
        "file_types": [
            file_type("cwa", clock={"min_date": "2015-01-01"}),
            file_type("bin", recording={"min_hours": 0.1}),
            *(file_type(kind) for kind in ("gt3x", "avro", "npz", "csv")),
        ],
        "pipelines": {kind: {**one_pipeline, "file": f"pipelines/{kind}.skdh"} for kind in READERS},
        "results": {"uri": (tmp_path / "results").as_uri()},
    }
    (tmp_path / "study.yaml").write_text(json.dumps(document))
    return load_study(tmp_path / "study.yaml")


@pytest.mark.shared_data
def test_every_real_recording_has_its_state(study: StudyConfiguration, tmp_path: Path):
    engine = Ledger(f"sqlite:///{tmp_path / 'state.db'}").engine
    stores = open_stores(study)
    catalog(study, stores, engine, NOW)
    check_arrivals(study, stores, engine, NOW)
    summary = catalog(study, stores, engine, NOW)
    rows = {row["key"]: row for row in status(study, engine).iter_rows(named=True)}
    assert sum(summary.counts.values()) == len(rows)

    sound = [
        "skdh/ax3_sample.cwa",
        "skdh/ax6_sample.cwa",
        "skdh/gnactv_sample.bin",
        "ggirread/ax3_testfile.cwa",
        "paradigma/test_data.CWA",
        "wristpy/example_geneactiv.bin",
        "ggir/actigraph_testfile.gt3x",
        "skdh/ax6_data.npz",
    ]
    assert {key: rows[key]["state"] for key in sound} == dict.fromkeys(sound, "ready")
    assert rows["openmovement/example-610-steps.cwa"]["state"] == "clock_error"
    assert "before 2015-01-01" in rows["openmovement/example-610-steps.cwa"]["reason"]
    assert rows["icampam/small.avro"]["state"] == "wrong_format"
    assert rows["skdh/gait_results_vcwt.npz"]["state"] == "wrong_format"
    # The input of the gait example is a part of the other recording.
    assert {rows[f"skdh/{name}.npz"]["state"] for name in ("ax3_data", "gait_input")} == {"overlap"}
    assert "too_short" in rows["skdh/gnactv_sample.bin"]["flags"]
    assert "too_short" not in rows["wristpy/example_geneactiv.bin"]["flags"]
    assert rows["readgt3x/TAS1H30182785_2019-09-17.csv.gz"]["state"] == "unmatched"
    assert len(ready(study, engine)) == sum(row["state"] in ("ready", "overlap") for row in rows.values())

    before = status(study, engine)
    again = catalog(study, stores, engine, NOW + timedelta(hours=1))
    assert (again.new, again.changed, again.removed, again.to_check) == (0, 0, 0, 0)
    assert status(study, engine).equals(before)
