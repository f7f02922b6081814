"""A run that is killed in the middle: its recording is given back, and done by whoever drives the study next."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from biolake.studies.recordings.run_beats import recordings_in_work
from tests.study_platform.conftest import (
    ACTIVITY,
    CURRENT,
    DAYS,
    READ_BIN,
    SLEEP,
    WEAR,
    StudyDeployment,
    deployed,
    file_type,
)
from tests.study_platform.recordings import wrist


def start(study: StudyDeployment) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "biolake.cli", "study", "process", study.id, "--wait"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def processes_of(folder: Path) -> list[str]:
    """Commands that still run with a path of the deployment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if str(folder) in command:
                found.append(command)
    return found


def test_the_next_one_finishes_what_a_killed_one_began(tmp_path: Path, runtime_cache: Path, runtime) -> None:
    runtime(CURRENT)
    with deployed(tmp_path, runtime_cache, persistent=True) as study:
        study.document["file_types"] = [file_type("wrist", "geneactiv", "bin", "active")]
        outputs = {"Sleep": "table", "ActivityLevelClassification": "table"}
        study.pipeline("active", READ_BIN, WEAR, DAYS, SLEEP, ACTIVITY, outputs=outputs)
        study.put("wrist/0001_V1.bin", wrist(1, 30.0))
        study.add()
        child = start(study)
        deadline = time.monotonic() + 90
        while not recordings_in_work(study.platform.study_engine, study.id):
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.5)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        assert study.states() == {"0001_V1.bin": "processing"}
        assert study.drive() == 1
        assert study.states() == {"0001_V1.bin": "processed"}
        assert study.table("runs").height == 1
        assert sorted(run.status.value for run in study.instance.get_runs() if run.job_name.endswith("recording")) == [
            "FAILURE",
            "SUCCESS",
        ]
        assert processes_of(tmp_path) == []
