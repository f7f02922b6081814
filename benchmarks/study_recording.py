"""One 7-day 100 Hz .cwa through the full pipeline: the platform against SKDH called by itself in the same runtime.

Wall time of whole processes, import included on both sides; the platform's is a real run of the study's job, so its
pre-scan, its tables, its lake commits and its page are in it. Then the same in the runtime with the faster DFA
endpoint. Every array that both return is compared bit by bit. Needs about 7 GB of memory. `--days` shortens it.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

from benchmarks.machine import header, table
from benchmarks.study_files import (
    CURRENT,
    FAST,
    WEEK,
    Spent,
    call_directly,
    digests,
    measured,
    runtime,
    write_pipeline,
    write_week,
)
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
    with measured() as alone:
        direct = call_directly(plain, pipeline, {**arguments, "file": str(week)})
    kept: dict[str, dict[str, str]] = {}
    worked: dict[str, Spent] = {}
    peak = 0
    for one in (plain, fast):
        with measured() as spent:
            task = ProcessingTask(one.name, (week,), pipeline, folder / one.name, arguments)
            outcome = process(task, one, Limits())
        worked[one.name], peak = spent, max(peak, outcome.cost.peak_bytes)
        kept[one.name] = digests(folder / one.name)
    worked["run"] = as_study(folder, pipeline)
    same = [path for path, digest in kept[plain.name].items() if direct["digests"].get(path) == digest]
    differing = sorted(path for path in kept[fast.name] if kept[fast.name][path] != kept[plain.name][path])
    names = {
        plain.name: "platform: pre-scan, process, checks",
        "run": "platform: the whole run, with tables, lake, page and checks",
        fast.name: "platform in the runtime with the faster DFA",
    }
    rows = [
        ("SKDH by itself (baseline)", alone, ""),
        *((text, worked[name], worked[name].against(alone)) for name, text in names.items()),
        ("arrays kept that equal SKDH's bit by bit", f"{len(same)} of {len(kept[plain.name])}", ""),
        ("arrays that the faster DFA changes", ", ".join(differing) or "none", ""),
        ("peak memory of the process", f"{peak / 1024**3:.2f} GiB", ""),
    ]
    return report + "\n" + table(("measure", "value", "against SKDH"), rows)


def as_study(folder: Path, pipeline: Path) -> Spent:
    """Process the recording as a study's run: from its launch to its end."""
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
        quiet = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}
        with measured() as spent:
            result = job.execute_in_process(instance=instance, partition_key=request.partition_key, run_config=quiet)
        assert result.success
    return spent


if __name__ == "__main__":
    main()
