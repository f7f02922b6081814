"""Small made-up recordings for studies: half an hour of gait, an afternoon at the wrist."""

from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.studies.generate.cwa import write_cwa
from tests.studies.generate.geneactiv import write_geneactiv
from tests.studies.generate.motion import Person

START = datetime(2024, 3, 4, 10)


@cache
def walk(subject: int = 1, hours: float = 0.1) -> bytes:
    """A lumbar recording of an Axivity in which a person walks for two minutes; other bytes for each subject."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "walk.cwa"
        write_cwa(path, Person(START, hours, walks=((10 + 0.02, 2.0),), seed=subject), 50.0, device_id=subject)
        return path.read_bytes()


@cache
def wrist(subject: int = 1, hours: float = 1.5) -> bytes:
    """A wrist recording of a GENEActiv."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "wrist.bin"
        write_geneactiv(path, Person(START, hours, seed=subject), 25.0, subject=f"{subject:04d}")
        return path.read_bytes()
