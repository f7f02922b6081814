"""An hour of a made-up person's life as each device would record it."""

from datetime import datetime
from pathlib import Path

import pytest

from tests.studies.generate.cwa import write_cwa
from tests.studies.generate.geneactiv import write_geneactiv
from tests.studies.generate.motion import Person

PERSON = Person(datetime(2024, 3, 4, 10), hours=1.0)


@pytest.fixture(scope="session")
def cwa(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("made-up") / "whole.cwa"
    write_cwa(path, PERSON)
    return path.read_bytes()


@pytest.fixture(scope="session")
def geneactiv(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path: Path = tmp_path_factory.mktemp("made-up") / "whole.bin"
    write_geneactiv(path, PERSON)
    return path.read_bytes()
