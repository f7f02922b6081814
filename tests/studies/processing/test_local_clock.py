"""A table with local times has the same samples at the same moments, and the same days, as the device's own file."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from biolake.studies.processing.models import Limits, ProcessingTask
from biolake.studies.processing.results import Results, read_results
from biolake.studies.processing.runner import process
from biolake.studies.processing.warm import WarmRuntime
from biolake.studies.runtimes import Runtime
from tests.studies.generate.geneactiv import write_geneactiv
from tests.studies.generate.motion import Person
from tests.studies.processing.conftest import DAYS, READ_BIN, Step

HERTZ = 2.0
READ_CSV: Step = ("ReadCSV", "io.csv", {"time_col_name": "time", "column_names": {"accel": ["x", "y", "z"]}})
# From Friday noon over the Sunday on which New York's clocks go forward, and back.
SPRING, AUTUMN, HOURS = datetime(2024, 3, 8, 12), datetime(2024, 11, 1, 12), 84.0


def write_table(path: Path, start: datetime, stamp: Callable[[datetime], str]) -> None:
    person = Person(start, HOURS)
    accel = np.concatenate(list(person.chunks(HERTZ, 300)))
    lines = [
        f"{stamp(start + timedelta(seconds=n / HERTZ))},{x:.4f},{y:.4f},{z:.4f}" for n, (x, y, z) in enumerate(accel)
    ]
    path.write_text("time,x,y,z\n" + "\n".join(lines) + "\n")


@pytest.fixture
def run(runtime: Runtime, warm: WarmRuntime, pipeline: Callable[..., Path], tmp_path: Path) -> Callable[..., Results]:
    def execute(file: Path, *steps: Step, clock: str = "device_local") -> Results:
        saved = pipeline(*steps, DAYS, name=f"{file.stem}.skdh")
        arguments = {"tz_name": "America/New_York"}
        task = ProcessingTask("one", (file,), saved, tmp_path / f"out-{file.stem}", arguments, (), clock, True)
        outcome = process(task, runtime, Limits(), warm)
        assert outcome.state == "processed", outcome.reason
        return read_results(tmp_path / f"out-{file.stem}")

    return execute


def borders(results: Results, reader: str) -> list[tuple[int, float]]:
    """The start of each day and its length in hours, by the samples' own times."""
    time = results.step(reader).array("time")
    days = results.step("GetDayWindowIndices").array("day_ends", (0, 24))
    return [(round(time[a]), round((time[b - 1] - time[a]) / 3600, 1)) for a, b in days]


@pytest.mark.parametrize(
    ("start", "lengths"), [(SPRING, [12.0, 24.0, 23.0, 24.0, 1.0]), (AUTUMN, [12.0, 24.0, 25.0, 23.0])]
)
def test_local_times_have_the_days_of_the_device_s_file(
    run: Callable[..., Results], tmp_path: Path, start: datetime, lengths: list[float]
) -> None:
    write_geneactiv(tmp_path / "device.bin", Person(start, HOURS), HERTZ)
    write_table(tmp_path / "table.csv", start, lambda time: f"{time:%Y-%m-%d %H:%M:%S.%f}")
    device, table = run(tmp_path / "device.bin", READ_BIN), run(tmp_path / "table.csv", READ_CSV)

    np.testing.assert_allclose(
        table.step("ReadCSV").array("time"), device.step("ReadBin").array("time"), rtol=0, atol=0.01
    )
    assert borders(table, "ReadCSV") == borders(device, "ReadBin")
    assert [hours for _, hours in borders(table, "ReadCSV")] == lengths


@pytest.mark.parametrize(
    ("stamp", "clock"),
    [
        (lambda time: f"{time:%Y-%m-%d %H:%M:%S.%f}", "utc"),
        (lambda time: f"{time:%Y-%m-%d %H:%M:%S.%f}+00:00", "device_local"),
    ],
    ids=["clock said to be UTC", "times with an offset"],
)
def test_times_that_are_utc_stay_so(
    run: Callable[..., Results], tmp_path: Path, stamp: Callable[[datetime], str], clock: str
) -> None:
    write_table(tmp_path / "table.csv", SPRING, stamp)
    found = run(tmp_path / "table.csv", READ_CSV, clock=clock).step("ReadCSV").array("time")

    assert found[0] == SPRING.replace(tzinfo=UTC).timestamp()
