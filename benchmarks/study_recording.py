"""One 7-day 100 Hz .cwa through the full pipeline: the platform against SKDH called by itself in the same runtime.

Wall time of whole processes, import included on both sides; the platform's is a real run of the study's job, so its
pre-scan, its tables, its lake commits and its page are in it. Then the same in the runtime with the faster DFA
endpoint. Every array that both return is compared bit by bit. Needs about 7 GB of memory. `--days` shortens it.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import header, table
from benchmarks.study_files import CURRENT, FAST, WEEK, call_directly, digests, runtime, write_pipeline, write_week
from biolake.cli.dagster import quieten


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=7)
    days = parser.parse_args().days
    quieten()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "raw").mkdir()
        week = write_week(folder / "raw" / "0001_V1.cwa", days=days)
        os.environ["BIOLAKE_HOME"] = str(folder / "home")
        print(run(folder, week, days))


def run(folder: Path, week: Path, days: int) -> str:
    """Measure and return the report."""
    from biolake.studies.processing.models import Limits, ProcessingTask
    from biolake.studies.processing.runner import process

    plain, fast = runtime(CURRENT), runtime(FAST)
    report = header(f"One recording, {days} days at 100 Hz, {week.stat().st_size / 1e6:.0f} MB .cwa")
    pipeline = write_pipeline(folder / "week.skdh", *WEEK)
    arguments = {"tz_name": "Europe/London"}
    started = time.perf_counter()
    direct = call_directly(plain, pipeline, {**arguments, "file": str(week)})
    direct_seconds = time.perf_counter() - started
    kept: dict[str, dict[str, str]] = {}
    worked: dict[str, Any] = {}
    for one in (plain, fast):
        started = time.perf_counter()
        task = ProcessingTask(one.name, (week,), pipeline, folder / one.name, arguments)
        worked[one.name] = (process(task, one, Limits()), time.perf_counter() - started)
        kept[one.name] = digests(folder / one.name)
    study_seconds, step_seconds = as_study(folder, pipeline)
    same = [path for path, digest in kept[plain.name].items() if direct["digests"].get(path) == digest]
    outcome, seconds = worked[plain.name]
    _, fast_seconds = worked[fast.name]
    differing = sorted(path for path in kept[fast.name] if kept[fast.name][path] != kept[plain.name][path])
    rows = [
        ("SKDH by itself (baseline)", f"{direct_seconds:.1f} s", ""),
        ("platform: pre-scan, process, checks", f"{seconds:.1f} s", f"{seconds / direct_seconds:.3f}x"),
        ("platform: the whole run", f"{study_seconds:.1f} s", f"{study_seconds / direct_seconds:.3f}x"),
        ("of it in the step", f"{step_seconds:.1f} s", f"{step_seconds / direct_seconds:.3f}x"),
        (
            "platform in the runtime with the faster DFA",
            f"{fast_seconds:.1f} s",
            f"{fast_seconds / direct_seconds:.3f}x",
        ),
        ("arrays kept that equal SKDH's bit by bit", f"{len(same)} of {len(kept[plain.name])}", ""),
        ("arrays that the faster DFA changes", ", ".join(differing) or "none", ""),
        ("peak memory of the process", f"{outcome.cost.peak_bytes / 1024**3:.2f} GiB", ""),
    ]
    return report + "\n" + table(("measure", "value", "against SKDH"), rows)


def as_study(folder: Path, pipeline: Path) -> tuple[float, float]:
    """Process the recording as a study's run; seconds from its launch to its end, and of the step alone."""
    from biolake.platform import opened
    from biolake.settings import Settings
    from biolake.studies.folder import add_study
    from platform_assets.definitions import build_definitions
    from platform_assets.drive import _tick, local_instance
    from resources.platform import PlatformResource
    from sensors.studies import study_sensor_name

    document = {
        "schema_version": 1,
        "study": {"id": "BENCHMARK", "title": "One week", "timezone_default": "Europe/London"},
        "sources": [{"name": "raw", "uri": (folder / "raw").as_uri(), "settle_seconds": 0}],
        "file_types": [
            {
                "name": "wrist",
                "source": "raw",
                "pattern": "*.cwa",
                "filename_regex": "(?P<subject>[0-9]{4})_(?P<visit>V[0-9])\\.cwa",
                "identity": ["subject", "visit"],
                "device": {"expect": "axivity"},
                "pipelines": ["week"],
            }
        ],
        "pipelines": {
            "week": {
                "runtime": CURRENT,
                "file": pipeline.name,
                "outputs": {
                    "Sleep": "table",
                    "ActivityLevelClassification": "table",
                    "AccelThresholdWearDetection": "intervals",
                },
            }
        },
        "results": {"uri": (folder / "results").as_uri()},
    }
    (folder / "study.yaml").write_text(json.dumps(document))
    with opened(Settings.from_environment()) as here, local_instance(folder / "home") as instance:
        add_study(folder / "study.yaml", here.settings.home / "studies", here.runtimes)
        resources = {"platform": PlatformResource()}
        definitions = build_definitions(here.repositories, here.studies, resources)
        sensor = definitions.get_sensor_def(study_sensor_name("BENCHMARK"))
        tick = _tick(sensor, instance, resources, "study_benchmark_recordings")
        (request,) = tick.run_requests or ()
        job = definitions.resolve_job_def(request.job_name or "")
        started = time.perf_counter()
        result = job.execute_in_process(instance=instance, partition_key=request.partition_key)
        seconds = time.perf_counter() - started
        assert result.success
        durations = [event.step_success_data.duration_ms / 1000 for event in result.all_events if event.is_step_success]
    return seconds, max(durations)


if __name__ == "__main__":
    main()
