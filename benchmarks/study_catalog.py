"""Catalog of a study with 100,000 objects: the first look, a second one with nothing new, and looking into them.

The objects are small files in a local folder; the baseline only lists them. `--objects` changes the number.
"""

import argparse
import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import yaml

from benchmarks.machine import header, peak_memory_gib, table
from benchmarks.study_files import READ_NPZ, WEAR, saved_pipeline
from biolake.ledger.ledger import Ledger
from biolake.objects.store import open_store
from biolake.studies.catalog.update import catalog, open_stores
from biolake.studies.configuration.load import load_study


def write_study(folder: Path, objects: int) -> Path:
    """Write a study and its objects, 1,000 to a folder."""
    for number in range(objects):
        part = folder / "raw" / f"{number // 1000:04d}"
        if number % 1000 == 0:
            part.mkdir(parents=True)
        (part / f"{number:06d}_V1.npz").write_bytes(b"%d" % number)
    (folder / "worn.skdh").write_text(yaml.safe_dump(saved_pipeline(READ_NPZ, WEAR)))
    document = {
        "schema_version": 1,
        "study": {"id": "BENCHMARK", "title": "Many objects", "timezone_default": "Europe/London"},
        "sources": [{"name": "raw", "uri": (folder / "raw").as_uri(), "settle_seconds": 0}],
        "file_types": [
            {
                "name": "wrist",
                "source": "raw",
                "pattern": "*/*.npz",
                "filename_regex": "(?P<subject>[0-9]{6})_(?P<visit>V[0-9])\\.npz",
                "identity": ["subject", "visit"],
                "device": {"expect": "npz"},
                "pipelines": ["worn"],
            }
        ],
        "pipelines": {
            "worn": {
                "runtime": "skdh-0.17.18-py311-a",
                "file": "worn.skdh",
                "outputs": {"AccelThresholdWearDetection": "intervals"},
            }
        },
        "results": {"uri": (folder / "results").as_uri()},
    }
    (folder / "study.yaml").write_text(json.dumps(document))
    return folder / "study.yaml"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=100_000)
    objects = parser.parse_args().objects
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study = load_study(write_study(folder, objects))
        report = header(f"Catalog of {objects:,} objects")
        engine = Ledger(f"sqlite:///{folder / 'state.db'}").engine
        stores = open_stores(study)
        started = time.perf_counter()
        listed = sum(1 for _ in open_store((folder / "raw").as_uri()).list())
        baseline = time.perf_counter() - started
        took = []
        for _ in range(2):
            started = time.perf_counter()
            summary = catalog(study, stores, engine, datetime.now(UTC))
            took.append(time.perf_counter() - started)
        assert summary.n_files == listed == objects
        assert summary.new == 0
    rows = [
        ("listing alone (baseline)", f"{baseline:.1f} s"),
        ("first catalog", f"{took[0]:.1f} s"),
        ("second catalog, nothing new", f"{took[1]:.1f} s"),
        ("peak memory", f"{peak_memory_gib():.2f} GiB"),
    ]
    print(report + "\n" + table(("measure", "value"), rows))


if __name__ == "__main__":
    main()
