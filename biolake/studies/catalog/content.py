"""What a file's bytes mean for a study: is it the right device, is it whole, does its header agree with its name.

The bytes are looked at by `biolake.studies.devices`; its clock is judged by `clock`.
"""

from biolake.studies.configuration.file_types import FileType
from biolake.studies.configuration.headers import header_value, says_the_same
from biolake.studies.devices.models import Problem, ProblemCode, RecordingFormat, Scan
from biolake.studies.facts import FileFacts, Verdict
from biolake.studies.states import State

_FORMATS: dict[str, frozenset[RecordingFormat]] = {
    "axivity": frozenset({RecordingFormat.CWA}),
    "geneactiv": frozenset({RecordingFormat.GENEACTIV}),
    "actigraph": frozenset({RecordingFormat.GT3X}),
    "empatica": frozenset({RecordingFormat.EMPATICA_AVRO}),
    "apdm": frozenset({RecordingFormat.APDM_H5}),
    "csv": frozenset({RecordingFormat.CSV}),
    "npz": frozenset({RecordingFormat.NPZ}),
}
_DAMAGE = (
    ProblemCode.NO_DATA,
    ProblemCode.SESSION_RESTART,
    ProblemCode.BAD_SEQUENCE,
    ProblemCode.BAD_HEADER,
    ProblemCode.TRUNCATED,
    ProblemCode.MISSING_BLOCKS,
    ProblemCode.BAD_CHECKSUM,
    ProblemCode.BAD_PAGE_COUNT,
)
_FATAL = frozenset({ProblemCode.NO_DATA, ProblemCode.BAD_HEADER})
"""Damage with which nothing can be computed. Damaged blocks within the limit are left out when a file is read."""


def wrong_format(file_type: FileType, scan: Scan) -> Verdict | None:
    """Return a verdict where the file is not what its file type expects."""
    expected = file_type.device.expect
    unreadable = scan.problem(ProblemCode.WRONG_FORMAT)
    if unreadable is not None:
        return Verdict(State.WRONG_FORMAT, f"Expected {expected}: {_sentence(unreadable.message)}")
    if scan.format not in _FORMATS[expected]:
        found = f"{scan.format.value}, {scan.device_kind}" if scan.device_kind else scan.format.value
        return Verdict(State.WRONG_FORMAT, f"Expected {expected}, found {found}.")
    limits, rate = file_type.device.sampling_hz, scan.sampling_hz
    if limits is not None and rate is not None and not limits[0] <= rate <= limits[1]:
        return Verdict(State.WRONG_FORMAT, f"Sampled at {rate:g} Hz, expected {limits[0]:g} to {limits[1]:g} Hz.")
    return None


def corrupted(file_type: FileType, scan: Scan) -> Verdict | None:
    """Return a verdict where more of the file is damaged than its file type allows."""
    found = [problem for code in _DAMAGE for problem in scan.problems if problem.code is code]
    limit = file_type.recording.max_bad_block_fraction
    fatal = next((problem for problem in found if problem.code in _FATAL), None)
    if fatal is not None:
        return Verdict(State.CORRUPTED, _describe(fatal))
    worst = max(found, key=lambda problem: problem.fraction, default=None)
    if worst is not None and max(worst.fraction, scan.bad_block_fraction) > limit:
        return Verdict(State.CORRUPTED, f"{_describe(worst)} Allowed is {limit:.4g}.")
    return None


def damage_flags(scan: Scan) -> tuple[str, ...]:
    """Return the QC codes for damage that is within the limit."""
    return tuple(dict.fromkeys(code.value for code in _DAMAGE if scan.problem(code) is not None))


def identity_mismatch(file_type: FileType, file: FileFacts, scan: Scan) -> tuple[Verdict | None, tuple[str, ...]]:
    """Compare the header with the name.

    Returns:
        A verdict where they differ and the rule is quarantine; and QC codes for what could not be compared or differs.
    """
    flags: list[str] = []
    differences: list[str] = []
    for group, field in file_type.device.header_checks.items():
        in_name, in_header = file.groups.get(group), header_value(scan, field)
        if in_name is None:
            continue
        if in_header is None:
            flags.append(f"header_{group}_empty")
        elif not says_the_same(in_name, in_header):
            # The header's text is not repeated: free text in a header may be a person's name.
            differences.append(group)
    if not differences:
        return None, tuple(flags)
    if file_type.device.on_mismatch == "flag":
        return None, (*flags, *(f"header_{group}_differs" for group in differences))
    what = " and ".join(differences)
    reason = f"The header says another {what} than the file's name. Check which device was given to whom."
    return Verdict(State.IDENTITY_MISMATCH, reason), tuple(flags)


def _describe(problem: Problem) -> str:
    offset = f" at byte {problem.offset}" if problem.offset is not None else ""
    return f"{problem.code.value}{offset}, {problem.fraction:.4g} of the file: {_sentence(problem.message)}"


def _sentence(message: str) -> str:
    return message if message.endswith((".", "!", "?")) else message + "."
