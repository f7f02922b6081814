"""One recording made of 336 files of 250 kB (a week of half-hours): the platform against SKDH's own reader of many.

The baseline reads the same files in one process by SKDH itself, import included. `--files` changes the number.
"""

import argparse
import os
import tempfile
from datetime import datetime
from pathlib import Path

from benchmarks.machine import header, table
from benchmarks.study_files import (
    CURRENT,
    READ_AVRO,
    WEAR,
    call_directly,
    digests,
    measured,
    runtime,
    step,
    write_pipeline,
)
from biolake.cli.dagster import quieten
from tests.studies.generate.empatica import write_empatica
from tests.studies.generate.motion import Person

# At which half an hour has about 250 kB.
_HERTZ = 24.0
_MINUTES = 30


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=336)
    count = parser.parse_args().files
    quieten()
    with tempfile.TemporaryDirectory() as name:
        os.environ.setdefault("BIOLAKE_HOME", name)
        print(run(Path(name), count))


def run(folder: Path, count: int) -> str:
    """Measure and return the report."""
    from biolake.studies.processing.models import Limits, ProcessingTask
    from biolake.studies.processing.runner import process, scanned

    person = Person(datetime(2024, 3, 4, 10), count * _MINUTES / 60)
    files = write_empatica(folder / "parts", person, _HERTZ, minutes=_MINUTES)
    assert len(files) == count
    one = runtime(CURRENT)
    size = sum(path.stat().st_size for path in files) / count
    report = header(f"One recording of {count} files of {size / 1000:.0f} kB")
    reader = step("MultiReader", "io.multireader", mode="concatenate", reader=READ_AVRO["process"])
    pipeline = write_pipeline(folder / "parts.skdh", reader, WEAR)
    arguments = {"tz_name": "Europe/London"}
    with measured() as alone:
        direct = call_directly(one, pipeline, {**arguments, "files": [str(path) for path in files]})
    with measured() as spent:
        with measured() as scan:
            task = scanned(ProcessingTask("week", tuple(files), pipeline, folder / "out", arguments))
        outcome = process(task, one, Limits())
    kept = digests(folder / "out")
    same = sum(direct["digests"].get(path) == digest for path, digest in kept.items())
    wall, cpu = (1000 * (spent.wall - alone.wall) / count, 1000 * (spent.cpu - alone.cpu) / count)
    rows = [
        ("SKDH by itself, one process (baseline)", alone),
        ("platform: pre-scan, process, checks", spent),
        ("of it the pre-scan of all files", scan),
        ("added per file", f"{wall:.1f} ms, CPU {cpu:.1f} ms"),
        ("state", f"{outcome.state.value} {', '.join(outcome.qc_codes)}"),
        ("arrays that equal SKDH's bit by bit", f"{same} of {len(kept)}"),
    ]
    return report + "\n" + table(("measure", "value"), rows)


if __name__ == "__main__":
    main()
