"""Reading a hostile file in a process of its own, with limits on memory and time; the caller lives on whatever happens.

Each file's process is forked from a warm one (`biolake.formats.reader_client`), which costs milliseconds. What happens
inside is in `biolake.formats.reader_process`, how a dataset comes back in `biolake.formats.handover`. Works from any
thread, from any `__main__`, and after a fork.
"""

import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from biolake.formats import errors, reader_client
from biolake.formats.errors import FormatError, ReaderCrashed, TooLarge
from biolake.formats.handover import receive
from biolake.formats.models import Dataset, Limits, Upload
from biolake.formats.reader_process import (
    ERROR,
    EXIT_DONE,
    EXIT_OUT_OF_MEMORY,
    HANDOVER,
    OUTPUT,
    RESULT,
    Failure,
    Request,
)
from biolake.formats.reader_server import Ending
from biolake.formats.registry import Format

_OUT_OF_MEMORY_WORDS = ("memory allocation of", "std::bad_alloc", "Cannot allocate memory")


def read_isolated(format: Format, upload: Upload, limits: Limits) -> Dataset:
    """Read an upload by `format.read` in its own process.

    The dataset's large matrices are mapped from files that no longer have a name: they need no memory until they are
    used, and the disk has them back as soon as the last array is gone.

    Args:
        format: Its `read` is a function at the top of a module that can be imported.
        upload: What to read.
        limits: `memory_bytes` is the process's address space, of which libraries reserve about 1 GB; `seconds` its
            wall time.

    Raises:
        FormatError: As the reader raised it, same class and message.
        TooLarge: The reader reached a limit; the message says which.
        ReaderCrashed: A signal or an unforeseen error ended the process; the message names it.
    """
    upload = Upload(
        upload.name,
        upload.data.absolute(),
        None if upload.samples is None else upload.samples.absolute(),
        None if upload.metadata is None else upload.metadata.absolute(),
    )
    function = _importable(format.read)
    with _Folder() as folder:
        request = Request(folder=folder, function=function, upload=upload, limits=limits, import_path=_import_path())
        _perform(request, upload.name)
        try:
            return receive(folder / HANDOVER)
        except (ValueError, OSError) as error:
            raise ReaderCrashed(
                f"{upload.name}: the {format.name} reader handed over an unusable dataset ({error}). "
                "The file may be made to harm; do not open it elsewhere."
            ) from error


def call_isolated(function: Callable[..., Any], arguments: list[Any], name: str, limits: Limits) -> Any:
    """Call a function with JSON arguments in its own process and return its JSON result.

    Raises:
        FormatError: As for `read_isolated`.
    """
    reference = _importable(function)
    with _Folder() as folder:
        request = Request(
            folder=folder, function=reference, arguments=arguments, limits=limits, import_path=_import_path()
        )
        _perform(request, name)
        return json.loads((folder / RESULT).read_bytes())


def _importable(function: Callable[..., Any]) -> str:
    module, name = function.__module__, function.__qualname__
    if module == "__main__" or "<" in name:
        raise TypeError(f"{module}.{name} cannot be imported by another process. Put it at the top of a module.")
    return f"{module}:{name}"


def _import_path() -> list[str]:
    return [str(Path(entry).absolute()) for entry in sys.path]


class _Folder:
    """A temporary folder for one reading, gone when the reading ends."""

    def __enter__(self) -> Path:
        self._path = Path(tempfile.mkdtemp(prefix="biolake-reader-"))
        return self._path.resolve()

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._path, ignore_errors=True)


def _perform(request: Request, name: str) -> None:
    """Have the request served; return where it was done, else raise what became of it."""
    ending = reader_client.serve(request)
    if ending is None:
        raise ReaderCrashed(f"{name}: the process that starts the readers was ended. Read the file again.")
    if ending.exit_code == EXIT_DONE:
        return
    limits = request.limits
    if ending.out_of_time or ending.signal == signal.SIGXCPU:
        kind = "time" if ending.out_of_time else "processor time"
        raise TooLarge(
            f"{name}: reading took longer than the limit of {limits.seconds:,.6g} seconds of {kind}. "
            "Upload it in parts, or have the limit raised."
        )
    output = _text(request.folder / OUTPUT)
    failure = _failure(request.folder / ERROR)
    if (
        ending.exit_code == EXIT_OUT_OF_MEMORY
        or (failure is not None and failure.kind == "memory")
        or (ending.signal == signal.SIGABRT and any(words in output for words in _OUT_OF_MEMORY_WORDS))
    ):
        raise TooLarge(
            f"{name}: reading needs more memory than the limit of {limits.memory_bytes / 1024**3:,.3g} GiB. "
            f"{_more_memory(limits)}"
        )
    raise _as_raised(name, request, ending, failure, output)


def _more_memory(limits: Limits) -> str:
    if limits.memory_bytes < Limits.memory_bytes:
        return (
            "That is all that this machine or container has: upload it in parts, or reprocess it on a larger machine."
        )
    return "Upload it in parts, or have the limit raised."


def _as_raised(name: str, request: Request, ending: Ending, failure: Failure | None, output: str) -> FormatError:
    if failure is not None and failure.kind == "format":
        kind = getattr(errors, failure.name, None)
        if isinstance(kind, type) and issubclass(kind, FormatError):
            return kind(failure.message)
    if ending.signal is not None:
        ended = f"ended by {_signal_name(ending.signal)}"
        if ending.signal == signal.SIGKILL:
            ended += " (most often the machine's own, when it is out of memory)"
    elif failure is not None:
        ended = f"ended by an unforeseen error, {failure.name}: {failure.message}"
    else:
        ended = f"ended with code {ending.exit_code}"
    error = ReaderCrashed(
        f"{name}: the process that read the file was {ended}. The file is damaged or made to harm, or the reader is "
        "wrong. Check that other tools open it; if they do, report it."
    )
    note = (failure.trace if failure is not None else "") or output
    if note:
        error.add_note(f"From the process of {request.function}:\n{note}")
    return error


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _text(path: Path, count: int = 4000) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - count))
        return file.read(count).decode(errors="replace")


def _failure(path: Path) -> Failure | None:
    """Return what the process left behind; nothing where a crash cut it off."""
    if not path.is_file():
        return None
    try:
        return Failure.model_validate_json(path.read_bytes())
    except ValidationError:
        return None
