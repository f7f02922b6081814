"""The door to the scanners: tell the format by the first bytes, then let the module of that format look."""

from collections.abc import Callable
from pathlib import Path

from biolake.studies.devices.actigraph import scan_gt3x
from biolake.studies.devices.apdm import scan_apdm
from biolake.studies.devices.axivity import scan_cwa
from biolake.studies.devices.empatica import scan_empatica
from biolake.studies.devices.geneactiv import scan_geneactiv
from biolake.studies.devices.models import Problem, ProblemCode, RecordingFormat, Scan
from biolake.studies.devices.recognise import recognise
from biolake.studies.devices.tables import scan_csv, scan_npz

_SCANNERS: dict[RecordingFormat, Callable[[Path], Scan]] = {
    RecordingFormat.CWA: scan_cwa,
    RecordingFormat.GENEACTIV: scan_geneactiv,
    RecordingFormat.GT3X: scan_gt3x,
    RecordingFormat.EMPATICA_AVRO: scan_empatica,
    RecordingFormat.APDM_H5: scan_apdm,
    RecordingFormat.CSV: scan_csv,
    RecordingFormat.NPZ: scan_npz,
}


def scan(path: Path) -> Scan:
    """Say what a recording is, and everything wrong with it that needs no algorithm to be seen.

    Never raises for what is in the file: a file that is no recording has format `UNKNOWN` and the problem
    `WRONG_FORMAT`. Reads block headers and checksums only, so that a week of data takes well under two seconds.

    Raises:
        OSError: The file cannot be opened or read.
    """
    kind, what = recognise(path)
    scanner = _SCANNERS.get(kind)
    if scanner is not None:
        return scanner(path)
    problem = Problem(ProblemCode.WRONG_FORMAT, 0, 1.0, f"no recording that can be read: {what}")
    return Scan(RecordingFormat.UNKNOWN, problems=(problem,), bad_block_fraction=1.0, size_bytes=path.stat().st_size)
