"""Whole path: 2,000 GEO series matrices of 1,000 features x 6 samples from the bucket to SQL and search.

Every lot is a real run of the repository's job in this process, asked for by its real sensor. The baseline parses the
same files with the platform's reader and does nothing else. `--datasets` changes the number.
"""

import argparse
import os
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from benchmarks.machine import header, peak_memory_gib, table
from biolake.cli.dagster import quieten


def write_series(folder: Path, count: int, *, features: int = 1000, samples: int = 6, seed: int = 1) -> None:
    """Write made-up series matrices with a realistic header."""
    numbers = np.random.default_rng(seed)
    means = numbers.lognormal(2.2, 1.0, features)
    for number in range(count):
        accession = f"GSE{700000 + number}"
        names = [f"GSM{number * samples + i:07d}" for i in range(samples)]
        quoted = "\t".join(f'"{name}"' for name in names)
        values = np.log2(numbers.negative_binomial(4, 4 / (4 + means[:, None]), (features, samples)) + 1)
        lines = [
            f'!Series_title\t"Made-up series {number} of treated and untreated cells"',
            f'!Series_geo_accession\t"{accession}"',
            '!Series_summary\t"' + "Cells were treated, and their expression was measured. " * 12 + '"',
            '!Series_submission_date\t"Jan 05 2023"',
            '!Series_platform_id\t"GPL6244"',
            "",
            "!Sample_title\t" + "\t".join(f'"sample {i}"' for i in range(samples)),
            f"!Sample_geo_accession\t{quoted}",
            "!Sample_organism_ch1" + '\t"Homo sapiens"' * samples,
            "!Sample_characteristics_ch1\t"
            + "\t".join(f'"tissue: {["liver", "lung"][i % 2]}"' for i in range(samples)),
            "!Sample_characteristics_ch1\t" + "\t".join(f'"age: {20 + (number + i) % 60}"' for i in range(samples)),
            "!series_matrix_table_begin",
            f'"ID_REF"\t{quoted}',
            *(
                f'"ENSG{feature:011d}"\t' + "\t".join(f"{value:.4f}" for value in row)
                for feature, row in enumerate(values)
            ),
            "!series_matrix_table_end",
        ]
        (folder / f"{accession}_series_matrix.txt").write_text("\n".join(lines) + "\n")


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=2000)
    parser.add_argument("--lot", type=int, default=500, help="datasets per lot, so that first and last can be compared")
    arguments = parser.parse_args()
    quieten()
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(BIOLAKE_HOME=home, BIOLAKE_SETTLE_SECONDS="0", BIOLAKE_LOT_DATASETS=str(arguments.lot))
        os.environ["BIOLAKE_ACTIVE_LOTS"] = "1"
        print(run(Path(home), arguments.datasets))


def run(home: Path, datasets: int) -> str:
    """Ingest and return the report."""
    from biolake.formats.models import Upload
    from biolake.formats.read import read
    from biolake.ledger.jobs import find_jobs
    from biolake.ledger.models import JobState
    from biolake.platform import opened
    from biolake.settings import Settings
    from platform_assets.drive import drive_repository, local_instance

    report = header(f"Whole path, {datasets:,} datasets of 1,000 features x 6 samples")
    folder = home / "landing" / "geo"
    folder.mkdir(parents=True)
    (home / "repositories").mkdir()
    (home / "repositories" / "geo.yaml").write_text(
        "name: geo\ntitle: Benchmark\ndataset_id: '^(?P<dataset_id>GSE[0-9]+)'\n"
    )
    write_series(folder, datasets)
    started = time.perf_counter()
    for path in sorted(folder.iterdir())[:200]:
        read(Upload(path.name, path))
    parse = (time.perf_counter() - started) / min(200, datasets)
    with opened(Settings.from_environment()) as platform, local_instance(home) as instance:
        started = time.perf_counter()
        drive_repository(platform, instance, "geo")
        seconds = time.perf_counter() - started
        with platform.ledger.reading() as connection:
            jobs = find_jobs(connection, "geo")
        runs = instance.get_run_records()
        steps: dict[str, float] = defaultdict(float)
        for record in runs:
            for event in instance.all_logs(record.dagster_run.run_id):
                if event.is_dagster_event and event.get_dagster_event().is_step_success:
                    dagster_event = event.get_dagster_event()
                    duration = dagster_event.step_success_data.duration_ms / 1000
                    steps[str(dagster_event.step_key).split("__")[-1]] += duration
        index_count = platform.index.count("geo")
    succeeded = sum(job.state == JobState.SUCCESS for job in jobs)
    lots: dict[str, list] = defaultdict(list)
    for job in jobs:
        lots[str(job.lot)].append(job)
    times = [
        (max(job.ended_at for job in mine) - min(job.started_at for job in mine)).total_seconds() / len(mine)
        for _, mine in sorted(lots.items())
    ]
    rows = [
        ("datasets stored and found", f"{succeeded} of {datasets}, {index_count} documents"),
        ("datasets per second", f"{datasets / seconds:.1f}"),
        ("reader alone, datasets per second (baseline)", f"{1 / parse:.1f}"),
        ("a dataset of the last lot against one of the first", f"{times[-1] / times[0]:.2f}x"),
        ("peak memory", f"{peak_memory_gib():.2f} GiB"),
        *((f"time in {name}", f"{spent:.1f} s of {seconds:.1f} s") for name, spent in sorted(steps.items())),
    ]
    return report + "\n" + table(("measure", "value"), rows)


if __name__ == "__main__":
    main()
