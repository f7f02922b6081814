"""A study over real recordings of every device: each file in its state, and results as SKDH gives them by itself."""

import json
import math
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from biolake.studies.results.measures_gait import STEP
from biolake.studies.runtimes import Runtime
from tests.study_platform.conftest import (
    CURRENT,
    DAYS,
    FIND_GAIT,
    GAIT,
    READ_AVRO,
    READ_BIN,
    READ_CWA,
    READ_NPZ,
    StudyDeployment,
    deployed,
    step,
)

pytestmark = pytest.mark.shared_data

COLUMNS = ["time", "x", "y", "z", "a", "b", "c"]
READ_CSV = step(
    "ReadCSV",
    "io.csv",
    time_col_name="time",
    column_names={"accel": ["x", "y", "z"]},
    to_datetime_kwargs={"unit": "s"},
    read_csv_kwargs={"header": None, "names": COLUMNS},
)
READERS = {"cwa": READ_CWA, "bin": READ_BIN, "gt3x": READ_NPZ, "avro": READ_AVRO, "npz": READ_NPZ, "csv": READ_CSV}
DEVICES = {"cwa": "axivity", "bin": "geneactiv", "gt3x": "actigraph", "avro": "empatica", "npz": "npz", "csv": "csv"}

STATES = {
    "skdh/ax3_sample.cwa": "processed",
    "skdh/ax6_sample.cwa": "processed",
    "skdh/gnactv_sample.bin": "processed",
    "ggirread/ax3_testfile.cwa": "processed",
    "ggirread/ax6_testfile.cwa": "processed",
    "openmovement/example-610-steps.cwa": "processed",
    "paradigma/test_data.CWA": "processed",
    "generead/TESTfile.bin": "processed",
    "wristpy/example_geneactiv.bin": "processed",
    "ggir/actigraph_testfile.gt3x": "processed",
    "readgt3x/TAS1H30182785_2019-09-17.gt3x": "processed",
    "readgt3x/TAS1H30182785_2019-09-17.csv.gz": "unmatched",
    "icampam/small.avro": "wrong_format",
    # Outputs of a reader, not recordings: SKDH finds day windows in them that it cannot read.
    "skdh/ax3_data.npz": "failed",
    "skdh/ax6_data.npz": "failed",
    "skdh/gait_input.npz": "processed",
    "skdh/gait_results_vcwt.npz": "wrong_format",
    "skdh/example_data_2min.csv": "processed",
}

DIRECT = """
import json, sys, warnings
warnings.simplefilter("ignore")
from skdh import Pipeline
answers = []
for file, arguments in json.load(sys.stdin):
    pipeline = Pipeline()
    pipeline.load(file, process_raise=True, noversion_raise=True, old_raise=True)
    found = pipeline.run(**arguments)["GaitLumbar"]
    numeric = {name: values for name, values in found.items() if values.dtype.kind in "iuf"}
    answers.append({name: [float(value).hex() for value in values] for name, values in numeric.items()})
print(json.dumps(answers))
"""


def kind(name: str) -> dict[str, Any]:
    either_case = "".join(f"[{letter}{letter.upper()}]" for letter in name)
    return {
        "name": name,
        "source": "raw",
        "pattern": f"*/*.{either_case}",
        "filename_regex": f"(?P<subject>[a-z0-9]+)/(?P<visit>[^/]+)\\.{either_case}",
        "identity": ["subject", "visit"],
        "device": {"expect": DEVICES[name]},
        "pipelines": [name],
    }


@pytest.fixture(scope="module")
def processed(
    shared_data: Path, tmp_path_factory: pytest.TempPathFactory, runtime_cache: Path, runtime
) -> Iterator[StudyDeployment]:
    runtime(CURRENT)
    with deployed(tmp_path_factory.mktemp("real"), runtime_cache) as made:
        (source,) = made.document["sources"]
        made.document["sources"] = [
            {**source, "uri": (shared_data / "wearables").as_uri(), "ignore": ["*.json", "*.mat", "*.md", "HA_001/*"]}
        ]
        made.document["metadata"] = {"files": []}
        made.document["file_types"] = [kind(name) for name in READERS]
        for name, reader in READERS.items():
            made.pipeline(name, reader, DAYS, FIND_GAIT, GAIT, outputs={"GaitLumbar": "table"})
        made.add()
        made.drive()
        yield made


def test_every_file_is_in_its_state_and_says_why(processed: StudyDeployment) -> None:
    files = processed.files()
    assert {key: files[key]["state"] for key in STATES} == STATES
    for row in files.values():
        assert row["state"] == "processed" or len(row["reason"]) > 20
    assert "ActiGraph" in files["icampam/small.avro"]["reason"]
    assert files["skdh/ax6_data.npz"]["reason"].startswith("GetDayWindowIndices: TypeError")
    assert files["readgt3x/TAS1H30182785_2019-09-17.gt3x"]["qc_code"] == "gap, no_gait"


def test_results_are_those_of_skdh(processed: StudyDeployment, runtime: Callable[[str], Runtime]) -> None:
    """Through sensor, run, worker, tables and lake, every number is the same to the last bit."""
    names = {
        "skdh/gait_input.npz": "npz",
        "openmovement/example-610-steps.cwa": "cwa",
        "paradigma/test_data.CWA": "cwa",
        "skdh/ax3_sample.cwa": "cwa",
        "generead/TESTfile.bin": "bin",
        "skdh/example_data_2min.csv": "csv",
    }
    (source,) = processed.configuration.document.sources
    folder = Path(source.uri.removeprefix("file://"))
    jobs = []
    for key, name in names.items():
        saved = processed.folder / f"direct_{name}.skdh"
        saved.write_text(yaml.safe_dump(processed.pipelines[name]))
        file = folder / key
        if file.suffix == ".CWA":
            (processed.folder / "lower.cwa").symlink_to(file)
            file = processed.folder / "lower.cwa"
        jobs.append([str(saved), {"file": str(file), "tz_name": "Europe/London"}])
    one = runtime(CURRENT)
    done = subprocess.run(
        [str(one.python), "-I", "-c", DIRECT],
        env=one.environment(),
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        check=True,
    )
    steps = processed.table("step")
    with_gait = set()
    for (key, name), expected in zip(names.items(), json.loads(done.stdout), strict=True):
        mine = steps.filter(pl.col("recording") == processed.files()[key]["recording"], pl.col("pipeline") == name)
        assert mine.height == len(expected["Bout N"])
        if not mine.height:
            continue
        with_gait.add(key)
        for entry in STEP:
            (values,) = (expected[one] for one in entry.names if one in expected)
            known = [float.fromhex(value) for value in values]
            assert [math.nan if v is None else v for v in mine[entry.column]] == pytest.approx(
                known, rel=0, abs=0, nan_ok=True
            )
    assert len(with_gait) >= 4
    assert steps.filter(pl.col("recording") == processed.files()["skdh/gait_input.npz"]["recording"]).height > 20


def test_counts_add_up(processed: StudyDeployment) -> None:
    metadata = processed.materialization("catalog")
    by_state = {record.data["state"]: record.data["files"] for record in metadata["by_state"].value.records}
    assert sum(by_state.values()) == metadata["dagster/row_count"].value == len(processed.files())
    qc = processed.table("file_qc")
    assert qc.height == by_state["processed"] + by_state["failed"]
    assert qc.filter(pl.col("run_key").is_null() | (pl.col("file_sha256").str.len_chars() != 64)).is_empty()
