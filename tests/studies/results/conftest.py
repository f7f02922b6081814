"""A study in a folder, and one real run of SKDH over made-up days that all tests share."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from biolake.studies.processing.models import Limits, Outcome, ProcessingTask
from biolake.studies.processing.runner import process
from biolake.studies.runtimes import Runtime
from tests.studies.generate.geneactiv import write_geneactiv
from tests.studies.generate.motion import Person
from tests.studies.results.made_study import MadeStudy, wrist_pipeline


@pytest.fixture
def made(tmp_path: Path) -> MadeStudy:
    return MadeStudy.make(tmp_path)


@dataclass(frozen=True)
class RealRun:
    """A recording of the week in which clocks go forward in London, and what SKDH made of it.

    From Saturday 15:00 to Monday 10:00 by the device's clock, not worn on Sunday from 13:00 for three hours.
    """

    file: Path
    outcome: Outcome
    runtime: Runtime


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory, open_runtime: Callable[[str], Runtime]) -> RealRun:
    folder = tmp_path_factory.mktemp("real")
    file = folder / "0001_V1_left.bin"
    person = Person(datetime(2023, 3, 25, 15), 43.0, non_wear=((1, 13.0, 3.0),))
    write_geneactiv(file, person, 20.0)
    pipeline = folder / "wrist.skdh"
    pipeline.write_text(yaml.safe_dump(wrist_pipeline()))
    # The same as SKDH's own but for the speed of one endpoint.
    runtime = open_runtime("skdh-0.17.18-py311-dfa")
    task = ProcessingTask("real", (file,), pipeline, folder / "out", {"tz_name": "Europe/London"})
    return RealRun(file, process(task, runtime, Limits()), runtime)
