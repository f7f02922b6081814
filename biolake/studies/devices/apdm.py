"""Scanning APDM Opal .h5 in a process of its own: HDF5's C code can crash or hang on what it is given.

The process runs this file as a script, so that part imports nothing of the platform.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_SECONDS = 20
_MEMORY_BYTES = 4 * 1024**3


def scan_apdm(path: Path) -> Any:
    """Scan an APDM file.

    Returns:
        The :class:`~biolake.studies.devices.models.Scan`; several sensors in one file are told in `location`.
    """
    from biolake.studies.devices.clock import EARLIEST, moment
    from biolake.studies.devices.models import Problem, ProblemCode, RecordingFormat, Scan

    size = path.stat().st_size

    def refused(code: ProblemCode, text: str) -> Scan:
        problem = Problem(code, None, 1.0, text)
        return Scan(RecordingFormat.APDM_H5, problems=(problem,), bad_block_fraction=1.0, size_bytes=size)

    try:
        # The file's path is one argument of a fixed command.
        command = [sys.executable, "-I", __file__, str(path)]
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return refused(ProblemCode.WRONG_FORMAT, f"the HDF5 file could not be looked at within {_SECONDS} s")
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or [f"exit {done.returncode}"]
        return refused(ProblemCode.TRUNCATED, f"the HDF5 file cannot be read ({reason[0][:200]})")
    found: dict[str, Any] = json.loads(done.stdout)
    sensors = found["sensors"]
    if not sensors:
        return refused(ProblemCode.WRONG_FORMAT, "an HDF5 file without APDM sensors")
    first = sensors[0]
    problems = []
    if not first["samples"]:
        problems.append(Problem(ProblemCode.NO_DATA, None, 1.0, "the sensors have no sample"))
    start = moment(first["start"]) if first["start"] is not None else None
    if start is not None and start < EARLIEST:
        problems.append(Problem(ProblemCode.CLOCK_BEFORE_MIN, None, 1.0, f"the recording starts {start}"))
    hertz = first["hertz"]
    return Scan(
        RecordingFormat.APDM_H5,
        "apdm_opal",
        device_id=first["id"],
        location=", ".join(sensor["label"] for sensor in sensors if sensor["label"]) or None,
        timezone=f"UTC{first['offset_hours']:+g}" if first["offset_hours"] is not None else None,
        start=start,
        end=moment(first["end"] + (1 / hertz if hertz else 0)) if first["end"] is not None else None,
        sampling_hz=hertz,
        n_samples_expected=first["samples"],
        problems=tuple(problems),
        size_bytes=size,
    )


def _look(path: str) -> dict[str, Any]:
    import h5py

    sensors: list[dict[str, Any]] = []
    with h5py.File(path, "r") as file:
        group = file.get("Sensors")
        names = list(group) if isinstance(group, h5py.Group) else []
        for name in names:
            sensor = group[name]  # type: ignore[index]
            if not isinstance(sensor, h5py.Group):
                continue
            time, acceleration = sensor.get("Time"), sensor.get("Accelerometer")
            if not isinstance(time, h5py.Dataset) or not isinstance(acceleration, h5py.Dataset):
                continue
            said: Any = sensor["Configuration"].attrs if "Configuration" in sensor else {}
            label = said.get("Label 0", b"")
            offset = said.get("Timezone Offset")
            rate = said.get("Sample Rate")
            sensors.append(
                {
                    "id": name,
                    "label": label.decode("utf-8", "replace") if isinstance(label, bytes) else str(label),
                    "samples": int(acceleration.shape[0]),
                    "start": float(time[0]) / 1e6 if len(time) else None,
                    "end": float(time[-1]) / 1e6 if len(time) else None,
                    "hertz": float(rate) if rate is not None else _rate(time),
                    "offset_hours": float(offset) if offset is not None else None,
                }
            )
    return {"sensors": sensors}


def _rate(time: Any) -> float | None:
    if len(time) < 2 or time[-1] <= time[0]:
        return None
    return (len(time) - 1) / (float(time[-1]) - float(time[0])) * 1e6


if __name__ == "__main__":
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    json.dump(_look(sys.argv[1]), sys.stdout)
