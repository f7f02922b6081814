"""What the benchmarks of studies share: pipelines as SKDH saves them, made-up weeks, and SKDH called by itself."""

import json
import resource
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from biolake.settings import Settings
from biolake.studies.runtimes import Runtime, ensure_runtime
from tests.studies.generate.cwa import write_cwa
from tests.studies.generate.motion import Person

RUNTIMES = Path(__file__).resolve().parent.parent / "runtimes"
CURRENT, FAST = "skdh-0.17.18-py311-a", "skdh-0.17.18-py311-dfa"


def step(process: str, module: str, **parameters: Any) -> dict[str, Any]:
    """A step as SKDH saves it."""
    names = {"name": process, "process": process, "package": "skdh", "module": module, "parameters": parameters}
    return {**names, "save_file": None, "plot_file": None}


READ_CWA = step("ReadCwa", "io.axivity")
READ_NPZ = step("ReadNumpyFile", "io.numpy_compressed")
READ_AVRO = step("ReadEmpaticaAvro", "io.empatica")
CALIBRATE = step("CalibrateAccelerometer", "preprocessing.calibrate")
WEAR = step("AccelThresholdWearDetection", "preprocessing.wear_detection")
DAYS = step("GetDayWindowIndices", "preprocessing.window_days", bases=[0, 12], periods=[24, 24])
SLEEP = step("Sleep", "sleep.sleep", day_window=[12, 24])
ACTIVITY = step("ActivityLevelClassification", "activity.core", day_window=[0, 24])
WEEK = (READ_CWA, CALIBRATE, WEAR, DAYS, SLEEP, ACTIVITY)


def saved_pipeline(*steps: dict[str, Any], version: str = "0.17.18") -> dict[str, Any]:
    """A pipeline as SKDH saves it."""
    return {"Steps": list(steps), "Version": version}


def write_pipeline(path: Path, *steps: dict[str, Any]) -> Path:
    """Write a pipeline's file."""
    path.write_text(yaml.safe_dump(saved_pipeline(*steps)))
    return path


def write_week(path: Path, seed: int = 7, days: int = 7) -> Path:
    """Write a made-up recording of an AX3 at 100 Hz."""
    write_cwa(path, Person(datetime(2024, 3, 4, 10), 24.0 * days, non_wear=((2, 13.0, 3.0),), seed=seed), 100.0)
    return path


def runtime(name: str) -> Runtime:
    """A locked runtime, built where this deployment keeps them."""
    return ensure_runtime(name, RUNTIMES, Settings.from_environment().runtime_cache)


DIRECT = """
import hashlib, json, resource, sys, time, warnings
warnings.simplefilter("ignore")
order = json.load(sys.stdin)
from skdh import Pipeline
import numpy as np

def walk(path, value, digests):
    if isinstance(value, dict):
        for key, inner in value.items():
            name = str(tuple(int(k) for k in key)) if isinstance(key, tuple) else key
            walk(f"{path}/{name}", inner, digests)
    elif isinstance(value, np.ndarray) and not value.dtype.hasobject:
        array = np.ascontiguousarray(value)
        digests[path] = hashlib.sha256(array.tobytes()).hexdigest()

pipeline = Pipeline()
pipeline.load(order["pipeline"], process_raise=True, noversion_raise=True, old_raise=True)
started = time.perf_counter()
results = pipeline.run(**order["arguments"])
seconds = time.perf_counter() - started
digests = {}
for name, result in results.items():
    walk(name, result, digests)
print(json.dumps({"run_seconds": seconds, "digests": digests}))
"""


def call_directly(one: Runtime, pipeline: Path, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Call SKDH in a process of the runtime without the platform: seconds, and a hash of every array."""
    done = subprocess.run(
        [str(one.python), "-I", "-c", DIRECT],
        env=one.environment(),
        input=json.dumps({"pipeline": str(pipeline), "arguments": dict(arguments)}),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@dataclass
class Spent:
    """Seconds of a block: by the clock, and of all CPUs in this process and the children it waited for."""

    wall: float = 0.0
    cpu: float = 0.0

    def __str__(self) -> str:
        return f"{self.wall:.1f} s, CPU {self.cpu:.1f} s"

    def against(self, other: "Spent") -> str:
        """This as a multiple of another."""
        return f"{self.wall / other.wall:.3f}x, CPU {self.cpu / other.cpu:.3f}x"


@contextmanager
def measured() -> Iterator[Spent]:
    """Measure the block; on a machine that others use, CPU is what can be compared."""
    spent, wall, cpu = Spent(), time.perf_counter(), _cpu_seconds()
    yield spent
    spent.wall, spent.cpu = time.perf_counter() - wall, _cpu_seconds() - cpu


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def digests(folder: Path) -> dict[str, str]:
    """Hash of every array that the platform kept of a recording."""
    import hashlib

    import numpy as np

    from biolake.studies.processing.results import read_results

    found: dict[str, str] = {}
    for result in read_results(folder).steps:
        for value in result.values:
            if value.kind == "array":
                path = "/".join([result.name, *(str(part) for part in value.path)])
                found[path] = hashlib.sha256(np.ascontiguousarray(value.content).tobytes()).hexdigest()
    return found
