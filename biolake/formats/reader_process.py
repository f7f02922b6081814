"""What happens inside the process that reads one hostile file: confine itself, read, hand over, end.

The process is forked by `biolake.formats.reader_server`; who asks for it and what becomes of its end is in
`biolake.formats.isolation`.
"""

import ctypes
import faulthandler
import json
import os
import resource
import signal
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict

from biolake.formats.errors import FormatError
from biolake.formats.models import Limits, Upload

RESULT = "result.json"
ERROR = "error.json"
OUTPUT = "output.txt"
HANDOVER = "handover"

EXIT_DONE = 0
EXIT_ERROR = 1
EXIT_OUT_OF_MEMORY = 2

_PR_SET_PDEATHSIG = 1
_MEMORY_FOR_LAST_WORDS = 256 * 1024**2
_SECONDS_OF_GRACE = 5


class Request(BaseModel):
    """What a process is asked to do.

    Attributes:
        folder: Where results and errors go; the process's working folder.
        function: `module:name` of what is called.
        arguments: JSON values to call it with, None to read `upload` and hand the dataset over.
        upload: What is read.
        limits: What it may cost.
        import_path: `sys.path` of the process that asks.
    """

    model_config = ConfigDict(frozen=True)

    folder: Path
    function: str
    arguments: list[Any] | None = None
    upload: Upload | None = None
    limits: Limits
    import_path: list[str]


class Failure(BaseModel):
    """An error as the process leaves it behind."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["format", "memory", "unforeseen"]
    name: str
    message: str
    trace: str


def run(request: Request) -> NoReturn:
    """Serve the request and end the process; everything it has to say is in the request's folder."""
    code = EXIT_ERROR
    try:
        _confine(request)
        code = _serve(request)
    except BaseException:  # whatever it was, a forked process must never return into the server's code
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _confine(request: Request) -> None:
    """Give up the server's descriptors, output and resources beyond the limits."""
    os.setpgid(0, 0)
    if sys.platform == "linux":
        # The server ends its readers; this is for the case that something ends the server.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    silence = os.open(os.devnull, os.O_RDONLY)
    output = os.open(request.folder / OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.dup2(silence, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.chdir(request.folder)
    faulthandler.enable(file=2)
    limits = request.limits
    seconds = int(limits.seconds) + 1
    _limit(resource.RLIMIT_CORE, 0, 0)
    _limit(resource.RLIMIT_FSIZE, limits.memory_bytes, limits.memory_bytes)
    _limit(resource.RLIMIT_CPU, seconds, seconds + _SECONDS_OF_GRACE)
    _limit(resource.RLIMIT_AS, limits.memory_bytes, limits.memory_bytes + _MEMORY_FOR_LAST_WORDS)


def _limit(kind: int, soft: int, hard: int) -> None:
    """Set a resource's limits, or leave what the machine itself limits more."""
    _, allowed = resource.getrlimit(kind)
    if allowed != resource.RLIM_INFINITY:
        hard = min(hard, allowed)
    resource.setrlimit(kind, (min(soft, hard), hard))


def _serve(request: Request) -> int:
    try:
        sys.path[:] = request.import_path
        module, _, name = request.function.partition(":")
        function: Any = import_module(module)
        for attribute in name.split("."):
            function = getattr(function, attribute)
        if request.arguments is not None:
            Path(RESULT).write_text(json.dumps(function(*request.arguments)))
        else:
            from biolake.formats.handover import store

            dataset = function(request.upload, request.limits)
            os.mkdir(HANDOVER, 0o700)
            store(dataset, Path(HANDOVER))
    except Exception as error:
        return _leave_behind(error)
    return EXIT_DONE


def _leave_behind(error: Exception) -> int:
    """Write the error down, with memory beyond the limit where that is what is missing."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    kind = "unforeseen"
    if isinstance(error, FormatError):
        kind = "format"
    elif isinstance(error, MemoryError) or "memory allocation failed" in str(error).lower():
        kind = "memory"
    try:
        trace = "".join(traceback.format_exception(error, limit=-30))
        # A hostile file may put into a message what is no valid text.
        message, trace = (text.encode(errors="backslashreplace").decode() for text in (str(error), trace))
        failure = Failure(kind=kind, name=type(error).__name__, message=message, trace=trace)
        Path(ERROR).write_text(failure.model_dump_json())
    except MemoryError:
        return EXIT_OUT_OF_MEMORY
    return EXIT_ERROR
