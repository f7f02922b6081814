"""A study over real recordings of every device and two made-up weeks, from `study add` to the report.

Each file is in its state, and results are those that SKDH gives by itself.
"""

import json
import math
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from biolake.studies.results.measures.described import described
from biolake.studies.results.measures.gait import STEP
from biolake.studies.runtimes import Runtime
from tests.studies.generate.cwa import write_cwa
from tests.studies.generate.geneactiv import write_geneactiv
from tests.studies.generate.motion import Person
from tests.study_platform.conftest import (
    ACTIVITY,
    CALIBRATE,
    CURRENT,
    DAYS,
    FIND_GAIT,
    GAIT,
    READ_AVRO,
    READ_BIN,
    READ_CWA,
    READ_NPZ,
    SLEEP,
    WEAR,
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
    "skdh/gnactv_data.npz": "processed",
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

HOURS = 24 * 7
WEEKS = {
    "week_cwa": Person(datetime(2024, 3, 4, 10), HOURS, non_wear=((2, 13.0, 3.0),), seed=1),
    "week_bin": Person(datetime(2024, 6, 3, 10), HOURS, sleeps_at=22.0, wakes_at=6.0, seed=2),
}
PIPELINES = {
    "week_cwa": (READ_CWA, CALIBRATE, WEAR, DAYS, SLEEP, ACTIVITY),
    "week_bin": (READ_BIN, CALIBRATE, WEAR, DAYS, SLEEP, ACTIVITY),
}
FILES = {"week_cwa": "0001_V1.cwa", "week_bin": "0002_V1.bin"}
TABLES = {"Sleep": "night", "ActivityLevelClassification": "day"}

DIRECT_WEEKS = """
import json, sys, warnings
warnings.simplefilter("ignore")
import numpy as np
from skdh import Pipeline
answers = {}
for name, (file, arguments) in json.load(sys.stdin).items():
    pipeline = Pipeline()
    pipeline.load(file, process_raise=True, noversion_raise=True, old_raise=True)
    found = pipeline.run(**arguments)
    answers[name] = {}
    for step in ("Sleep", "ActivityLevelClassification"):
        columns = {column: np.asarray(values) for column, values in found[step].items()}
        answers[name][step] = {
            column: [float(value).hex() for value in values] if values.dtype.kind in "iuf" else [str(v) for v in values]
            for column, values in columns.items()
            if values.ndim == 1
        }
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


def week(name: str) -> dict[str, Any]:
    suffix = FILES[name].rpartition(".")[2]
    return {
        "name": name,
        "source": "weeks",
        "pattern": f"*.{suffix}",
        "filename_regex": f"(?P<subject>[0-9]+)_(?P<visit>V[0-9])\\.{suffix}",
        "identity": ["subject", "visit"],
        "device": {"expect": {"cwa": "axivity", "bin": "geneactiv"}[suffix]},
        "pipelines": [name],
    }


def biolake(*arguments: str, exit_code: int = 0) -> dict[str, Any]:
    """Run a command as a study manager does, and return what it prints as JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "biolake.cli", *arguments, "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == exit_code, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def processed(
    shared_data: Path,
    tmp_path_factory: pytest.TempPathFactory,
    runtime_cache: Path,
    runtime: Callable[[str], Runtime],
) -> Iterator[StudyDeployment]:
    runtime(CURRENT)
    with deployed(tmp_path_factory.mktemp("real"), runtime_cache, persistent=True) as made:
        weeks = made.folder / "weeks"
        weeks.mkdir()
        write_cwa(weeks / FILES["week_cwa"], WEEKS["week_cwa"], 50.0)
        write_geneactiv(weeks / FILES["week_bin"], WEEKS["week_bin"], 25.0)
        (source,) = made.document["sources"]
        made.document["sources"] = [
            {**source, "uri": (shared_data / "wearables").as_uri()},
            {**source, "name": "weeks", "uri": weeks.as_uri()},
        ]
        made.document["metadata"] = {"files": []}
        made.document["file_types"] = [kind(name) for name in READERS] + [week(name) for name in WEEKS]
        for name, reader in READERS.items():
            made.pipeline(name, reader, DAYS, FIND_GAIT, GAIT, outputs={"GaitLumbar": "table"})
        for name, steps in PIPELINES.items():
            made.pipeline(name, *steps, outputs=dict.fromkeys(TABLES, "table") | {WEAR["name"]: "intervals"})
        biolake("study", "add", str(made.write()))
        # Two files that are no recordings fail, which the command's exit code tells.
        biolake("study", "process", made.id, "--wait", exit_code=1)
        yield made


def test_every_file_is_in_its_state_and_says_why(processed: StudyDeployment, shared_data: Path) -> None:
    files = processed.files()
    there = {str(path.relative_to(shared_data / "wearables")) for path in (shared_data / "wearables").rglob("*.*")}
    assert {key for key, row in files.items() if row["source"] == "raw"} == there
    expected = dict.fromkeys(there, "unmatched") | STATES | dict.fromkeys(FILES.values(), "processed")
    assert {key: row["state"] for key, row in files.items()} == expected
    for key, row in files.items():
        assert row["state"] == "processed" or len(row["reason"]) > 20, key
    assert "ActiGraph" in files["icampam/small.avro"]["reason"]
    assert files["skdh/ax6_data.npz"]["reason"].startswith("GetDayWindowIndices: TypeError")
    assert files["readgt3x/TAS1H30182785_2019-09-17.gt3x"]["qc_code"] == "gap, no_gait"


def test_gait_is_what_skdh_gives_to_the_last_bit(processed: StudyDeployment, runtime: Callable[[str], Runtime]) -> None:
    """Through sensor, run, worker, tables and lake, every number is the same to the last bit."""
    names = {
        "skdh/gait_input.npz": "npz",
        "openmovement/example-610-steps.cwa": "cwa",
        "paradigma/test_data.CWA": "cwa",
        "skdh/ax3_sample.cwa": "cwa",
        "generead/TESTfile.bin": "bin",
        "skdh/example_data_2min.csv": "csv",
    }
    source = processed.configuration.document.sources[0]
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


@pytest.fixture(scope="module")
def direct(processed: StudyDeployment, runtime: Callable[[str], Runtime]) -> dict[str, dict[str, dict[str, list[str]]]]:
    """What SKDH gives by itself for each week."""
    orders = {}
    for name, file in FILES.items():
        saved = processed.folder / f"direct_{name}.skdh"
        saved.write_text(yaml.safe_dump(processed.pipelines[name]))
        orders[name] = [str(saved), {"file": str(processed.folder / "weeks" / file), "tz_name": "Europe/London"}]
    one = runtime(CURRENT)
    done = subprocess.run(
        [str(one.python), "-I", "-c", DIRECT_WEEKS],
        env=one.environment(),
        input=json.dumps(orders),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", list(WEEKS))
@pytest.mark.parametrize("step", list(TABLES))
def test_a_week_is_what_skdh_gives_to_the_last_bit(
    processed: StudyDeployment, direct: dict[str, dict[str, dict[str, list[str]]]], name: str, step: str
) -> None:
    expected = direct[name][step]
    parameters = next(one["parameters"] for one in PIPELINES[name] if one["process"] == step)
    rows = processed.table(TABLES[step]).filter(pl.col("pipeline") == name)
    by_date = {row["date"].isoformat(): row for row in rows.iter_rows(named=True)}
    compared = 0
    for entry in described(step, parameters):
        values = next((expected[one] for one in entry.names if one in expected), None)
        if values is None:
            continue
        for day, text in zip(expected["Date"], values, strict=True):
            kept, known = by_date[day][entry.column], float.fromhex(text)
            assert kept == known or (kept is None and math.isnan(known)), (entry.column, day)
            compared += not math.isnan(known)
    assert compared > 40


@pytest.mark.parametrize("name", list(WEEKS))
def test_what_was_planted_is_found(processed: StudyDeployment, name: str) -> None:
    truth = WEEKS[name].truth
    nights = processed.table("night").filter(pl.col("pipeline") == name, ~pl.col("partial"))
    assert nights.height == HOURS // 24 - 1
    columns = ("sleep_start_local", "sleep_end_local")
    found = [
        [datetime.fromisoformat(night[one]).replace(tzinfo=None) for one in columns] for night in nights.to_dicts()
    ]
    planted = [night for night in truth.sleep if night[0] > truth.start]
    near = timedelta(minutes=90)
    right = [any(abs(begin - a) < near and abs(end - b) < near for a, b in planted) for begin, end in found]
    # SKDH now and then sets the beginning of a night to a later stretch of rest.
    assert sum(right) > len(found) / 2, (found, planted)
    (qc,) = processed.table("file_qc").filter(pl.col("pipeline") == name).iter_rows(named=True)
    assert qc["recorded_hours"] == pytest.approx(HOURS, abs=0.05)
    assert qc["wear_hours"] == pytest.approx(HOURS - truth.hours(truth.non_wear), abs=2.0)


def test_the_report_tells_of_every_file(processed: StudyDeployment) -> None:
    found = biolake("study", "report", processed.id)
    page = Path(found["report"].removeprefix("file://")).read_text()
    counted = Counter(row["state"] for row in processed.files().values())
    text = re.sub(r"<[^>]+>", " ", page)
    for state, number in counted.items():
        assert re.search(rf"{state.replace('_', '.')}\W+{number}\b", text, re.IGNORECASE), (state, number)
    assert "icampam/small.avro" in text
    assert "not of Empatica" in text
    pages = {path.stem for path in (Path(found["report"].removeprefix("file://")).parent / "recordings").iterdir()}
    assert {"week_cwa~0001~V1", "week_bin~0002~V1", "cwa~openmovement~example-610-steps"} <= pages
