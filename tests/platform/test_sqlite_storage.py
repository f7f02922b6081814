"""Dagster's storage of a local deployment: followed by the UI, shared by processes, the files of Dagster's own."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from platform_assets.home import dagster_home, open_instance

RUN = """
import sys
from pathlib import Path
import dagster as dg
from platform_assets.home import dagster_home, open_instance

@dg.asset
def counted(context):
    context.log.info("counting")

with open_instance(dagster_home(Path(sys.argv[1]))) as instance:
    job = dg.Definitions([counted], jobs=[dg.define_asset_job("count", [counted])]).resolve_job_def("count")
    job.execute_in_process(instance=instance, run_id=sys.argv[2])
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # Opening an instance sets it; it is put back after the test.
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with open_instance(dagster_home(home)) as opened:
        yield opened


def run_elsewhere(home: Path, run_id: str) -> None:
    subprocess.run([sys.executable, "-W", "ignore", "-c", RUN, str(home), run_id], check=True, capture_output=True)


def test_a_run_of_another_process_is_followed(home: Path, instance: dg.DagsterInstance) -> None:
    """As the UI does while its page is open: it hears of events without asking."""
    run_id = "11111111-2222-4333-8444-555555555555"
    ended = threading.Event()
    heard: list[str] = []

    def hear(event: dg.EventLogEntry, _: str) -> None:
        if event.dagster_event is not None:
            heard.append(event.dagster_event.event_type_value)
            if heard[-1] == "PIPELINE_SUCCESS":
                ended.set()

    instance.event_log_storage.watch(run_id, None, hear)
    try:
        run_elsewhere(home, run_id)
        assert ended.wait(30), heard
    finally:
        instance.event_log_storage.end_watch(run_id, hear)
    assert heard.index("STEP_START") < heard.index("ASSET_MATERIALIZATION") < heard.index("PIPELINE_SUCCESS")


def test_dagsters_own_storage_reads_what_was_written(home: Path, tmp_path: Path) -> None:
    for number in range(12):
        run_elsewhere(home, f"11111111-2222-4333-8444-{number:012}")
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "dagster.yaml").write_text(f"storage:\n  sqlite:\n    base_dir: {dagster_home(home)}\n")
    with dg.DagsterInstance.from_config(str(folder)) as plain:
        assert plain.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS])) == 12
        assert len(plain.fetch_materializations(dg.AssetKey("counted"), limit=100).records) == 12
        assert all(plain.all_logs(run.run_id) for run in plain.get_runs())


def test_many_runs_keep_few_files_open(home: Path, instance: dg.DagsterInstance) -> None:
    @dg.asset
    def counted() -> None: ...

    for _ in range(15):
        assert dg.materialize([counted], instance=instance).success
    folder = str(dagster_home(home) / "history" / "runs") + "/"
    opened = {os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if _is_link(fd)}
    runs = [name for name in opened if name.startswith(folder) and name.endswith(".db") and "index" not in name]
    assert 0 < len(runs) <= 8


def _is_link(descriptor: str) -> bool:
    return os.path.islink(f"/proc/self/fd/{descriptor}")
