"""What a pipeline's reader is given: the file under a name that it accepts, or one that SKDH can read."""

import os
from typing import Any

_READERS = {
    "cwa": "ReadCwa",
    "geneactiv_bin": "ReadBin",
    "empatica_avro": "ReadEmpaticaAvro",
    "apdm_h5": "ReadApdmH5",
    "csv": "ReadCSV",
    "npz": "ReadNumpyFile",
    "gt3x": "ReadNumpyFile",
}
_SUFFIXES = {
    "cwa": ".cwa",
    "geneactiv_bin": ".bin",
    "empatica_avro": ".avro",
    "apdm_h5": ".h5",
    "csv": ".csv",
    "npz": ".npz",
}


class WrongReader(Exception):
    """The pipeline does not begin with the reader of the recording's format."""


def inputs(command: dict[str, Any], reader: Any, scratch: str) -> tuple[dict[str, Any], str]:
    """Return the arguments for the pipeline's run, and what reads the file.

    Raises:
        WrongReader: The pipeline's reader is not for the recording's format.
    """
    arguments = dict(command["arguments"])
    kind = command["format"]
    name = reader._cls_name
    wanted = reader._kw.get("reader") if name == "MultiReader" else name
    if wanted != _READERS[kind]:
        raise WrongReader(f"the pipeline begins with {wanted}; a {kind} recording needs {_READERS[kind]}")
    files, by = _named(command["files"], kind, scratch)
    by = by or (f"MultiReader of {wanted}" if name == "MultiReader" else name)
    if name == "MultiReader":
        return {**arguments, "files": files}, by
    return {**arguments, "file": files[0]}, by


def _named(files: list[str], kind: str, scratch: str) -> tuple[list[str], str]:
    if kind == "gt3x":
        import numpy

        from .gt3x import read_gt3x

        converted, by = [], ""
        for number, file in enumerate(files):
            arrays, by = read_gt3x(file)
            stem = os.path.splitext(os.path.basename(file))[0]
            converted.append(os.path.join(scratch, f"{number}" if len(files) > 1 else "", f"{stem}.npz"))
            os.makedirs(os.path.dirname(converted[-1]), exist_ok=True)
            numpy.savez(converted[-1], **arrays)
        return converted, f"{by}, handed on to ReadNumpyFile"
    named = []
    for number, file in enumerate(files):
        stem, suffix = os.path.splitext(os.path.basename(file))
        if suffix == _SUFFIXES[kind]:
            named.append(file)
            continue
        # SKDH's readers warn about, refuse or skip a file by its suffix, upper case included.
        link = os.path.join(scratch, str(number), stem + _SUFFIXES[kind])
        os.makedirs(os.path.dirname(link), exist_ok=True)
        os.symlink(os.path.abspath(file), link)
        named.append(link)
    return named, ""


def comparable(reader: Any, kind: str) -> bool:
    """Say whether the reader returns the samples of the file, neither trimmed nor with gaps filled."""
    trims = reader._kw.get("trim_start_factor") or any(reader._kw.get("trim_keys") or ())
    return kind != "csv" and reader._cls_name != "MultiReader" and not trims
