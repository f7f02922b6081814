"""Which machine a lot or a recording gets. Pure functions of the table; docs/kubernetes.md explains them."""

from dataclasses import dataclass
from pathlib import Path

from biolake.documents.load import load_document
from biolake.machines.models import NAMES, MachineTable, SizeName

SHIPPED = Path(__file__).with_name("sizes.yaml")

LARGEST: SizeName = NAMES[-1]

_PLANNED_SHARE = 0.8
# After so many runs a lot or a recording has waited enough for machines that are taken away.
_SPOT_RUNS = 2


@dataclass(frozen=True)
class Machine:
    """What a run asks for: a size, on a machine that may be taken away or on another."""

    size: SizeName
    spot: bool


def read_machines(path: Path | None = None) -> MachineTable:
    """Read a deployment's table, the shipped one where no path is given.

    Raises:
        DocumentInvalid: With file, line and key of every mistake.
    """
    source = path or SHIPPED
    return load_document(source.read_bytes(), MachineTable, str(source))


def larger(size: SizeName) -> SizeName | None:
    """The next larger size; None for the largest."""
    position = NAMES.index(size) + 1
    return NAMES[position] if position < len(NAMES) else None


def machine_for_lot(table: MachineTable, heaviest_bytes: int, *, runs: int = 0, outgrown: int = 0) -> Machine:
    """The machine for the next run of a lot: its datasets are read one by one, so the heaviest decides.

    Args:
        table: The deployment's.
        heaviest_bytes: Size of the largest dataset's files.
        runs: How many runs the lot had.
        outgrown: How many of them ended because memory did not suffice; each calls for the next size.
    """
    fits: list[SizeName] = [name for name in NAMES if _takes(table, name, heaviest_bytes)]
    return Machine(_grown(fits[0], outgrown), table.lots_on_spot and runs < _SPOT_RUNS)


def machine_for_recording(table: MachineTable, planned_bytes: int, *, attempts: int = 0) -> Machine:
    """The machine for a recording: the smallest in which its planned memory takes four fifths at most.

    Args:
        table: The deployment's.
        planned_bytes: What its processing is planned with.
        attempts: How often it was tried; each calls for the next size, since a plan may be wrong.
    """
    fits: list[SizeName] = [name for name in NAMES if planned_bytes <= _PLANNED_SHARE * table.sizes[name].memory_bytes]
    size = _grown(fits[0] if fits else NAMES[-1], attempts)
    return Machine(size, table.recordings_on_spot and attempts < _SPOT_RUNS)


def _takes(table: MachineTable, name: SizeName, heaviest_bytes: int) -> bool:
    most = table.sizes[name].dataset_bytes
    return most is None or heaviest_bytes <= most


def _grown(size: SizeName, steps: int) -> SizeName:
    return NAMES[min(NAMES.index(size) + steps, len(NAMES) - 1)]
